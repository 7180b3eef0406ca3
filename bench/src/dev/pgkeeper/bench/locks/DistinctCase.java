package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.util.List;

/** Acquired and released by threads of one client, each with a lock that nobody else wants. */
final class DistinctCase implements Case {
  private static final List<Integer> THREAD_COUNTS = List.of(1, 8, 32);

  private static final List<String> SUBJECTS =
      List.of(
          Subjects.PGKEEPER,
          Subjects.JDBC,
          Subjects.CURATOR,
          Subjects.REDISSON,
          Subjects.REDISSON_FAIR,
          Subjects.JETCD,
          Subjects.SHEDLOCK);

  @Override
  public String name() {
    return "locks.distinct";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report)) {
      for (int threads : THREAD_COUNTS) {
        Contest contest = new Contest(name(), threads, Measure.rate("locks/s"));
        for (String subject : SUBJECTS) {
          contest.entrant(subject, () -> LockPairs.with(subjects.shared(subject)));
        }
        contest
            .compare(Subjects.PGKEEPER, Subjects.JDBC, Target.atLeast(0.7))
            .compare(Subjects.PGKEEPER, Subjects.CURATOR, Target.atLeast(3))
            .compare(Subjects.PGKEEPER, Subjects.REDISSON, Target.atLeast(0.8))
            .compare(Subjects.PGKEEPER, Subjects.REDISSON_FAIR, null)
            .compare(Subjects.PGKEEPER, Subjects.JETCD, Target.atLeast(4))
            .compare(Subjects.PGKEEPER, Subjects.SHEDLOCK, null)
            .run(lab, report);
      }
    }
  }
}
