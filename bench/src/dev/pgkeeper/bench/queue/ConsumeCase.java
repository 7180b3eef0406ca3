package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.util.ArrayList;
import java.util.List;

/** Taking with a lease and acking, one at a time or many at once, from a long backlog. */
final class ConsumeCase implements Case {
  private static final List<Integer> CONSUMER_COUNTS = List.of(1, 4, 16);

  private final int batch;

  ConsumeCase(int batch) {
    this.batch = batch;
  }

  @Override
  public String name() {
    return "queue.consume." + batch;
  }

  /** More than the fastest takes in a round. */
  static int backlog(Lab lab, int batch) {
    int mostPerSecond = batch == 1 ? 100_000 : 1_500_000;
    return Math.toIntExact(lab.pace().round().toMillis() * mostPerSecond / 1000);
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    List<String> all = new ArrayList<>(Subjects.ALL);
    all.add(1, Subjects.PGKEEPER_ONE_BY_ONE);
    all.add(2, Subjects.PGKEEPER_HANDLED);
    Subjects subjects = Subjects.of(lab, report);
    for (int threads : CONSUMER_COUNTS) {
      Contest contest = new Contest(name(), threads, Measure.rate("messages/s"));
      for (String subject : all) {
        contest.entrant(
            subject,
            () -> new Consuming(subjects.of(subject), threads, batch, backlog(lab, batch)));
      }
      contest
          .compare(Subjects.PGKEEPER, Subjects.JDBC, Target.atLeast(0.7))
          .compare(Subjects.PGKEEPER, Subjects.SCHEDULER, Target.atLeast(3))
          .compare(Subjects.PGKEEPER, Subjects.REDISSON, null)
          .compare(Subjects.PGKEEPER, Subjects.CURATOR, Target.atLeast(20))
          .compare(Subjects.PGKEEPER_ONE_BY_ONE, Subjects.JDBC, null)
          .compare(Subjects.PGKEEPER_HANDLED, Subjects.JDBC, null)
          .compare(Subjects.PGKEEPER_HANDLED, Subjects.SCHEDULER, null)
          .compare(Subjects.PGKEEPER_HANDLED, Subjects.CURATOR, null)
          .run(lab, report);
    }
  }
}
