package dev.pgkeeper.job;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.TransactionWork;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Lets a job run once, although every instance of an application tries. Each run is a row that the
 * views {@code jobs} and {@code job_runs} show, with its state, owner, duration and error.
 *
 * <pre>{@code
 * Jobs jobs = keeper.jobs();
 * jobs.once("daily-email", "2026-11-21", connection -> sendAll(connection));
 * jobs.exclusively("report", Duration.ofMinutes(30), Duration.ZERO, run -> report());
 * }</pre>
 *
 * <p>A job has a name of 1 to 100 characters and is known from its first run on. A tick is what a
 * run is for, 1 to 200 characters: {@code 2026-11-21}, {@code invoice-17}, or an {@link Instant}.
 * What is said of runs here holds for runs of the same job and the same tick. Runs of ticks that
 * are instants or dates ({@code 2026-11-21T03:00:00Z}, {@code 2026-11-21}) may be forgotten once
 * they are old (see {@link Scheduler#keepRuns}); a tick up to the newest one forgotten counts as
 * done before. Runs of ticks that are other texts are remembered for good.
 */
public interface Jobs {
  /**
   * Runs the work unless it was done before, or somebody is at it. At most one run of a tick is
   * ever committed: what the work does on the connection it is given is committed together with the
   * note that the run is done, or not at all. It must not end that transaction itself.
   *
   * <p>A run that failed is recorded with its error and may be tried again, by anybody; the same
   * holds for a run whose process died. Effects elsewhere than on that connection may then be there
   * twice. A run whose owner lives, or whose transaction is still open in the database, is left
   * alone.
   *
   * @throws X what the work threw, after that was recorded
   * @throws KeeperException.ConnectionLoss if the connection broke and nothing was committed
   * @throws KeeperException.NotHeld if the session ended before the work could begin
   */
  <X extends Exception> RunResult once(String job, String tick, TransactionWork<X> work) throws X;

  /** Runs a tick that is a moment. */
  default <X extends Exception> RunResult once(String job, Instant tick, TransactionWork<X> work)
      throws X {
    return once(job, tick.toString(), work);
  }

  /**
   * Runs a tick whose effects are elsewhere than in one transaction: an e-mail, a file, a program.
   * At most one run of a tick is ever recorded as done, and no two are under way at one time. But
   * whoever dies after the effect and before the record leaves a run that is tried again, with a
   * larger token, unless that is to happen {@link Again#NEVER}.
   *
   * @param atMost after this the run may be given to somebody else, whatever its owner does; null:
   *     when its session ends
   * @throws KeeperException.NotHeld if the run was given to somebody else before the work returned
   */
  <X extends Exception> RunResult onceOutside(
      String job, String tick, Again again, @Nullable Duration atMost, JobWork<X> work) throws X;

  /**
   * Runs the work unless the job is already running somewhere, or began less than {@code atLeast}
   * ago. For jobs without ticks: never two at once, and not too often, for which {@code atLeast}
   * should be longer than the difference between the callers' clocks.
   *
   * @param atMost after this the next one may have the job, whatever this client does; it is also
   *     free when the session ends, but never before {@code atLeast}
   * @param atLeast counted from the start; at most {@code atMost}
   * @throws X what the work threw, after that was recorded
   * @throws KeeperException.NotHeld if somebody else had the job before the work returned
   */
  <X extends Exception> RunResult exclusively(
      String job, Duration atMost, Duration atLeast, JobWork<X> work) throws X;

  /** A scheduler that has no jobs yet. One for a process is enough. */
  Scheduler scheduler();

  /**
   * From now on, and until {@link #resume}, nothing of the job begins anywhere but what is asked
   * for by {@link #trigger}. Runs under way go on.
   *
   * @throws KeeperException.NoJob if nothing of this name ever ran or was scheduled
   */
  void pause(String job);

  /**
   * @throws KeeperException.NoJob if nothing of this name ever ran or was scheduled
   */
  void resume(String job);

  /**
   * Asks for a run now, beside those that are scheduled and also while the job is paused. Whichever
   * scheduler has the job and sees it first runs it, within about a second. Returns its tick.
   *
   * @throws KeeperException.NoJob if nothing of this name ever ran or was scheduled
   */
  String trigger(String job);

  /**
   * The database's clock: for ticks on which the whole fleet has to agree, {@code
   * jobs.now().truncatedTo(ChronoUnit.MINUTES)}.
   */
  Instant now();
}
