package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import java.util.List;

/** One lock that several clients acquire and release as fast as they can. */
final class ContendedCase implements Case {
  private static final List<Integer> CLIENT_COUNTS = List.of(2, 8);

  private static final List<String> SUBJECTS =
      List.of(
          Subjects.PGKEEPER,
          Subjects.CURATOR,
          Subjects.REDISSON,
          Subjects.REDISSON_FAIR,
          Subjects.JETCD);

  @Override
  public String name() {
    return "locks.contended";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report)) {
      for (int clients : CLIENT_COUNTS) {
        Contest contest = new Contest(name(), clients, Measure.rate("locks/s"));
        for (String subject : SUBJECTS) {
          contest.entrant(
              subject,
              () ->
                  new Sessions(subjects, subject) {
                    @Override
                    public Worker worker(int thread) throws Exception {
                      return LockPairs.on(connect("contended-" + clients));
                    }
                  });
        }
        contest
            .compare(Subjects.PGKEEPER, Subjects.CURATOR, Target.atLeast(1.8))
            .compare(Subjects.PGKEEPER, Subjects.REDISSON, null)
            .compare(Subjects.PGKEEPER, Subjects.REDISSON_FAIR, Target.atLeast(1))
            .compare(Subjects.PGKEEPER, Subjects.JETCD, Target.atLeast(20))
            .run(lab, report);
      }
    }
  }
}
