package dev.pgkeeper.internal.job;

import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.internal.jdbc.CallersTransaction;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.session.Moment;
import dev.pgkeeper.internal.session.ToldState;
import dev.pgkeeper.job.JobRun;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A claimed run, as its work sees it. */
final class RunHold implements JobRun {
  private final Runs runs;
  private final Claim claim;
  private final Subscription session;
  private final ReentrantLock lock = new ReentrantLock();
  private final ToldState state;
  private boolean finished;

  RunHold(Runs runs, Claim claim) {
    this.runs = runs;
    this.claim = claim;
    state = new ToldState(runs.session(), claim.toString(), claim.token());
    session = runs.session().onStateChange(this::told);
    told(runs.session().state());
    Duration left = left();
    if (left != null) {
      CompletableFuture.delayedExecutor(
              left.toMillis() + 1, TimeUnit.MILLISECONDS, runs.background())
          .execute(() -> state.become(HoldState.LOST));
    }
  }

  /** How long until its limit; null if it has none. */
  private @Nullable Duration left() {
    Moment limit = claim.limit();
    return limit == null ? null : limit.left();
  }

  @Override
  public String job() {
    return claim.job();
  }

  @Override
  public String tick() {
    return claim.tick();
  }

  @Override
  public int attempt() {
    return claim.attempt();
  }

  @Override
  public long token() {
    return claim.token();
  }

  @Override
  public boolean isHeld() {
    return !remaining().isZero();
  }

  @Override
  public Duration remaining() {
    lock.lock();
    try {
      if (finished) {
        return Duration.ZERO;
      }
    } finally {
      lock.unlock();
    }
    return runs.session().heldFor(left());
  }

  @Override
  public void ensureHeld() {
    if (!isHeld()) {
      throw notHeld(null);
    }
  }

  private KeeperException.NotHeld notHeld(@Nullable Throwable cause) {
    String why =
        switch (state()) {
          case HELD -> "was given to somebody else";
          case JEOPARDY ->
              "may be somebody else's by now: its time is over, or the database was"
                  + " not heard of for too long";
          case LOST -> "is lost, with its session or at its limit";
          case RELEASED -> "has ended";
        };
    return new KeeperException.NotHeld(
        claim.job(),
        claim.token(),
        claim + " " + why + " (session " + runs.session().id() + ", token " + claim.token() + ")",
        cause);
  }

  @Override
  public HoldState state() {
    return state.seen(isHeld());
  }

  @Override
  public Subscription onStateChange(Consumer<HoldState> listener) {
    return state.onChange(listener);
  }

  private void told(SessionState next) {
    state.become(
        switch (next) {
          case HELD -> HoldState.HELD;
          case JEOPARDY -> HoldState.JEOPARDY;
          case LOST, CLOSED -> HoldState.LOST;
        });
  }

  @Override
  public void fence(Connection connection) {
    CallersTransaction.ensure(connection, claim.toString(), "the fence would guard nothing");
    try {
      var unused = Database.on(connection, runs.calls().jobFence(runs.session().id(), claim));
    } catch (KeeperException.NotHeld e) {
      throw notHeld(e);
    }
  }

  @Override
  public <X extends Exception> void inTransaction(TransactionWork<X> work) throws X {
    ensureHeld();
    runs.database()
        .transaction(
            connection -> {
              work.run(connection);
              fence(connection);
            });
  }

  /** Makes the hold count as held no more. Returns false if that was so before. */
  boolean finish() {
    lock.lock();
    try {
      boolean first = !finished;
      finished = true;
      if (first) {
        session.close();
        state.become(HoldState.RELEASED);
      }
      return first;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    if (finish()) {
      runs.done(claim);
    }
  }

  @Override
  public String toString() {
    return "JobRun[" + claim + ", " + state() + "]";
  }
}
