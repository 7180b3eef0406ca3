package dev.pgkeeper.internal.job;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.Moment;
import dev.pgkeeper.job.JobWork;
import dev.pgkeeper.job.RunResult;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client's side of the protocol at the head of R__25_jobs.sql: claims a run, does the work, and
 * sees to it that how it ended is recorded.
 *
 * <p>A session may claim again what is running for itself: that is how it gets back what it claimed
 * without hearing of it. So what really runs in this process is known here, and is not claimed.
 */
public final class Runs {
  private static final Logger log = LoggerFactory.getLogger(Runs.class);
  private static final int LONGEST_ERROR = 500;
  private static final long END_AGAIN_AFTER_MS = 20;
  private static final long LONGEST_PAUSE_MS = 1000;

  private final Database database;
  private final ClientSession session;
  private final Executor background;
  private final JobCalls calls;
  private final Set<List<String>> underWay = ConcurrentHashMap.newKeySet();

  public Runs(Database database, ClientSession session, Executor background) {
    this.database = database;
    this.session = session;
    this.background = background;
    this.calls = new JobCalls(database.schema());
  }

  Database database() {
    return database;
  }

  ClientSession session() {
    return session;
  }

  Executor background() {
    return background;
  }

  JobCalls calls() {
    return calls;
  }

  /** What was answered to a claim; a claim only if it is {@code RAN}, or rather about to. */
  private record Answer(RunResult result, @Nullable Claim claim) {}

  private Answer claim(
      String job,
      Tick tick,
      @Nullable Duration atMost,
      boolean againFailed,
      boolean againAbandoned) {
    Moment sentAt = Moment.now();
    Outcome outcome =
        begin(
            calls.claimSql(),
            (statement, first) ->
                JobCalls.bindClaim(
                    statement, first, job, tick, atMost, againFailed, againAbandoned));
    return answer(job, outcome, atMost, sentAt);
  }

  private Answer takeTurn(String job, Duration atMost, Duration atLeast) {
    Moment sentAt = Moment.now();
    Outcome outcome =
        begin(
            calls.turnSql(),
            (statement, first) -> {
              statement.setString(first, job);
              statement.setLong(first + 1, atMost.toMillis());
              statement.setLong(first + 2, atLeast.toMillis());
            });
    return answer(job, outcome, atMost, sentAt);
  }

  private Outcome begin(String sql, Database.Binder binder) {
    return session
        .observation()
        .measure(
            Operation.RUN_BEGIN,
            () -> database.request(sql, binder, (connection, schema, outcomes) -> {}))
        .get(0);
  }

  private static Answer answer(
      String job, Outcome outcome, @Nullable Duration atMost, Moment sentAt) {
    RunResult refusal =
        switch (outcome.code()) {
          case DONE_BEFORE -> RunResult.DONE_BEFORE;
          case BUSY -> RunResult.RUNNING_ELSEWHERE;
          case TOO_SOON -> RunResult.TOO_SOON;
          case FAILED_BEFORE -> RunResult.FAILED_BEFORE;
          case PAUSED -> RunResult.PAUSED;
          default -> RunResult.RAN;
        };
    if (refusal != RunResult.RAN) {
      return new Answer(refusal, null);
    } else if (outcome.code() != Code.OK) {
      throw KeeperException.of(outcome.code(), job);
    }
    Moment limit = atMost == null ? null : sentAt.plus(atMost);
    Claim claim = new Claim(job, outcome.path(), outcome.attempt(), outcome.number(), limit);
    return new Answer(RunResult.RAN, claim);
  }

  /** Work whose effects are committed with the run. */
  <X extends Exception> RunResult once(
      String job, Tick tick, boolean againFailed, TransactionWork<X> work) throws X {
    session.ensureUsable();
    List<String> key = List.of(job, tick.text());
    if (!underWay.add(key)) {
      return RunResult.RUNNING_ELSEWHERE;
    }
    try {
      Answer answer = claim(job, tick, null, againFailed, true);
      return answer.claim() == null ? answer.result() : transact(answer.claim(), work);
    } finally {
      underWay.remove(key);
    }
  }

  private <X extends Exception> RunResult transact(Claim claim, TransactionWork<X> work) throws X {
    AtomicBoolean committing = new AtomicBoolean();
    try {
      database.transaction(
          connection -> {
            String transaction = Database.on(connection, calls.jobHold(session.id(), claim));
            work.run(connection);
            Database.on(connection, calls.jobDone(session.id(), claim, transaction));
            committing.set(true);
          });
      return RunResult.RAN;
    } catch (Throwable e) {
      String state = failed(claim, e);
      if (committing.get() && "done".equals(state)) {
        return RunResult.RAN;
      } else if (state != null && e instanceof KeeperException.OutcomeUnknown && committing.get()) {
        throw new KeeperException.ConnectionLoss(
            claim + " was not done: the connection broke before its commit", e);
      }
      throw e;
    }
  }

  /**
   * Records the failure and returns what became of the attempt; null if that could not be found
   * out, and then it goes on being tried.
   */
  private @Nullable String failed(Claim claim, Throwable failure) {
    try {
      return end(claim, describe(failure));
    } catch (KeeperException e) {
      log.warn("{} failed; the failure will be recorded later: {}", claim, e.getMessage());
      failure.addSuppressed(e);
      return null;
    }
  }

  private static String describe(Throwable failure) {
    String text = failure.toString().replace('\0', ' ');
    return text.length() > LONGEST_ERROR ? text.substring(0, LONGEST_ERROR) : text;
  }

  /**
   * Ends an attempt, as done if there is no error. Once it was asked for, an interrupted thread
   * does it too; and if it fails here, it is tried until the session ends. Where a transaction
   * fences the run, perhaps the caller's own, it will have ended so once that has: nobody else gets
   * it before.
   */
  private @Nullable String end(Claim claim, @Nullable String error) {
    boolean interrupted = Thread.interrupted();
    try {
      Optional<String> state =
          session
              .observation()
              .measure(
                  Operation.RUN_END,
                  () -> database.readUnlessKept(calls.jobEnd(session.id(), claim, error)));
      if (state.isEmpty()) {
        endLater(claim, error, END_AGAIN_AFTER_MS);
      }
      return state.orElse(error == null ? "done" : "failed");
    } catch (KeeperException e) {
      endLater(claim, error, LONGEST_PAUSE_MS);
      throw e;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void endLater(Claim claim, @Nullable String error, long pauseMs) {
    if (session.state().isTerminal()) {
      return;
    }
    CompletableFuture.delayedExecutor(pauseMs, TimeUnit.MILLISECONDS, background)
        .execute(
            () -> {
              try {
                log.info(
                    "{} was {}",
                    claim,
                    database.readOnce(calls.jobEnd(session.id(), claim, error)));
              } catch (KeeperException e) {
                endLater(claim, error, Math.min(LONGEST_PAUSE_MS, 2 * pauseMs));
              }
            });
  }

  /** Work whose effects are elsewhere. */
  <X extends Exception> RunResult onceOutside(
      String job, Tick tick, boolean again, @Nullable Duration atMost, JobWork<X> work) throws X {
    session.ensureUsable();
    List<String> key = List.of(job, tick.text());
    if (!underWay.add(key)) {
      return RunResult.RUNNING_ELSEWHERE;
    }
    try {
      return outside(claim(job, tick, atMost, again, again), work);
    } finally {
      underWay.remove(key);
    }
  }

  <X extends Exception> RunResult exclusively(
      String job, Duration atMost, Duration atLeast, JobWork<X> work) throws X {
    session.ensureUsable();
    return outside(takeTurn(job, atMost, atLeast), work);
  }

  private <X extends Exception> RunResult outside(Answer answer, JobWork<X> work) throws X {
    Claim claim = answer.claim();
    if (claim == null) {
      return answer.result();
    }
    RunHold hold = new RunHold(this, claim);
    try {
      work.run(hold);
    } catch (Throwable e) {
      if (hold.finish()) {
        failed(claim, e);
      }
      throw e;
    }
    if (hold.finish()) {
      done(claim);
    }
    return RunResult.RAN;
  }

  void done(Claim claim) {
    String state = end(claim, null);
    if (!"done".equals(state)) {
      throw new KeeperException.NotHeld(
          claim.job(),
          claim.token(),
          claim + " was given to somebody else before it ended, and is " + state,
          null);
    }
  }
}
