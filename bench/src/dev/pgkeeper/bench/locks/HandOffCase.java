package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.locks.Locks.NamedLock;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From just before a client releases a lock until another's acquire returns that was waiting for
 * it.
 */
final class HandOffCase implements Case {
  /** So long each holder keeps the lock, that whoever had it before waits for it again. */
  static final Duration HELD = Duration.ofMillis(8);

  /**
   * Whoever asked for the lock so long before it was released has been waiting for it: that is a
   * hand-off. Who came later found it free, or was on the way.
   */
  private static final Duration WAITING = Duration.ofMillis(4);

  private static final List<Integer> CLIENT_COUNTS = List.of(2, 8);

  private static final List<String> SUBJECTS =
      List.of(Subjects.PGKEEPER, Subjects.CURATOR, Subjects.REDISSON_FAIR, Subjects.JETCD);

  @Override
  public String name() {
    return "locks.handoff";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    try (Subjects subjects = new Subjects(lab, report)) {
      for (int clients : CLIENT_COUNTS) {
        Contest contest = new Contest(name(), clients, Measure.latency());
        for (String subject : SUBJECTS) {
          contest.entrant(subject, () -> new HandOff(subjects, subject, "handed-" + clients));
        }
        contest
            .tail(Subjects.PGKEEPER, Target.atMost(5))
            .compare(Subjects.PGKEEPER, Subjects.CURATOR, null)
            .compare(Subjects.PGKEEPER, Subjects.REDISSON_FAIR, null)
            .compare(Subjects.PGKEEPER, Subjects.JETCD, null)
            .run(lab, report);
      }
    }
  }

  private static final class HandOff extends Sessions {
    private record Release(int by, long at) {}

    private final String name;

    /** The last one of the round; written by whoever holds the lock. */
    private volatile @Nullable Release last;

    HandOff(Subjects subjects, String subject, String name) throws Exception {
      super(subjects, subject);
      this.name = name;
    }

    @Override
    public void before() {
      last = null;
    }

    @Override
    public Worker worker(int thread) throws Exception {
      NamedLock lock = connect(name);
      return () -> {
        long asked = System.nanoTime();
        lock.acquire();
        long acquired = System.nanoTime();
        Release released = last;
        Thread.sleep(HELD.toMillis());
        last = new Release(thread, System.nanoTime());
        lock.release();
        boolean handedOver =
            released != null && released.by != thread && released.at - asked >= WAITING.toNanos();
        return handedOver ? acquired - released.at : Worker.UNCOUNTED;
      };
    }
  }
}
