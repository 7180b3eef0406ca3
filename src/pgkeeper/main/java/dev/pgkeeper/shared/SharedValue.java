package dev.pgkeeper.shared;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A value that everybody sees and may change: it is the data of a node. The number of the node's
 * last change tells one value from the next. A change whose reply was lost is done once, and its
 * caller learns the result.
 *
 * <pre>{@code
 * SharedValue<String> motto = keeper.sharedValue("/motto", Codec.text(), "none");
 * motto.onChange(now -> apply(now.value()));
 * motto.update(text -> text + "!");
 * }</pre>
 *
 * <p>As long as nobody has set it, everybody sees the initial value, with the version {@link
 * Versioned#NEVER_SET}; the same holds after somebody deleted the node. The node belongs to no
 * session: whoever set it may die.
 *
 * <p>Immutable; any number of objects with the same path are the same value.
 */
public final class SharedValue<T> {
  private final Sessions sessions;
  private final String path;
  private final Codec<T> codec;
  private final T initial;
  private final TreeOperations tree;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public SharedValue(Sessions sessions, String path, Codec<T> codec, T initial) {
    this(sessions, path, codec, initial, sessions.tree());
  }

  private SharedValue(
      Sessions sessions, String path, Codec<T> codec, T initial, TreeOperations tree) {
    this.sessions = sessions;
    this.path = Objects.requireNonNull(path, "path");
    this.codec = Objects.requireNonNull(codec, "codec");
    this.initial = Objects.requireNonNull(initial, "initial");
    this.tree = tree;
  }

  /** Returns the same value, seen and changed by the transaction on this connection. */
  public SharedValue<T> in(Connection connection) {
    return new SharedValue<>(sessions, path, codec, initial, sessions.tree(connection));
  }

  public String path() {
    return path;
  }

  /**
   * @throws KeeperException.Unreadable if the codec cannot read what is there
   */
  public Versioned<T> get() {
    return read(NodeChanges.read(tree, path));
  }

  private Versioned<T> read(Optional<Node> node) {
    if (node.isEmpty()) {
      return Versioned.neverSet(initial);
    }
    try {
      return Versioned.of(codec.decode(node.get().data()), node.get().stat());
    } catch (Exception e) {
      throw new KeeperException.Unreadable(path + ": the codec cannot read the value", e);
    }
  }

  /** Sets it, whatever it was. */
  public Versioned<T> set(T value) {
    byte[] data = codec.encode(value);
    while (true) {
      try {
        return Versioned.of(value, tree.set(path, data));
      } catch (KeeperException.NoNode e) {
        Optional<Versioned<T>> created = create(value, data);
        if (created.isPresent()) {
          return created.get();
        }
      }
    }
  }

  /**
   * Sets it if nobody has changed it since it was {@code expected}, or deleted and set it again.
   * Returns empty if somebody has.
   */
  public Optional<Versioned<T>> compareAndSet(Versioned<T> expected, T value) {
    byte[] data = codec.encode(value);
    if (!expected.isSet()) {
      return create(value, data);
    }
    try {
      List<OpResult> done = tree.multi(Op.checkChange(path, expected.change()), Op.set(path, data));
      return Optional.of(Versioned.of(value, Objects.requireNonNull(done.get(1).stat())));
    } catch (KeeperException.MultiFailed e) {
      if (e.code() == Code.BAD_VERSION || e.code() == Code.NO_NODE) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * Sets it to what the function makes of it. The function is called again, with what it is then,
   * if somebody changed it meanwhile; so it should do nothing else.
   */
  public Versioned<T> update(UnaryOperator<T> change) {
    while (true) {
      Versioned<T> before = get();
      Optional<Versioned<T>> after = compareAndSet(before, change.apply(before.value()));
      if (after.isPresent()) {
        return after.get();
      }
    }
  }

  /** Returns empty if somebody else created it. */
  private Optional<Versioned<T>> create(T value, byte[] data) {
    try {
      NewNode node = NewNode.at(path).data(data).withParents();
      return Optional.of(Versioned.of(value, tree.create(node).stat()));
    } catch (KeeperException.NodeExists e) {
      return Optional.empty();
    }
  }

  /**
   * Tells the value as it is now, and then whenever it has changed, in order, on a thread that may
   * block; of changes that follow each other quickly perhaps only the last. It goes on through
   * breaks of the connection, restarts of the database and the loss of the session, until the
   * result is closed. What the listener throws is logged, and so is a value that the codec cannot
   * read; the next value that the codec can read is told.
   */
  public Subscription onChange(Consumer<Versioned<T>> listener) {
    Objects.requireNonNull(listener, "listener");
    return new NodeChanges(sessions, path, now -> listener.accept(read(now))).subscribe();
  }

  @Override
  public String toString() {
    return "SharedValue[" + path + "]";
  }
}
