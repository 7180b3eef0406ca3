package dev.pgkeeper.internal.keeper;

import dev.pgkeeper.Session;
import dev.pgkeeper.internal.session.Sessions.Closing;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one caller wants done in each session. */
final class Standing {
  private static final Logger log = LoggerFactory.getLogger(Standing.class);

  final Closing closing;
  private final Function<? super Session, ? extends AutoCloseable> work;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock, which is not kept while the work is begun or closed. So an end may come
  // while it is
  // begun: then the session is another one, or none, and what came of it is closed at once.

  /** In which it was begun, or is just being begun; null: in none. */
  private @Nullable Session session;

  /** What came of it there; null while it is being begun. */
  private @Nullable AutoCloseable done;

  /** For ever: it is begun in no session any more. */
  private boolean closed;

  Standing(Closing closing, Function<? super Session, ? extends AutoCloseable> work) {
    this.closing = closing;
    this.work = work;
  }

  /** Does nothing if it was begun in this session. */
  void begin(Session now) {
    lock.lock();
    try {
      if (closed || session == now) {
        return;
      }
      session = now;
    } finally {
      lock.unlock();
    }
    AutoCloseable made = null;
    try {
      made = Objects.requireNonNull(work.apply(now), "what the work returns");
    } finally {
      made = keep(now, made);
    }
    closeQuietly(made);
  }

  /** Returns what is to be closed at once: it was ended meanwhile. */
  private @Nullable AutoCloseable keep(Session now, @Nullable AutoCloseable made) {
    lock.lock();
    try {
      if (made == null && session == now) {
        session = null; // to be tried again
      } else if (session == now) {
        done = made;
        return null;
      }
      return made;
    } finally {
      lock.unlock();
    }
  }

  /** It will be begun again. */
  void end() {
    AutoCloseable over;
    lock.lock();
    try {
      over = done;
      done = null;
      session = null;
    } finally {
      lock.unlock();
    }
    closeQuietly(over);
  }

  void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    end();
  }

  private static void closeQuietly(@Nullable AutoCloseable over) {
    if (over == null) {
      return;
    }
    try {
      over.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      log.warn("the work of a session failed while it was closed", e);
    }
  }
}
