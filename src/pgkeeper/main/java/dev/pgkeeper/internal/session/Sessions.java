package dev.pgkeeper.internal.session;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The sessions of a keeper, one after the other: what the recipes stand on. */
public interface Sessions {
  /** In which order a keeper that is closed ends what outlives sessions. */
  enum Closing {
    /** First: others are to stop coming before anything else ends. */
    REGISTRATION,
    /** Once nothing works any more. */
    OTHER
  }

  KeeperOptions options();

  /**
   * The session that there is now. Where the last one has ended, the next one is waited for, as
   * long as an operation may take.
   *
   * @throws KeeperException.ConnectionLoss if there was none in that time
   */
  Session present();

  /**
   * Does something that is a matter of no particular session in the present one, and again in the
   * next one if it fails because the session has ended.
   */
  <T extends @Nullable Object> T inPresent(Function<Session, T> work);

  /** See {@link dev.pgkeeper.Keeper#inEachSession}. */
  Subscription inEach(Closing closing, Function<? super Session, ? extends AutoCloseable> work);

  default Subscription inEach(Function<? super Session, ? extends AutoCloseable> work) {
    return inEach(Closing.OTHER, work);
  }

  /** Has it stop when the keeper is closed, after the registrations and before all else. */
  Subscription stopAtClose(Worker worker);

  /** Something that takes work on in whichever session there is. */
  interface Worker {
    /** Takes nothing more on. */
    void beginToStop();

    /** Waits for what is under way. Returns false if some of it still was in the end. */
    boolean awaitEnd(Duration patience) throws InterruptedException;
  }

  /** Whether there will be no session any more. */
  boolean isClosed();

  /** The tree of the session that there is at each call. */
  Tree tree();

  TreeOperations tree(Connection connection);

  /** A line of the session that there is at each call. */
  Line line(String path, String recipe, int permits);

  /** A meeting of the session that there is at each call. */
  Meeting meeting(String path, int size);
}
