package dev.pgkeeper.internal.job;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.job.Again;
import dev.pgkeeper.job.JobWork;
import dev.pgkeeper.job.Jobs;
import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.job.Scheduler;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The guard of one client. */
public final class SharedJobs implements Jobs {
  private static final int LONGEST_NAME = 100;
  private static final int LONGEST_TICK = 200;
  private static final Duration LONGEST = Duration.ofDays(10_000);

  private final Sessions sessions;
  private final Supplier<Runs> present;

  /**
   * @param present the runs of the session that there is when a call begins
   */
  public SharedJobs(Sessions sessions, Supplier<Runs> present) {
    this.sessions = sessions;
    this.present = present;
  }

  static String checkJob(String job) {
    return checkText("a job's name", job, LONGEST_NAME);
  }

  private static String checkText(String what, String text, int most) {
    Objects.requireNonNull(text, what);
    if (text.isEmpty() || text.codePointCount(0, text.length()) > most) {
      throw new IllegalArgumentException(
          what + " has " + text.codePointCount(0, text.length()) + " characters; use 1 to " + most);
    } else if (text.codePoints().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          what + " has a control character: \"" + text.replaceAll("\\p{Cntrl}", "?") + "\"");
    }
    return text;
  }

  private static Tick checkTick(String tick) {
    return Tick.of(checkText("a tick", tick, LONGEST_TICK));
  }

  private static Duration checkAtMost(Duration atMost) {
    if (atMost.toMillis() < 1 || atMost.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "atMost is " + atMost + "; use 1 millisecond to 10,000 days");
    }
    return atMost;
  }

  @Override
  public <X extends Exception> RunResult once(String job, String tick, TransactionWork<X> work)
      throws X {
    Objects.requireNonNull(work, "work");
    return present.get().once(checkJob(job), checkTick(tick), true, work);
  }

  @Override
  public <X extends Exception> RunResult onceOutside(
      String job, String tick, Again again, @Nullable Duration atMost, JobWork<X> work) throws X {
    Objects.requireNonNull(work, "work");
    return present
        .get()
        .onceOutside(
            checkJob(job),
            checkTick(tick),
            again == Again.UNTIL_DONE,
            atMost == null ? null : checkAtMost(atMost),
            work);
  }

  @Override
  public <X extends Exception> RunResult exclusively(
      String job, Duration atMost, Duration atLeast, JobWork<X> work) throws X {
    Objects.requireNonNull(work, "work");
    checkAtMost(atMost);
    if (atLeast.isNegative() || atLeast.compareTo(atMost) > 0) {
      throw new IllegalArgumentException(
          "atLeast is " + atLeast + "; use 0 to " + atMost + ", which is atMost");
    }
    return present.get().exclusively(checkJob(job), atMost, atLeast, work);
  }

  @Override
  public Scheduler scheduler() {
    present.get().session().ensureUsable();
    return scheduler(new DatabaseClock(present));
  }

  /** One whose turns a test takes, at times that the test decides, on the test's own thread. */
  LocalScheduler scheduler(TickClock clock) {
    return new LocalScheduler(sessions, present, clock);
  }

  @Override
  public void pause(String job) {
    flip("job_pause", job);
  }

  @Override
  public void resume(String job) {
    flip("job_resume", job);
  }

  @Override
  public String trigger(String job) {
    // Named here, so that asking again after a lost reply asks for the same run.
    long name = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);
    return flip("job_trigger", job, "manual-" + Long.toString(name, 36));
  }

  private String flip(String function, String job, String... more) {
    Runs runs = present.get();
    runs.session().ensureUsable();
    String answer = runs.database().read(runs.calls().jobSwitch(function, checkJob(job), more));
    if (answer == null || answer.equals("f")) {
      throw new KeeperException.NoJob(
          "there is no job \"" + job + "\": nothing of that name ever ran or was scheduled");
    }
    return answer;
  }

  @Override
  public Instant now() {
    Runs runs = present.get();
    runs.session().ensureUsable();
    return runs.database().read(runs.calls().now());
  }
}
