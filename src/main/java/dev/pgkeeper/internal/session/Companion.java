package dev.pgkeeper.internal.session;

import dev.pgkeeper.SessionState;
import java.util.Collection;

/**
 * What lives with a session beside its watches: it is rung, swept, and told of the session's
 * states, all on the session's thread and so without delay.
 */
public interface Companion {
  /** Somebody rang for these paths; what follows one is the companion's own affair. */
  void rung(Collection<String> payloads);

  /** Whether there is nothing that a sweep could find out. */
  boolean isIdle();

  /**
   * Compares what it knows with what is there: now and then, and after each break of the
   * connection.
   */
  void sweep(Caller caller);

  /** The connection is back after a break, perhaps because the server is back after a crash. */
  void returned(Caller caller);

  void told(SessionState state);

  /** For a session that stands for nothing else. */
  Companion NONE =
      new Companion() {
        @Override
        public void rung(Collection<String> payloads) {}

        @Override
        public boolean isIdle() {
          return true;
        }

        @Override
        public void sweep(Caller caller) {}

        @Override
        public void returned(Caller caller) {}

        @Override
        public void told(SessionState state) {}
      };
}
