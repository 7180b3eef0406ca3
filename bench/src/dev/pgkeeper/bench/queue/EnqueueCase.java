package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import java.util.List;

/** Enqueueing, one at a time or many at once. */
final class EnqueueCase implements Case {
  private static final List<Integer> THREAD_COUNTS = List.of(1, 16);

  private final int batch;

  EnqueueCase(int batch) {
    this.batch = batch;
  }

  @Override
  public String name() {
    return "queue.enqueue." + batch;
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    Subjects subjects = Subjects.of(lab, report);
    for (int threads : THREAD_COUNTS) {
      Contest contest = new Contest(name(), threads, Measure.rate("messages/s"));
      for (String subject : Subjects.ALL) {
        contest.entrant(subject, () -> Enqueueing.of(subjects.of(subject), batch));
      }
      contest
          .compare(Subjects.PGKEEPER, Subjects.JDBC, Target.atLeast(0.8))
          .compare(Subjects.PGKEEPER, Subjects.SCHEDULER, null)
          .compare(Subjects.PGKEEPER, Subjects.REDISSON, null)
          .compare(Subjects.PGKEEPER, Subjects.CURATOR, null)
          .run(lab, report);
    }
  }

  private record Enqueueing(Messages messages, int batch) implements Workload {
    static Enqueueing of(Messages messages, int batch) {
      return new Enqueueing(messages, Math.min(batch, messages.largestBatch()));
    }

    @Override
    public Worker worker(int thread) {
      List<byte[]> payloads = Messages.payloads(batch);
      return Worker.timing(() -> messages.enqueue(payloads));
    }

    @Override
    public long unitsPerStep() {
      return batch;
    }

    /** Each round finds the queue empty. */
    @Override
    public void after() throws Exception {
      messages.clear();
    }
  }
}
