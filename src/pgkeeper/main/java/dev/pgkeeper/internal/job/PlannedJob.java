package dev.pgkeeper.internal.job;

import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.job.JobPlan;
import dev.pgkeeper.job.Missed;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a scheduler was told of a job: when, where and what. */
final class PlannedJob implements JobPlan {
  private static final String LEADER_PATH = "/pgkeeper/scheduler";
  private static final int MOST_MADE_UP_FOR = 1000;
  private static final Duration SPREAD_JITTER = Duration.ofMillis(200);
  private static final Duration LATE = Duration.ofMinutes(1);

  private final Consumer<PlannedJob> complete;
  final String name;
  private @Nullable Timing timing;
  private @Nullable Duration pause;
  private @Nullable String leaderPath;
  private Missed missed = Missed.SKIP;
  private int missedAtMost = MOST_MADE_UP_FOR;
  private @Nullable Duration jitter;
  private @Nullable TransactionWork<Exception> work;

  PlannedJob(String name, Consumer<PlannedJob> complete) {
    this.name = SharedJobs.checkJob(name);
    this.complete = complete;
  }

  @Override
  public JobPlan every(Duration period) {
    when();
    timing = new FixedRate(period);
    return this;
  }

  @Override
  public JobPlan afterEach(Duration newPause) {
    when();
    pause = notNegative("the pause", newPause);
    return this;
  }

  @Override
  public JobPlan cron(String expression, ZoneId zone) {
    when();
    Objects.requireNonNull(zone, "zone");
    try {
      timing = new CronTiming(expression, zone);
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(
          "job "
              + name
              + ": a cron expression needs com.cronutils:cron-utils on the class path; add it, or"
              + " use every or afterEach",
          e);
    }
    return this;
  }

  private void when() {
    if (timing != null || pause != null) {
      throw new IllegalStateException(
          "job \"" + name + "\" runs " + schedule() + " already; give a second job another name");
    }
  }

  private static Duration notNegative(String what, Duration span) {
    if (span.isNegative()) {
      throw new IllegalArgumentException(what + " is " + span + "; use 0 or more");
    }
    return span;
  }

  @Override
  public JobPlan spread() {
    leaderPath = null;
    return this;
  }

  @Override
  public JobPlan onLeader() {
    return onLeader(LEADER_PATH);
  }

  @Override
  public JobPlan onLeader(String path) {
    leaderPath = Objects.requireNonNull(path, "path");
    return this;
  }

  @Override
  public JobPlan missed(Missed policy) {
    missed = Objects.requireNonNull(policy, "policy");
    return this;
  }

  @Override
  public JobPlan missedAtMost(int ticks) {
    if (ticks < 1) {
      throw new IllegalArgumentException(ticks + " ticks to make up for; use 1 or more");
    }
    missedAtMost = ticks;
    return this;
  }

  @Override
  public JobPlan jitter(Duration most) {
    jitter = notNegative("the jitter", most);
    return this;
  }

  @Override
  public void run(TransactionWork<Exception> newWork) {
    if (timing == null && pause == null) {
      throw new IllegalStateException(
          "job \"" + name + "\": say when it is to run, with every, afterEach or cron");
    }
    work = Objects.requireNonNull(newWork, "work");
    complete.accept(this);
  }

  /** As the view {@code jobs} shows it. */
  String schedule() {
    return timing == null ? pause + " after each" : timing.toString();
  }

  TransactionWork<Exception> work() {
    return Objects.requireNonNull(work);
  }

  @Nullable String leaderPath() {
    return leaderPath;
  }

  Duration jitter() {
    return jitter != null ? jitter : leaderPath == null ? SPREAD_JITTER : Duration.ZERO;
  }

  /**
   * What there is to do.
   *
   * @param ticks to try, in this order
   * @param skip the tick up to which nothing is to be made up for, if that is new
   * @param next when there will be more; null if nobody knows yet
   */
  record Due(List<Tick> ticks, @Nullable Instant skip, @Nullable Instant next) {}

  /**
   * @param handled the last tick that this instance knows to be dealt with
   */
  Due due(JobCalls.Look look, @Nullable Instant handled, Instant now) {
    if (timing != null) {
      Instant last = look.lastTick() == null ? now : look.lastTick();
      if (handled != null && handled.isAfter(last)) {
        last = handled;
      }
      return timed(timing, last, look.paused(), now);
    }
    if (look.paused() || look.runs()) {
      return new Due(List.of(), null, null);
    }
    Instant next =
        look.lastEnded() == null ? now : look.lastEnded().plus(Objects.requireNonNull(pause));
    return next.isAfter(now)
        ? new Due(List.of(), null, next)
        : new Due(List.of(Tick.after(look.lastToken())), null, null);
  }

  private Due timed(Timing times, Instant last, boolean paused, Instant now) {
    Instant next = times.next(now);
    List<Instant> due =
        paused ? List.of() : times.between(last, now, missed == Missed.RUN_ALL ? missedAtMost : 1);
    if (missed == Missed.SKIP && !due.isEmpty()) {
      Instant newest = due.get(0);
      if (Duration.between(newest, now).compareTo(LATE.plus(jitter())) > 0) {
        return new Due(List.of(), newest, next);
      }
    }
    return new Due(due.stream().map(Tick::at).toList(), null, next);
  }
}
