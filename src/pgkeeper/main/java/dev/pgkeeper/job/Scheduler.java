package dev.pgkeeper.job;

import java.time.Duration;

/**
 * Runs jobs at their ticks, each tick once in the whole fleet (see {@link Jobs#once}). Every
 * instance of the application makes the same scheduler and starts it; it does not matter how many
 * of them live. Which ticks are due, the database's clock decides.
 *
 * <pre>{@code
 * Scheduler scheduler = keeper.jobs().scheduler();
 * scheduler.job("nightly").cron("0 3 * * *", ZoneId.of("UTC")).run(connection -> report());
 * scheduler.start();
 * }</pre>
 *
 * <p>One instance runs one tick of a job at a time. Where the work takes longer than the time
 * between two ticks, another instance may run the next tick meanwhile; {@link JobPlan#afterEach}
 * never does.
 *
 * <p>A tick whose process died is taken over by another instance. One whose work failed is not
 * tried again: the next tick is.
 *
 * <p>It goes on from one session to the next. A keeper that is closed stops its schedulers, waits
 * at most ten seconds for the jobs that run, and interrupts them then.
 */
public interface Scheduler extends AutoCloseable {
  /** A job of this name; complete with {@link JobPlan#run}. */
  JobPlan job(String name);

  /** How many jobs run at a time in this process, 4 if not given; each takes a connection. */
  Scheduler threads(int most);

  /** How long runs are remembered after they ended, 30 days if not given; at least a minute. */
  Scheduler keepRuns(Duration span);

  /** How long {@link #close} waits for running work before it interrupts it; 30 seconds. */
  Scheduler patience(Duration span);

  /** Begins. Jobs cannot be added any more. */
  void start();

  /** Begins nothing more, waits for running work, and interrupts it once the patience is over. */
  @Override
  void close();
}
