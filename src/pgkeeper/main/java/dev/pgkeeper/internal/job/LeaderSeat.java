package dev.pgkeeper.internal.job;

import dev.pgkeeper.Held;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The place of the one instance that schedules. Only whoever has it tries; that a tick runs once
 * does not depend on it. Used by the scheduler's timer alone.
 */
final class LeaderSeat {
  private final Line line;
  private final Runnable taken;
  private @Nullable CompletableFuture<Held> asked;

  LeaderSeat(Sessions sessions, String path, Runnable taken) {
    this.line = sessions.line(path, "scheduler", 1);
    this.taken = taken;
  }

  boolean isMine() {
    CompletableFuture<Held> last = asked;
    if (last != null && last.isDone() && !isHolding(last)) {
      last = null;
    }
    if (last == null) {
      last = line.joinAsync(LineRequest.of("leader"));
      asked = last;
      var unused = last.thenRun(taken);
    }
    return last.isDone() && !last.isCompletedExceptionally() && last.join().isHeld();
  }

  /** Whether it may still be held, or come back: it has not ended. */
  private static boolean isHolding(CompletableFuture<Held> last) {
    return !last.isCompletedExceptionally() && !last.join().state().isTerminal();
  }

  void leave() {
    CompletableFuture<Held> last = asked;
    if (last != null && !last.cancel(false) && !last.isCompletedExceptionally()) {
      last.join().close();
    }
  }
}
