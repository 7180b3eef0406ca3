package dev.pgkeeper.internal.line;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Interrupts;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.session.ClientSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves lines, and sees to it that what was left stays so. What is fenced by a transaction is left
 * once that has ended, and nobody waits for it here: it may be the caller's own. What could not be
 * left because the database was away is left later too. What was left is not flushed, so a crash of
 * the server can bring it back: it is remembered for a while and left again then. Leaving twice
 * does no harm.
 */
final class PendingLeaves {
  private static final Logger log = LoggerFactory.getLogger(PendingLeaves.class);

  /** Much longer than it takes until an unflushed commit is flushed. */
  private static final long REMEMBERED_NANOS = 10_000_000_000L;

  private static final int MOST_REMEMBERED = 100_000;

  /**
   * Each try waits for the transaction that fences a hold, but only for 50 ms (R__13_lines.sql).
   */
  private static final long FIRST_PAUSE_MS = 10;

  private static final long LONGEST_PAUSE_MS = 250;

  private final Database database;
  private final ClientSession session;
  private final LineCalls calls;
  private final Executor background;

  // Nodes and places in rows are left by functions of their own, and so go together apart.
  private final Combiner<Leave, Boolean> leaving;
  private final Combiner<Leave, Boolean> freeing;

  /** What the database was not there for; the sweep tries it again. */
  private final Queue<Leave> unfinished = new ConcurrentLinkedQueue<>();

  /**
   * What was left just now, the oldest first: a crash may forget that, and then it is left again.
   */
  private final Queue<Done> done = new ConcurrentLinkedQueue<>();

  /** How many those are; counting a queue of this kind walks over it. */
  private final AtomicInteger remembered = new AtomicInteger();

  private record Done(Leave leave, long at) {}

  PendingLeaves(Database database, ClientSession session, LineCalls calls, Executor background) {
    this.database = database;
    this.session = session;
    this.calls = calls;
    this.background = background;
    this.leaving = new Combiner<>(this::alone, leaves -> together(leaves, calls::linesLeave));
    this.freeing = new Combiner<>(this::alone, leaves -> together(leaves, calls::linesFree));
  }

  /** Leaves now if the database lets it, and otherwise later. */
  void leave(Leave leave) {
    try (Interrupts interrupts = new Interrupts()) {
      try {
        if (apply(leave)) {
          remember(leave);
        } else {
          leaveOnceItIsLetGo(leave);
        }
      } catch (KeeperException e) {
        if (interrupts.take()) {
          leaveOnceItIsLetGo(leave); // on a thread that nobody interrupts
          return;
        }
        unfinished.add(leave);
        log.warn(
            "session {}: will give up {} once the database allows it: {}",
            session.id(),
            leave.node(),
            e.getMessage());
      }
    }
  }

  /** Applies a leave. Returns false if a transaction fences it. */
  private boolean apply(Leave leave) {
    return session
        .observation()
        .measure(Operation.LEAVE, () -> (leave.inRow() ? freeing : leaving).apply(leave));
  }

  private Boolean alone(Leave leave) {
    return database
        .readUnlessKept(leave.inRow() ? calls.lineFree(leave) : calls.lineLeave(leave))
        .isPresent();
  }

  /** The transaction on the caller's own connection fences it: not worth a try before its end. */
  void leaveOnceItIsLetGo(Leave leave) {
    background.execute(() -> tryUntilLetGo(leave, FIRST_PAUSE_MS));
  }

  private void tryUntilLetGo(Leave leave, long pauseMs) {
    if (session.state().isTerminal()) {
      return;
    }
    try {
      if (alone(leave)) {
        remember(leave);
      } else {
        CompletableFuture.delayedExecutor(pauseMs, TimeUnit.MILLISECONDS, background)
            .execute(() -> tryUntilLetGo(leave, Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)));
      }
    } catch (KeeperException e) {
      unfinished.add(leave);
      log.debug(
          "session {}: could not leave {}, the next sweep tries again", session.id(), leave, e);
    }
  }

  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private @Nullable List<Boolean> together(
      List<Leave> leaves, Function<List<Leave>, SqlFunction<Boolean>> call) {
    try {
      database.readOnce(call.apply(leaves));
      return leaves.stream().map(leave -> true).toList();
    } catch (KeeperException e) {
      return null;
    }
  }

  private void remember(Leave leave) {
    long now = System.nanoTime();
    done.add(new Done(leave, now));
    boolean crowded = remembered.incrementAndGet() > MOST_REMEMBERED;
    for (Done oldest = done.peek();
        oldest != null && (crowded || now - oldest.at() > REMEMBERED_NANOS);
        oldest = done.peek()) {
      if (done.remove(oldest)) {
        remembered.decrementAndGet();
      }
      crowded = false;
    }
  }

  boolean areFinished() {
    return unfinished.isEmpty();
  }

  /** Tries again what could not be left. */
  void finish() {
    for (Leave leave = unfinished.poll(); leave != null; leave = unfinished.poll()) {
      leaveLater(leave);
    }
  }

  /** The server may have forgotten what was left shortly before. */
  void repeat() {
    List<Leave> inRow = new ArrayList<>();
    List<Leave> withNode = new ArrayList<>();
    done.forEach(each -> (each.leave().inRow() ? inRow : withNode).add(each.leave()));
    leaveLater(inRow);
    leaveLater(withNode);
  }

  /** On another thread: somebody's transaction may hold a line for long. */
  void leaveLater(Leave leave) {
    leaveLater(List.of(leave));
  }

  /** All of one kind. */
  private void leaveLater(List<Leave> leaves) {
    if (leaves.isEmpty()) {
      return;
    }
    background.execute(
        () -> {
          try {
            database.readOnce(
                leaves.get(0).inRow() ? calls.linesFree(leaves) : calls.linesLeave(leaves));
          } catch (KeeperException e) {
            unfinished.addAll(leaves);
            log.debug(
                "session {}: could not leave {}, the next sweep tries again",
                session.id(),
                leaves,
                e);
          }
        });
  }
}
