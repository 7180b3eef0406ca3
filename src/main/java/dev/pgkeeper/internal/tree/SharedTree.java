package dev.pgkeeper.internal.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.NewNode;
import dev.pgkeeper.Node;
import dev.pgkeeper.Stat;
import dev.pgkeeper.Tree;
import dev.pgkeeper.WatchKind;
import dev.pgkeeper.WatchMode;
import dev.pgkeeper.Watcher;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Database.Binder;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.internal.watch.Subscriber;
import dev.pgkeeper.internal.watch.Watches;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The tree with each operation in a transaction of its own, and with watches. */
public final class SharedTree extends TreeBase implements Tree {
  private final Database database;
  private final ClientSession session;
  private final Watches watches;

  public SharedTree(Database database, ClientSession session, String chroot, int maxDataBytes) {
    super(database.schema(), Paths.check(chroot), maxDataBytes);
    this.database = database;
    this.session = session;
    this.watches = session.watches();
  }

  @Override
  void ensureUsable() {
    session.ensureUsable();
  }

  @Override
  public Tree chroot(String path) {
    return new SharedTree(database, session, at(path), maxDataBytes);
  }

  // Writes: numbered requests, and a ring after the commit where somebody watches.

  @Override
  Outcome create(NewNode node, String at, Binder arguments) {
    return requestOne(
        "request_create(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments,
        (connection, in, outcomes) ->
            ring(
                connection,
                "SELECT " + in + ".ring_created(?, ?)",
                statement -> {
                  statement.setString(1, outcomes.get(0).path());
                  statement.setBoolean(2, node.createsParents());
                }));
  }

  @Override
  Outcome set(String at, Binder arguments) {
    return requestOne("request_set(?, ?, ?, ?, ?, ?)", arguments, ringFor(at, false));
  }

  @Override
  Outcome delete(String at, Binder arguments) {
    return requestOne("request_delete(?, ?, ?, ?, ?)", arguments, ringFor(at, true));
  }

  @Override
  Outcome deleteRecursive(String at, Binder arguments) {
    return requestOne(
        "request_delete_recursive(?, ?, ?, ?)",
        arguments,
        (connection, in, outcomes) ->
            ring(
                connection,
                "SELECT " + in + ".ring_subtree(?)",
                statement -> statement.setString(1, at)));
  }

  private Outcome requestOne(String call, Binder arguments, Database.RingFor rung) {
    String sql = "SELECT (outcome).*, watched FROM " + schema + "." + call;
    return database.request(sql, arguments, rung).get(0);
  }

  @Override
  List<Outcome> multi(Steps steps) {
    return database.request(
        "SELECT o.*, watched FROM "
            + schema
            + ".request_multi(?, ?, ?, ?, ?, ?, ?, ?, ?, ?), unnest(outcomes) AS o",
        steps::bind,
        (connection, in, outcomes) ->
            ring(
                connection,
                "SELECT "
                    + in
                    + ".ring(path, structural) FROM unnest(?::text[], ?::boolean[])"
                    + " WITH ORDINALITY AS step (path, structural, number) ORDER BY number",
                statement -> {
                  Object[] paths = outcomes.stream().map(Outcome::path).toArray();
                  statement.setArray(1, connection.createArrayOf("text", paths));
                  statement.setArray(
                      2, connection.createArrayOf("bool", steps.structural().toArray()));
                }));
  }

  private static Database.RingFor ringFor(String at, boolean structural) {
    return (connection, in, outcomes) ->
        ring(
            connection,
            "SELECT " + in + ".ring(?, ?)",
            statement -> {
              statement.setString(1, at);
              statement.setBoolean(2, structural);
            });
  }

  private interface Arguments {
    void bind(PreparedStatement statement) throws SQLException;
  }

  private static void ring(Connection connection, String sql, Arguments arguments)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      arguments.bind(statement);
      statement.execute();
    }
  }

  // Reads.

  @Override
  <T extends @Nullable Object> T look(
      String at, SqlFunction<T> query, Function<T, @Nullable Seen> seen) {
    long look = watches.beginLook();
    T answer = database.read(query);
    if (!watches.isEmpty()) {
      Seen found = seen.apply(answer);
      if (found != null) {
        watches.saw(at, found, look);
      }
    }
    return answer;
  }

  @Override
  public Optional<Stat> exists(String path, Watcher watcher) {
    String at = at(path);
    return Optional.ofNullable(
        leave(
            at,
            Watches.NODE,
            watcher,
            true,
            TreeQueries.exists(schema, at),
            TreeQueries.existsWatched(schema, session.id(), at),
            TreeQueries::seen));
  }

  @Override
  public Node get(String path, Watcher watcher) {
    String at = at(path);
    return found(
        leave(
            at,
            Watches.NODE,
            watcher,
            false,
            TreeQueries.get(schema, at),
            TreeQueries.getWatched(schema, session.id(), at),
            TreeQueries::seen),
        path);
  }

  @Override
  public List<String> children(String path, Watcher watcher) {
    String at = at(path);
    return found(
            leave(
                at,
                Watches.CHILDREN,
                watcher,
                false,
                TreeQueries.children(schema, at),
                TreeQueries.childrenWatched(schema, session.id(), at),
                TreeQueries::seen),
            path)
        .names();
  }

  /**
   * Reads and leaves a watch; registers only if the database does not ring for this path already.
   */
  private <T extends @Nullable Object> @Nullable T leave(
      String at,
      String kind,
      Watcher watcher,
      boolean evenIfAbsent,
      SqlFunction<@Nullable T> plain,
      SqlFunction<@Nullable T> watched,
      Function<@Nullable T, Seen> seen) {
    Objects.requireNonNull(watcher, "watcher");
    long attachment = session.attachments();
    boolean register = watches.expect(at, kind) && session.hearsRings();
    long look = watches.beginLook();
    T answer;
    try {
      answer = database.read(register ? watched : plain);
    } catch (RuntimeException e) {
      watches.giveUp(at, kind);
      throw e;
    }
    if (answer == null && !evenIfAbsent) {
      watches.leaveNobody(at, kind, Seen.ABSENT, look);
    } else {
      watches.leave(at, kind, new Subscriber(watcher, chroot), seen.apply(answer), look);
    }
    registerAgainAfter(attachment, at, kind);
    return answer;
  }

  /** The server may have forgotten a registration that was made just before it crashed. */
  private void registerAgainAfter(long attachment, String at, String kind) {
    if (attachment != session.attachments()) {
      session.registerAgain(at, kind);
    }
  }

  @Override
  public void watch(String path, WatchMode mode, Watcher watcher) {
    String at = at(path);
    Objects.requireNonNull(watcher, "watcher");
    Subscriber subscriber = new Subscriber(watcher, chroot);
    boolean recursive = mode == WatchMode.PERSISTENT_RECURSIVE;
    String kind = recursive ? Watches.RECURSIVE : Watches.PERSISTENT;
    long attachment = session.attachments();
    boolean register = watches.expect(at, kind) && session.hearsRings();
    try {
      if (recursive) {
        session.registerSubtree(at);
        long look = watches.beginLook();
        watches.leaveRecursive(at, subscriber, session.lookAtSubtree(at), look);
      } else {
        long look = watches.beginLook();
        Seen seen =
            register
                ? database.read(TreeQueries.persistentWatched(schema, session.id(), at))
                : TreeQueries.seen(database.read(TreeQueries.exists(schema, at)));
        watches.leavePersistent(at, subscriber, seen == null ? Seen.ABSENT : seen, look);
      }
    } catch (RuntimeException e) {
      watches.giveUp(at, kind);
      throw e;
    }
    registerAgainAfter(attachment, at, kind);
  }

  @Override
  public void unwatch(String path, WatchKind kind, Watcher watcher) {
    if (!watches.takeBack(at(path), kind, new Subscriber(watcher, chroot))) {
      throw KeeperException.of(Code.NO_WATCHER, path);
    }
  }

  @Override
  public void unwatchAll(String path, WatchKind kind) {
    if (!watches.takeBackAll(at(path), kind, chroot)) {
      throw KeeperException.of(Code.NO_WATCHER, path);
    }
  }

  @Override
  public void sync() {
    session.sync();
  }
}
