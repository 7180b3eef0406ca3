package dev.pgkeeper.bench.ways;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.util.List;

/** One kind of work, by one client whose connections may use the server's compiler or may not. */
final class JitCase implements Case {
  private static final String AS_IT_IS = "jit as it is";
  private static final String OFF = "jit off";
  private static final List<Integer> THREAD_COUNTS = List.of(1, 8);

  private final Work work;

  JitCase(Work work) {
    this.work = work;
  }

  @Override
  public String name() {
    return "jit." + work.caseName();
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    for (int threads : THREAD_COUNTS) {
      try (JitClient client = JitClient.open(lab, report)) {
        Work.prepare(client.keeper());
        new Contest(name(), threads, Measure.rate("ops/s"))
            .entrant(AS_IT_IS, () -> client.with(true, work))
            .entrant(OFF, () -> client.with(false, work))
            .compare(AS_IT_IS, OFF, Target.atLeast(0.9))
            .run(lab, report);
      }
    }
  }
}
