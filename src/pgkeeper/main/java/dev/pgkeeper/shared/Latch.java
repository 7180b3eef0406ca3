package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Opens for ever when it was counted down as often as its count says: a node with the number that
 * is left, in decimal digits. How often it was counted down is the node's version, so that both
 * together tell the count, and a client that names another count is refused.
 *
 * <pre>{@code
 * Latch ready = keeper.latch("/release/7/ready", 3);
 * ready.countDown(); // each of three
 * boolean all = ready.await(Duration.ofMinutes(5)); // whoever waits for them
 * }</pre>
 *
 * <p>The first use makes the node, which belongs to no session: what a participant counted before
 * it died stays counted. Nobody counts down in its place what it still had to count, so wait with a
 * timeout. A countdown whose reply was lost is done once. After somebody deletes the node, the
 * latch begins again.
 *
 * <p>Immutable; any number of objects with the same path are the same latch.
 */
public final class Latch {
  private final Sessions sessions;
  private final String path;
  private final int count;

  /**
   * A latch with a count of 0 or more; with 0 it is open.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Latch(Sessions sessions, String path, int count) {
    if (count < 0) {
      throw new IllegalArgumentException(path + ": a latch of " + count + "; use 0 or more");
    }
    this.sessions = Objects.requireNonNull(sessions, "sessions");
    this.path = Objects.requireNonNull(path, "path");
    this.count = count;
  }

  public String path() {
    return path;
  }

  /** How many more times it has to be counted down before it opens. */
  public long remaining() {
    return NodeChanges.read(sessions.tree(), path).map(this::remaining).orElse((long) count);
  }

  private long remaining(Node node) {
    long left = Digits.read(path, node);
    long settled = left + node.stat().version();
    if (settled != count) {
      throw new KeeperException.WrongRecipe(
          path,
          path
              + ": there is a latch of "
              + settled
              + ", and a latch of "
              + count
              + " was asked for");
    }
    return Math.max(0, left);
  }

  /** Counts down by one, and returns what remains; nothing happens to an open latch. */
  public long countDown() {
    return countDown(sessions.tree());
  }

  /** Counts down in the transaction on this connection: it counts when that commits. */
  public long countDown(Connection connection) {
    return countDown(sessions.tree(connection));
  }

  private long countDown(TreeOperations tree) {
    while (true) {
      try {
        return Math.max(0, tree.add(path, -1));
      } catch (KeeperException.NoNode e) {
        make(tree);
      }
    }
  }

  private void make(TreeOperations tree) {
    try {
      tree.create(NewNode.at(path).data(Digits.of(count)).withParents());
    } catch (KeeperException.NodeExists e) {
      // somebody else did
    }
  }

  /** Waits until it is open, as long as it takes. */
  public void await() throws InterruptedException {
    await(Waiting.FOREVER);
  }

  /** Waits at most this long. Returns false if the latch is not open. */
  public boolean await(Duration patience) throws InterruptedException {
    try (Waiting waiting = new Waiting(sessions.present(), patience)) {
      while (true) {
        Optional<Node> now = waiting.get(path);
        if (now.isEmpty()) {
          make(sessions.tree());
        } else if (remaining(now.get()) == 0) {
          return true;
        } else if (!waiting.await()) {
          return false;
        }
      }
    }
  }

  @Override
  public String toString() {
    return "Latch[" + path + ", " + count + "]";
  }
}
