package dev.pgkeeper;

import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.util.function.Consumer;

/**
 * One session of a client with the database, see {@link Keeper#session}: what belongs to it goes
 * when it ends, and it never comes back. A keeper opens the next one by itself; what is asked of an
 * ended one fails.
 *
 * <pre>{@code
 * Session session = keeper.session();
 * session.tree().create("/workers/ada", data, CreateMode.EPHEMERAL);
 * session.onEnd(() -> stop());
 * }</pre>
 */
public interface Session {
  /** Its number: the {@code ephemeralOwner} of what it owns. */
  long id();

  SessionState state();

  /** Whether what the session owns is certainly still its own at this moment. */
  boolean isHeld();

  /** The znodes, for this session: {@link KeeperException.SessionExpired} once it has ended. */
  Tree tree();

  /** See {@link Keeper#tree(Connection)}. */
  TreeOperations tree(Connection connection);

  /** See {@link Keeper#line}. */
  Line line(String path, String recipe, int permits);

  /** See {@link Keeper#meeting}. */
  Meeting meeting(String path, int size);

  /** Tells every change of state from now on, once each and in order; close the result to stop. */
  Subscription onStateChange(Consumer<SessionState> listener);

  /** Runs once the session has ended, at once if it has; close the result to stop. */
  Subscription onEnd(Runnable listener);
}
