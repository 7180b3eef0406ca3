package dev.pgkeeper.internal.line;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.TransactionWork;
import dev.pgkeeper.internal.jdbc.CallersTransaction;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.session.ToldState;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A place that holds, as its holder sees it. */
final class Hold implements Held {
  private final Lines lines;
  private final LineEntry entry;
  private final String path;
  private final String node;

  /** Guards {@code revoked}: a listener that comes while it is revoked is told once. */
  private final ReentrantLock lock = new ReentrantLock();

  private final ToldState state;
  private final List<Runnable> revocationListeners = new CopyOnWriteArrayList<>();

  /** True once its limit is reached; false, and nobody waits for that any more, once it ended. */
  private final CompletableFuture<Boolean> over = new CompletableFuture<>();

  private boolean revoked;

  /** By which transaction it was fenced last, and on which thread. */
  private volatile @Nullable Fence lastFence;

  private record Fence(Thread thread, Connection connection) {}

  /**
   * @param path as the caller asked for it
   * @param node the contender's, as seen from the caller's root
   */
  Hold(Lines lines, LineEntry entry, String path, String node) {
    this.lines = lines;
    this.entry = entry;
    this.path = path;
    this.node = node;
    this.state = new ToldState(lines.session(), entry.join.line(), entry.token);
    entry.hold = this;
    Duration left = entry.left();
    if (left != null) {
      var unused =
          over.completeOnTimeout(true, left.toMillis() + 1, TimeUnit.MILLISECONDS)
              .thenAcceptAsync(this::reachLimit, lines.background());
    }
    if (entry.phase() == LineEntry.Phase.GONE) {
      lost();
    }
  }

  Lines lines() {
    return lines;
  }

  LineEntry entry() {
    return entry;
  }

  private void reachLimit(boolean byTime) {
    if (byTime && lines.leave(entry)) {
      lost();
    }
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public String node() {
    return node;
  }

  @Override
  public long token() {
    return entry.token;
  }

  @Override
  public boolean isHeld() {
    return !remaining().isZero();
  }

  @Override
  public Duration remaining() {
    if (entry.phase() != LineEntry.Phase.HOLDS) {
      return Duration.ZERO;
    }
    return lines.session().heldFor(entry.left());
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
          case HELD -> "was taken away, or its limit is over";
          case JEOPARDY ->
              "may be somebody else's by now: the database was not heard of for too long";
          case LOST -> "was lost: with its session, at its limit or to an operator";
          case RELEASED -> "was released before";
        };
    return new KeeperException.NotHeld(
        path,
        entry.token,
        path + " " + why + " (session " + lines.session().id() + ", token " + entry.token + ")",
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

  @Override
  public Subscription onRevocation(Runnable listener) {
    lock.lock();
    try {
      revocationListeners.add(listener);
      if (revoked) {
        lines.session().tell(listener);
      }
    } finally {
      lock.unlock();
    }
    return () -> revocationListeners.remove(listener);
  }

  /** Somebody asks to have it back. */
  void revoked() {
    lock.lock();
    try {
      if (!revoked) {
        revoked = true;
        revocationListeners.forEach(lines.session()::tell);
      }
    } finally {
      lock.unlock();
    }
  }

  void told(SessionState next) {
    become(next == SessionState.HELD ? HoldState.HELD : HoldState.JEOPARDY);
  }

  void lost() {
    become(HoldState.LOST);
  }

  private void become(HoldState next) {
    if (state.become(next) && next.isTerminal()) {
      over.complete(false);
      lastFence = null;
    }
  }

  @Override
  public void fence(Connection connection) {
    CallersTransaction.ensure(connection, path, "the fence would guard nothing");
    lastFence = new Fence(Thread.currentThread(), connection);
    try {
      Database.on(connection, lines.calls().fence(entry.node, entry.token));
    } catch (KeeperException.NotHeld e) {
      throw notHeld(e);
    }
  }

  @Override
  public <X extends Exception> void inTransaction(TransactionWork<X> work) throws X {
    ensureHeld();
    lines
        .database()
        .transaction(
            connection -> {
              work.run(connection);
              fence(connection);
            });
  }

  @Override
  public void release() {
    if (!isHeld()) {
      lines.lookAt(entry); // it may have been lost long ago, before anybody here was told
    }
    if (!giveBack()) {
      throw notHeld(null);
    }
  }

  @Override
  public void close() {
    giveBack();
  }

  /**
   * Whether it is fenced by a transaction that cannot end before this thread goes on. Another
   * thread's is not asked for: while it works, its connection does not answer.
   */
  boolean isFencedHere() {
    Fence last = lastFence;
    return last != null
        && last.thread() == Thread.currentThread()
        && CallersTransaction.isOpen(last.connection());
  }

  private boolean giveBack() {
    boolean mine = lines.leave(entry, isFencedHere());
    if (mine) {
      become(HoldState.RELEASED);
    }
    return mine;
  }

  /** From now on somebody else's; for a hold that goes on as another one. */
  void handOver() {
    become(HoldState.RELEASED);
  }

  @Override
  public String toString() {
    return "Held[" + node + ", " + state() + "]";
  }
}
