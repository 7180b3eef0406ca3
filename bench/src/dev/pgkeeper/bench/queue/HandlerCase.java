package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Reaction;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Workload;
import java.time.Duration;
import java.util.List;

/** From just before a message is enqueued until the handler of a worker begins that was idle. */
final class HandlerCase implements Case {
  /**
   * At most 1 ms where the raw commit takes 0.2 ms: what a commit costs here is measured in the
   * same rounds.
   */
  private static final Target AGAINST_RAW_COMMIT = Target.atMost(1 / 0.2);

  /**
   * In which whoever handled the last message goes to sleep again. Processors and their caches do
   * so too, so the commit waits as well.
   */
  private static final Duration UNTIL_IDLE = Duration.ofMillis(10);

  @Override
  public String name() {
    return "queue.handler";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report, name())) {
      Contest contest =
          new Contest(name(), 1, Measure.latency())
              .entrant(Subjects.JDBC, () -> rawCommit(subjects.of(Subjects.JDBC)));
      for (String subject :
          List.of(Subjects.PGKEEPER, Subjects.SCHEDULER, Subjects.REDISSON, Subjects.CURATOR)) {
        contest.entrant(subject, () -> new Handling((Serving) subjects.of(subject)));
      }
      contest
          .compare(Subjects.PGKEEPER, Subjects.JDBC, AGAINST_RAW_COMMIT)
          .compare(Subjects.PGKEEPER, Subjects.SCHEDULER, null)
          .compare(Subjects.PGKEEPER, Subjects.REDISSON, null)
          .compare(Subjects.PGKEEPER, Subjects.CURATOR, null)
          .run(lab, report);
    }
  }

  private static Workload rawCommit(Messages floor) {
    List<byte[]> one = Messages.payloads(1);
    return thread ->
        () -> {
          Thread.sleep(UNTIL_IDLE.toMillis());
          long began = System.nanoTime();
          floor.enqueue(one);
          return System.nanoTime() - began;
        };
  }

  private static final class Handling extends Reaction {
    private final Serving messages;
    private final List<byte[]> one = Messages.payloads(1);

    Handling(Serving messages) throws Exception {
      this.messages = messages;
      messages.serve(this::told);
    }

    @Override
    protected void prepare() throws InterruptedException {
      Thread.sleep(UNTIL_IDLE.toMillis());
    }

    @Override
    protected void act() throws Exception {
      messages.enqueue(one);
    }
  }
}
