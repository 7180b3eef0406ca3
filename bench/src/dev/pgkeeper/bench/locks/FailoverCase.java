package dev.pgkeeper.bench.locks;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.testing.ChildProcess;
import java.util.ArrayList;
import java.util.List;

/** What becomes of a lock whose holder is closed or killed. */
final class FailoverCase implements Case {
  private static final Target KILLED =
      Target.atMost(KeeperOptions.defaults().grace().plusSeconds(1).toMillis() / 1e3);

  private static final Target CLOSED = Target.atMost(0.05);

  @Override
  public String name() {
    return FailoverTrial.CASE;
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report)) {
      String url = subjects.address(Subjects.PGKEEPER);
      int times = lab.isQuick() ? 1 : 5;
      repeat(report, "closed", times, url, FailoverTrial::closed, CLOSED);
      repeat(report, "killed", times, url, ChildProcess::kill9, KILLED);
    }
  }

  private static void repeat(
      Report report, String what, int times, String url, FailoverTrial.Blow blow, Target target)
      throws Exception {
    List<Double> seconds = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      seconds.add(FailoverTrial.seconds(Subjects.PGKEEPER, url, blow));
    }
    FailoverTrial.tell(report, what, Subjects.PGKEEPER, seconds, target);
  }
}
