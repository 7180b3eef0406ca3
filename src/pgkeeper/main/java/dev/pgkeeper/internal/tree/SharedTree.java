package dev.pgkeeper.internal.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Database.Binder;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.watch.Hinted;
import dev.pgkeeper.internal.watch.Seen;
import dev.pgkeeper.internal.watch.Subscriber;
import dev.pgkeeper.internal.watch.WatchLooks;
import dev.pgkeeper.internal.watch.WatchRegistrations;
import dev.pgkeeper.internal.watch.Watches;
import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.Watcher;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The tree with each operation in a transaction of its own, and with watches. */
public final class SharedTree extends TreeBase implements Tree {
  /** Changes with more data go alone: they would keep the others waiting. */
  private static final int LARGE = 16 * 1024;

  private final Database database;
  private final ClientSession session;
  private final Observation observation;
  private final Watches watches;
  private final WatchRegistrations registrations;
  private final Combiner<Step, Outcome> combiner;

  public SharedTree(
      Database database, ClientSession session, WatchLooks looks, String chroot, int maxDataBytes) {
    super(database.schema(), Paths.check(chroot), maxDataBytes);
    this.database = database;
    this.session = session;
    this.observation = session.observation();
    this.watches = looks.watches();
    this.registrations = looks.registrations();
    this.combiner = new Combiner<>(this::changeAlone, this::changeTogether);
  }

  private SharedTree(SharedTree whole, String chroot) {
    super(whole.schema, chroot, whole.maxDataBytes);
    this.database = whole.database;
    this.session = whole.session;
    this.observation = whole.observation;
    this.watches = whole.watches;
    this.registrations = whole.registrations;
    this.combiner = whole.combiner;
  }

  @Override
  void ensureUsable() {
    session.ensureUsable();
  }

  @Override
  public Tree chroot(String path) {
    return new SharedTree(this, at(path));
  }

  // Writes: numbered requests, and a ring after the commit where somebody watches.

  @Override
  Outcome change(Step step) {
    boolean large = step.data() != null && step.data().length > LARGE;
    return observation.measure(
        operation(step.type()), () -> large ? changeAlone(step) : combiner.apply(step));
  }

  private static Operation operation(Step.Type type) {
    return switch (type) {
      case CREATE -> Operation.CREATE;
      case SET -> Operation.SET;
      case DELETE -> Operation.DELETE;
      case ADD -> Operation.ADD;
      case CHECK, CHECK_CHANGE -> Operation.READ;
    };
  }

  private Outcome changeAlone(Step step) {
    return switch (step.type()) {
      case CREATE -> create(step, false);
      case SET -> requestOne("request_set(?, ?, ?, ?, ?, ?)", step::bind, ringFor(step));
      case DELETE -> requestOne("request_delete(?, ?, ?, ?, ?)", step::bind, ringFor(step));
      case ADD ->
          database
              .request(
                  "CALL "
                      + schema
                      + ".request_add(?, ?, ?, ?, ?::bigint, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
                  step::bind,
                  ringFor(step))
              .get(0);
      case CHECK, CHECK_CHANGE -> throw new IllegalArgumentException(step + " changes nothing");
    };
  }

  private @Nullable List<Outcome> changeTogether(List<Step> steps) {
    return database.requestOnce(
        manySql("request_each"), new Steps(steps)::bind, ringForEach(steps));
  }

  @Override
  Outcome exchange(String at, long expected, long value) {
    return observation.measure(
        Operation.SET,
        () ->
            requestOne(
                "request_compare_and_set(?, ?, ?, ?, ?, ?)",
                (statement, first) -> {
                  statement.setString(first, at);
                  statement.setLong(first + 1, expected);
                  statement.setLong(first + 2, value);
                },
                ringFor(Step.add(at, value))));
  }

  @Override
  Outcome createWithParents(Step step) {
    return observation.measure(Operation.CREATE, () -> create(step, true));
  }

  private Outcome create(Step step, boolean parents) {
    return requestOne(
        "request_create(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (statement, first) -> {
          step.bind(statement, first);
          statement.setBoolean(first + 5, parents);
        },
        (connection, in, outcomes) ->
            ring(connection, Call.of(in, "ring_created", outcomes.get(0).path(), parents)));
  }

  @Override
  Outcome deleteSubtree(String at) {
    return observation.measure(Operation.DELETE, () -> requestDeleteSubtree(at));
  }

  private Outcome requestDeleteSubtree(String at) {
    return requestOne(
        "request_delete_recursive(?, ?, ?, ?)",
        (statement, first) -> statement.setString(first, at),
        (connection, in, outcomes) -> ring(connection, Call.of(in, "ring_subtree", at)));
  }

  private Outcome requestOne(String call, Binder arguments, Database.RingFor rung) {
    String sql = "SELECT (outcome).*, watched FROM " + schema + "." + call;
    return database.request(sql, arguments, rung).get(0);
  }

  @Override
  List<Outcome> multi(Steps steps) {
    return observation.measure(
        Operation.MULTI,
        () -> database.request(manySql("request_multi"), steps::bind, ringForEach(steps.steps())));
  }

  private String manySql(String function) {
    return "SELECT o.*, watched FROM "
        + schema
        + "."
        + function
        + "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?), pg_catalog.unnest(outcomes) AS o";
  }

  private static Database.RingFor ringFor(Step step) {
    return (connection, in, outcomes) ->
        ring(connection, Call.of(in, "ring", step.path(), step.structural()));
  }

  /** For all that changed something, in their order. */
  private static Database.RingFor ringForEach(List<Step> steps) {
    return (connection, in, outcomes) -> {
      List<String> paths = new ArrayList<>();
      List<Boolean> structural = new ArrayList<>();
      for (int i = 0; i < steps.size(); i++) {
        if (outcomes.get(i).code() == Code.OK && steps.get(i).changes()) {
          paths.add(outcomes.get(i).path());
          structural.add(steps.get(i).structural());
        }
      }
      ring(
          connection,
          Call.statement(
              "SELECT "
                  + in
                  + ".ring(path, structural) FROM unnest(?::pg_catalog.text[], ?::boolean[])"
                  + " WITH ORDINALITY AS step (path, structural, number) ORDER BY number",
              Call.texts(paths),
              Call.array("bool", structural, each -> each)));
    };
  }

  private static void ring(Connection connection, Call call) throws SQLException {
    var unused = call.done().apply(connection);
  }

  // Reads.

  @Override
  <T extends @Nullable Object> T look(
      String at, SqlFunction<T> query, Function<T, @Nullable Seen> seen) {
    long look = watches.beginLook();
    T answer = read(query);
    if (!watches.isEmpty()) {
      Seen found = seen.apply(answer);
      if (found != null) {
        watches.saw(at, found, look);
      }
    }
    return answer;
  }

  private <T extends @Nullable Object> T read(SqlFunction<T> query) {
    return observation.measure(Operation.READ, () -> database.read(query));
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
    long attachment = registrations.attachments();
    boolean register = watches.expect(at, kind) && session.hearsRings();
    long look = watches.beginLook();
    T answer;
    try {
      answer = read(register ? watched : plain);
    } catch (RuntimeException e) {
      watches.giveUp(at, kind);
      throw e;
    }
    if (answer == null && !evenIfAbsent) {
      watches.noteRegistered(at, kind, Seen.ABSENT, look);
    } else {
      watches.add(at, kind, new Subscriber(watcher, chroot), seen.apply(answer), look);
    }
    registerAgainAfter(attachment, at, kind);
    return answer;
  }

  /** The server may have forgotten a registration that was made just before it crashed. */
  private void registerAgainAfter(long attachment, String at, String kind) {
    if (attachment != registrations.attachments()) {
      registrations.registerAgain(at, kind);
    }
  }

  @Override
  public void watch(String path, WatchMode mode, Watcher watcher) {
    String at = at(path);
    Objects.requireNonNull(watcher, "watcher");
    Subscriber subscriber = new Subscriber(watcher, chroot);
    boolean recursive = mode == WatchMode.PERSISTENT_RECURSIVE;
    String kind = recursive ? Watches.RECURSIVE : Watches.PERSISTENT;
    long attachment = registrations.attachments();
    boolean register = watches.expect(at, kind) && session.hearsRings();
    try {
      if (recursive) {
        registrations.registerSubtree(at);
        long look = watches.beginLook();
        watches.addRecursive(at, subscriber, registrations.lookAtSubtree(at), look);
      } else {
        long look = watches.beginLook();
        Seen seen =
            register
                ? database.read(TreeQueries.persistentWatched(schema, session.id(), at))
                : TreeQueries.seen(database.read(TreeQueries.exists(schema, at)));
        watches.addPersistent(at, subscriber, seen == null ? Seen.ABSENT : seen, look);
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
  public Subscription hints(Scope scope, String path, HintListener listener) {
    Objects.requireNonNull(listener, "listener");
    Hinted one = new Hinted(scope, at(path), listener, rung -> Paths.from(chroot, rung));
    registrations.beginHints(one);
    return () -> watches.takeBack(one);
  }

  @Override
  public void sync() {
    session.sync();
  }
}
