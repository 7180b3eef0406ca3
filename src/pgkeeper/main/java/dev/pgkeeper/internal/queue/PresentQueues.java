package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.session.Sessions.Worker;
import java.util.function.Function;

/** The queues as the session sees them that there is, and each one after it. */
public interface PresentQueues {
  /** Those of the session that there is now. */
  Queues now();

  /** Does something in this session and in each one after it. */
  Subscription inEach(Function<Queues, AutoCloseable> work);

  /** Has it stop before the session ends. */
  Subscription stopAtClose(Worker worker);
}
