package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.util.Objects;

/**
 * A number of 64 bits that any number of clients add to at once: a node with the number in decimal
 * digits. The database adds, under the node's row, so nobody ever has to try again; additions of
 * several threads go there together. A change whose reply was lost is done once, and its caller
 * learns the result; one that nobody could find out about ends with {@link
 * KeeperException.OutcomeUnknown}.
 *
 * <pre>{@code
 * Counter orders = keeper.counter("/orders/number");
 * long number = orders.increment();
 * long all = orders.in(connection).add(10); // in your own transaction
 * }</pre>
 *
 * <p>The first change makes the node; as long as there is none, the number is 0. The node belongs
 * to no session: what a process added stays added when the process dies. After somebody deletes the
 * node, the counter begins again at 0.
 *
 * <p>Immutable; any number of objects with the same path are the same counter.
 */
public final class Counter {
  private final Sessions sessions;
  private final String path;
  private final TreeOperations tree;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Counter(Sessions sessions, String path) {
    this(sessions, path, sessions.tree());
  }

  Counter(Sessions sessions, String path, TreeOperations tree) {
    this.sessions = sessions;
    this.path = Objects.requireNonNull(path, "path");
    this.tree = tree;
  }

  /**
   * Returns the same counter, seen and changed by the transaction on this connection: what it adds
   * is there when that commits, and others who add wait until then.
   */
  public Counter in(Connection connection) {
    return new Counter(sessions, path, sessions.tree(connection));
  }

  public String path() {
    return path;
  }

  /**
   * Adds, and returns the sum.
   *
   * @throws KeeperException.Overflow if 64 bits do not hold the sum; nothing was added
   * @throws KeeperException.NotANumber if the node is there for something else
   */
  public long add(long delta) {
    while (true) {
      try {
        return tree.add(path, delta);
      } catch (KeeperException.NoNode e) {
        create(0);
      }
    }
  }

  /** Adds 1, and returns the sum. */
  public long increment() {
    return add(1);
  }

  /** Subtracts 1, and returns the difference. */
  public long decrement() {
    return add(-1);
  }

  public long get() {
    return NodeChanges.read(tree, path).map(node -> Digits.read(path, node)).orElse(0L);
  }

  /** Sets it, whatever it was. */
  public void set(long value) {
    while (true) {
      try {
        tree.set(path, Digits.of(value));
        return;
      } catch (KeeperException.NoNode e) {
        if (create(value)) {
          return;
        }
      }
    }
  }

  /** Sets it if it is {@code expected}. Returns false if it is not. */
  public boolean compareAndSet(long expected, long value) {
    while (true) {
      try {
        return tree.compareAndSet(path, expected, value);
      } catch (KeeperException.NoNode e) {
        if (expected != 0) {
          return false;
        } else if (create(value)) {
          return true;
        }
      }
    }
  }

  /** Creates the counter. Returns false if somebody else did. */
  private boolean create(long value) {
    try {
      tree.create(NewNode.at(path).data(Digits.of(value)).withParents());
      return true;
    } catch (KeeperException.NodeExists e) {
      return false;
    }
  }

  @Override
  public String toString() {
    return "Counter[" + path + "]";
  }
}
