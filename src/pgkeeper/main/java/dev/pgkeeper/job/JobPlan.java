package dev.pgkeeper.job;

import dev.pgkeeper.TransactionWork;
import java.time.Duration;
import java.time.ZoneId;

/**
 * When and where a job runs: call one of {@link #every}, {@link #afterEach} and {@link #cron}, then
 * whatever else is to be set, then {@link #run}.
 */
public interface JobPlan {
  /**
   * At a fixed rate, at least a millisecond. Ticks are multiples of the period since 1970 in UTC,
   * so that the whole fleet agrees on them.
   */
  JobPlan every(Duration period);

  /** This long after the last run ended, however it ended. */
  JobPlan afterEach(Duration pause);

  /**
   * Minute, hour, day of the month, month, day of the week: {@code 0 3 * * *}. Where the clock is
   * put forward, a run that falls into the gap takes place at its end. Where the clock is put back,
   * an expression that names hours runs the first time only, and one that runs every hour goes on
   * doing so.
   *
   * @throws IllegalArgumentException names the expression and what is wrong with it
   */
  JobPlan cron(String expression, ZoneId zone);

  /**
   * Every instance tries each tick, and the first one has it; a little jitter spreads the work.
   * This is the default.
   */
  JobPlan spread();

  /** Only one instance of the fleet tries; when it dies, the next one does. */
  JobPlan onLeader();

  /** Makes all instances that name the same path one fleet, of which one tries. */
  JobPlan onLeader(String path);

  /**
   * Sets what becomes of ticks that nobody ran; {@link Missed#SKIP} if not given. Has no effect
   * with {@link #afterEach}.
   */
  JobPlan missed(Missed policy);

  /**
   * How many of the newest missed ticks {@link Missed#RUN_ALL} makes up for; 1,000 if not given.
   */
  JobPlan missedAtMost(int ticks);

  /**
   * Delays each run at random, by at most this long after its tick. By default that is 200
   * milliseconds if the job is spread, and nothing on a leader.
   */
  JobPlan jitter(Duration most);

  /** Completes the job: what to do at each tick, in the transaction of {@link Jobs#once}. */
  void run(TransactionWork<Exception> work);
}
