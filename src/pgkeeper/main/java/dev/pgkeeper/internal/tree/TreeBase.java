package dev.pgkeeper.internal.tree;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.internal.jdbc.Call;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.watch.SumsQuery;
import dev.pgkeeper.tree.ChildPage;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.NodePage;
import dev.pgkeeper.tree.NodeSums;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What both trees share: arguments are checked here, answers are read here. How a call reaches the
 * database is theirs.
 */
abstract class TreeBase implements TreeOperations {
  private static final Duration LONGEST_TTL = Duration.ofMillis((1L << 40) - 1);
  private static final int MOST_CHILDREN_PER_PAGE = 100_000;
  private static final int MOST_NODES_PER_PAGE = 10_000;
  private static final long BYTES_PER_PAGE = 4 << 20;

  final String schema;
  final String chroot;
  final int maxDataBytes;

  TreeBase(String schema, String chroot, int maxDataBytes) {
    this.schema = schema;
    this.chroot = chroot;
    this.maxDataBytes = maxDataBytes;
  }

  /** Creates, sets, adds or deletes. */
  abstract Outcome change(Step step);

  abstract Outcome exchange(String at, long expected, long value);

  abstract Outcome createWithParents(Step step);

  abstract Outcome deleteSubtree(String at);

  abstract List<Outcome> multi(Steps steps);

  /** Runs a query about the node at this path, and lets the watches see what it saw. */
  abstract <T extends @Nullable Object> T look(
      String at,
      SqlFunction<T> query,
      Function<T, dev.pgkeeper.internal.watch.@Nullable Seen> seen);

  abstract void ensureUsable();

  @Override
  public Created create(NewNode node) {
    ensureUsable();
    Step step = Step.create(checkNew(node), node);
    Outcome created = node.createsParents() ? createWithParents(step) : change(step);
    created.ok(node.path());
    return new Created(Paths.from(chroot, created.path()), created.knownStat());
  }

  private String checkNew(NewNode node) {
    CreateMode mode = node.mode();
    String path =
        mode.isSequential() ? Paths.checkSequential(node.path()) : Paths.check(node.path());
    checkData(path, node.data());
    if (mode.hasTtl() != (node.ttl() != null)) {
      throw new IllegalArgumentException(
          path + ": " + mode + (mode.hasTtl() ? " needs a ttl" : " takes no ttl"));
    }
    if (node.ttl() != null
        && (node.ttl().toMillis() < 1 || node.ttl().compareTo(LONGEST_TTL) > 0)) {
      throw new IllegalArgumentException(
          path + ": the ttl is " + node.ttl() + "; use 1 millisecond to " + LONGEST_TTL);
    }
    String at =
        path.equals("/") && mode.isSequential() ? chrootPrefix() : Paths.under(chroot, path);
    return mode.isSequential() ? Paths.checkSequential(at) : Paths.check(at);
  }

  private String chrootPrefix() {
    return chroot.equals("/") ? "/" : chroot + "/";
  }

  private void checkData(String path, byte[] data) {
    Objects.requireNonNull(data, "data");
    if (data.length > maxDataBytes) {
      throw new DataTooLargeException(path, data.length, maxDataBytes);
    }
  }

  private static void checkVersion(String path, int version) {
    if (version < Op.ANY_VERSION) {
      throw new IllegalArgumentException(
          path + ": the version is " + version + "; use one that the node can have, or -1 for any");
    }
  }

  String at(String path) {
    ensureUsable();
    return Paths.check(Paths.under(chroot, Paths.check(path)));
  }

  @Override
  public Stat set(String path, byte[] data, int version) {
    String at = at(path);
    checkData(path, data);
    checkVersion(path, version);
    return change(Step.set(at, data, version)).ok(path).knownStat();
  }

  @Override
  public long add(String path, long delta) {
    String at = at(path);
    return change(Step.add(at, delta)).ok(path).number();
  }

  @Override
  public boolean compareAndSet(String path, long expected, long value) {
    Outcome outcome = exchange(at(path), expected, value);
    return outcome.code() != Code.BAD_VERSION && outcome.ok(path).code() == Code.OK;
  }

  @Override
  public void delete(String path, int version) {
    String at = at(path);
    checkVersion(path, version);
    ensureDeletable(path);
    change(Step.delete(at, version)).ok(path);
  }

  @Override
  public int deleteRecursive(String path) {
    String at = at(path);
    ensureDeletable(path);
    return (int) deleteSubtree(at).ok(path).number();
  }

  /** Not even a chroot's root: ZooKeeper's clients refuse that too. */
  private static void ensureDeletable(String path) {
    if (path.equals("/")) {
      throw new IllegalArgumentException(path + ": the root cannot be deleted");
    }
  }

  @Override
  public List<OpResult> multi(List<Op> ops) {
    ensureUsable();
    for (Op op : ops) {
      if (op instanceof Op.Create create) {
        checkNew(create.node());
        if (create.node().createsParents()) {
          throw new IllegalArgumentException(
              op.path() + ": withParents() does not go into a multi; add a step for each parent");
        }
      } else {
        at(op.path());
        if (op instanceof Op.Set set) {
          checkData(set.path(), set.data());
          checkVersion(set.path(), set.version());
        } else if (op instanceof Op.Delete delete) {
          checkVersion(delete.path(), delete.version());
          ensureDeletable(delete.path());
        } else if (op instanceof Op.Check check) {
          checkVersion(check.path(), check.version());
        }
      }
    }
    if (ops.isEmpty()) {
      return List.of();
    }
    List<Step> steps = ops.stream().map(op -> Step.of(op, chroot)).toList();
    return MultiResults.of(multi(new Steps(steps)), chroot);
  }

  // Reads.

  @Override
  public Optional<Stat> exists(String path) {
    String at = at(path);
    return Optional.ofNullable(look(at, TreeQueries.exists(schema, at), TreeQueries::seen));
  }

  @Override
  public Node get(String path) {
    String at = at(path);
    return found(look(at, TreeQueries.get(schema, at), TreeQueries::seen), path);
  }

  @Override
  public List<String> children(String path) {
    String at = at(path);
    return found(look(at, TreeQueries.children(schema, at), TreeQueries::seen), path).names();
  }

  static <T> T found(@Nullable T answer, String path) {
    if (answer == null) {
      throw KeeperException.of(Code.NO_NODE, path);
    }
    return answer;
  }

  @Override
  public ChildPage childPage(String path, String after, int limit) {
    String at = at(path);
    Objects.requireNonNull(after, "after");
    if (limit < 1 || limit > MOST_CHILDREN_PER_PAGE) {
      throw new IllegalArgumentException(
          path + ": the limit is " + limit + "; use 1 to " + MOST_CHILDREN_PER_PAGE);
    }
    List<String> names =
        look(
            at,
            Call.columns("name", schema, "children", at, after, limit + 1)
                .rows(row -> row.getString(1)),
            page -> null);
    if (names.isEmpty()) {
      stat(path);
    }
    boolean more = names.size() > limit;
    return new ChildPage(List.copyOf(more ? names.subList(0, limit) : names), more);
  }

  @Override
  public NodePage nodePage(Scope scope, String path, String after, int limit) {
    String at = at(path);
    String from = after.isEmpty() ? "" : at(after);
    if (limit < 1 || limit > MOST_NODES_PER_PAGE) {
      throw new IllegalArgumentException(
          path + ": the limit is " + limit + "; use 1 to " + MOST_NODES_PER_PAGE);
    }
    if (scope == Scope.NODE) {
      return new NodePage(after.isEmpty() ? alone(path) : List.of(), false);
    }
    List<PathNode> nodes =
        look(
            at,
            TreeQueries.page(
                schema, at, scope == Scope.CHILDREN, from, limit, BYTES_PER_PAGE, this::seenFrom),
            page -> null);
    long bytes = nodes.stream().mapToLong(each -> each.node().data().length).sum();
    return new NodePage(List.copyOf(nodes), nodes.size() == limit || bytes >= BYTES_PER_PAGE);
  }

  private List<PathNode> alone(String path) {
    ReadResult read = readAll(List.of(Read.node(path))).get(0);
    return read.node() == null ? List.of() : List.of(new PathNode(path, read.node()));
  }

  private String seenFrom(String at) {
    return Paths.from(chroot, at);
  }

  @Override
  public NodeSums nodeSums(Scope scope, String path) {
    String at = at(path);
    if (scope == Scope.NODE) {
      return alone(path).stream()
          .map(each -> each.node().stat())
          .reduce(
              NodeSums.NONE,
              (sums, stat) -> sums.plus(stat.czxid(), stat.mzxid(), stat.pzxid()),
              (a, b) -> a);
    }
    return look(at, SumsQuery.of(schema, at, scope == Scope.CHILDREN), sums -> null);
  }

  @Override
  public List<ReadResult> readAll(List<Read> reads) {
    ensureUsable();
    List<String> paths = reads.stream().map(read -> at(read.path())).toList();
    return look(
        "/",
        Call.columns(
                "*",
                schema,
                "read_all",
                Call.texts(paths),
                Call.array("bool", reads, read -> read instanceof Read.OfChildren))
            .rows(TreeBase::readResult),
        results -> null);
  }

  private static ReadResult readResult(ResultSet row) throws SQLException {
    if (!row.getBoolean("present")) {
      return new ReadResult(Code.NO_NODE, null, null);
    } else if (row.getArray("names") != null) {
      return new ReadResult(Code.OK, null, List.of(Database.strings(row, row.findColumn("names"))));
    }
    return new ReadResult(Code.OK, new Node(row.getBytes("data"), Outcome.stat(row)), null);
  }
}
