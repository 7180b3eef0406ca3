package dev.pgkeeper.ui;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The threads on which requests are read and answered. Every user of the machine can begin requests
 * and not go on with them, and the JDK's server has a thread wait for each. So only so much time is
 * given to reading a request, and to writing to somebody who does not read; and hardly any while
 * others wait for a thread. Who is cut short has its connection closed.
 *
 * <p>The server's own limits are system properties, read once for all servers of a process, and the
 * one for answers would end the page's streams. These are each page's own.
 */
final class Turns implements Executor, AutoCloseable {
  private static final int MOST_AT_ONCE = 40;
  private static final Duration LONGEST = Duration.ofSeconds(10);

  /** What comes from this machine comes at once. */
  private static final Duration LONGEST_WHILE_OTHERS_WAIT = Duration.ofMillis(250);

  private static final Duration BETWEEN_CHECKS = Duration.ofMillis(100);

  /** What a turn does; its peer can make it take long unless it {@link #WORKS}. */
  enum State {
    READS,
    WORKS,
    WRITES
  }

  private static final ThreadLocal<@Nullable Turn> CURRENT = new ThreadLocal<>();

  private final Set<Turn> turns = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          MOST_AT_ONCE,
          MOST_AT_ONCE,
          30,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(), // one connection has one request at a time
          work -> Page.daemon(work));
  private final ScheduledThreadPoolExecutor clock =
      new ScheduledThreadPoolExecutor(1, work -> Page.daemon(work));

  Turns() {
    threads.allowCoreThreadTimeOut(true);
    var unused =
        clock.scheduleWithFixedDelay(
            this::cutShort,
            BETWEEN_CHECKS.toMillis(),
            BETWEEN_CHECKS.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  /** One request. */
  private static final class Turn {
    private final Thread thread = Thread.currentThread();
    private State state = State.READS;
    private long since = System.nanoTime();
    private boolean isCut;

    synchronized void go(State next) throws InterruptedIOException {
      if (isCut) {
        throw new InterruptedIOException("it took too long");
      }
      state = next;
      since = System.nanoTime();
    }

    /** Interrupts the thread, which closes the connection that it waits for. */
    synchronized void cutAfter(Duration longest) {
      if (state != State.WORKS && !isCut && System.nanoTime() - since > longest.toNanos()) {
        isCut = true;
        thread.interrupt();
      }
    }

    /** From now on the thread is another's. */
    synchronized void end() {
      isCut = true;
    }
  }

  /** What the present thread does from now on. */
  static void go(State next) throws InterruptedIOException {
    Turn turn = CURRENT.get();
    if (turn != null) {
      turn.go(next);
    }
  }

  @Override
  public void execute(Runnable request) {
    threads.execute(
        () -> {
          Turn turn = new Turn();
          turns.add(turn);
          CURRENT.set(turn);
          try {
            request.run();
          } finally {
            CURRENT.remove();
            turns.remove(turn);
            turn.end();
          }
        });
  }

  private void cutShort() {
    Duration longest = threads.getQueue().isEmpty() ? LONGEST : LONGEST_WHILE_OTHERS_WAIT;
    turns.forEach(turn -> turn.cutAfter(longest));
  }

  @Override
  public void close() {
    clock.shutdownNow();
    threads.shutdownNow();
  }
}
