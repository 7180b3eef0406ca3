package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.ChildPage;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.NodePage;
import dev.pgkeeper.tree.NodeSums;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.CreateOptions;
import org.apache.zookeeper.OpResult.CreateResult;
import org.apache.zookeeper.OpResult.ErrorResult;
import org.apache.zookeeper.OpResult.GetChildrenResult;
import org.apache.zookeeper.OpResult.GetDataResult;
import org.apache.zookeeper.OpResult.SetDataResult;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.common.PathUtils;

/**
 * pgkeeper's {@link Tree}, answered by a ZooKeeper client: names are translated and nothing else.
 *
 * <p>Reads use the asynchronous calls, whose answers come on the client's event thread. So when a
 * read returns here, the watchers have run that ZooKeeper told before it answered.
 *
 * <p>What ZooKeeper does not have is made of what it has: a {@link #deleteRecursive} is one multi,
 * {@link NewNode#withParents} creates one node after the other, a {@link #childPage} is cut out of
 * all children.
 */
final class ZooKeeperTree implements Tree {

  private final ZooKeeper zooKeeper;
  private final String chroot;

  /**
   * @param chroot what was appended to the client's connect string; empty if nothing
   */
  ZooKeeperTree(ZooKeeper zooKeeper, String chroot) {
    this.zooKeeper = zooKeeper;
    this.chroot = chroot;
  }

  @Override
  public Created create(NewNode node) {
    return node.createsParents() ? createWithParents(node) : createAlone(node);
  }

  private Created createAlone(NewNode node) {
    var stat = new org.apache.zookeeper.data.Stat();
    String path =
        call(
            node.path(),
            () ->
                zooKeeper.create(
                    node.path(),
                    node.data(),
                    ZooDefs.Ids.OPEN_ACL_UNSAFE,
                    mode(node),
                    stat,
                    ttlMillis(node)));
    return new Created(path, stat(stat));
  }

  private Created createWithParents(NewNode node) {
    PathUtils.validatePath(node.path(), node.mode().isSequential());
    op(Op.create(node)); // refuses a wrong time to live
    try {
      for (String ancestor : Paths.ancestors(node.path())) {
        if (exists(ancestor).isEmpty()) {
          createAlone(NewNode.at(ancestor));
        }
      }
      return createAlone(node);
    } catch (KeeperException e) {
      throw KeeperException.of(e.code(), node.path());
    }
  }

  /** ZooKeeper has nothing of the kind. */
  @Override
  public long add(String path, long delta) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean compareAndSet(String path, long expected, long value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<Stat> exists(String path) {
    return awaitExists(path, null);
  }

  @Override
  public Optional<Stat> exists(String path, Watcher watcher) {
    return awaitExists(path, new Told(watcher));
  }

  private Optional<Stat> awaitExists(String path, org.apache.zookeeper.Watcher watcher) {
    return await(
        answer ->
            zooKeeper.exists(
                path,
                watcher,
                (code, asked, context, stat) -> {
                  if (code == Code.NO_NODE.number()) {
                    answer.complete(Optional.empty());
                  } else {
                    complete(answer, code, path, () -> Optional.of(stat(stat)));
                  }
                },
                null));
  }

  @Override
  public Node get(String path) {
    return awaitGet(path, null);
  }

  @Override
  public Node get(String path, Watcher watcher) {
    return awaitGet(path, new Told(watcher));
  }

  private Node awaitGet(String path, org.apache.zookeeper.Watcher watcher) {
    return await(
        answer ->
            zooKeeper.getData(
                path,
                watcher,
                (code, asked, context, data, stat) ->
                    complete(answer, code, path, () -> new Node(data, stat(stat))),
                null));
  }

  @Override
  public List<String> children(String path) {
    return awaitChildren(path, null);
  }

  @Override
  public List<String> children(String path, Watcher watcher) {
    return awaitChildren(path, new Told(watcher));
  }

  private List<String> awaitChildren(String path, org.apache.zookeeper.Watcher watcher) {
    return await(
        answer ->
            zooKeeper.getChildren(
                path,
                watcher,
                (int code, String asked, Object context, List<String> names) ->
                    complete(answer, code, path, () -> names.stream().sorted().toList()),
                null));
  }

  @Override
  public ChildPage childPage(String path, String after, int limit) {
    List<String> rest = children(path).stream().filter(name -> name.compareTo(after) > 0).toList();
    return new ChildPage(rest.subList(0, Math.min(limit, rest.size())), rest.size() > limit);
  }

  /** Not compared: ZooKeeper has nothing like it. */
  @Override
  public NodePage nodePage(Scope scope, String path, String after, int limit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public NodeSums nodeSums(Scope scope, String path) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Subscription hints(Scope scope, String path, HintListener listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Stat set(String path, byte[] data, int version) {
    return stat(call(path, () -> zooKeeper.setData(path, data, version)));
  }

  @Override
  public void delete(String path, int version) {
    call(
        path,
        () -> {
          zooKeeper.delete(path, version);
          return null;
        });
  }

  @Override
  public int deleteRecursive(String path) {
    Deque<Op> deepestFirst = new ArrayDeque<>();
    Deque<String> open = new ArrayDeque<>(List.of(path));
    while (!open.isEmpty()) {
      String next = open.remove();
      deepestFirst.push(Op.delete(next));
      children(next).forEach(name -> open.add((next.equals("/") ? "" : next) + "/" + name));
    }
    multi(List.copyOf(deepestFirst));
    return deepestFirst.size();
  }

  @Override
  public List<OpResult> multi(List<Op> ops) {
    List<org.apache.zookeeper.Op> asked = ops.stream().map(ZooKeeperTree::op).toList();
    try {
      return opResults(ops, zooKeeper.multi(asked));
    } catch (org.apache.zookeeper.KeeperException e) {
      if (e.getResults() == null) {
        throw translated(e.code().intValue(), "multi");
      }
      List<OpResult> results = opResults(ops, e.getResults());
      int step = 0;
      while (results.get(step).code() == Code.OK) {
        step++;
      }
      throw new KeeperException.MultiFailed(
          results.get(step).code(), ops.get(step).path(), step, results);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public List<ReadResult> readAll(List<Read> reads) {
    List<org.apache.zookeeper.Op> asked = new ArrayList<>();
    for (Read read : reads) {
      asked.add(
          read instanceof Read.OfNode
              ? org.apache.zookeeper.Op.getData(read.path())
              : org.apache.zookeeper.Op.getChildren(read.path()));
    }
    return call("readAll", () -> zooKeeper.multi(asked)).stream()
        .map(ZooKeeperTree::readResult)
        .toList();
  }

  @Override
  public void watch(String path, WatchMode mode, Watcher watcher) {
    AddWatchMode translated =
        mode == WatchMode.PERSISTENT ? AddWatchMode.PERSISTENT : AddWatchMode.PERSISTENT_RECURSIVE;
    call(
        path,
        () -> {
          zooKeeper.addWatch(path, new Told(watcher), translated);
          return null;
        });
  }

  @Override
  public void unwatch(String path, WatchKind kind, Watcher watcher) {
    call(
        path,
        () -> {
          zooKeeper.removeWatches(path, new Told(watcher), type(kind), false);
          return null;
        });
  }

  @Override
  public void unwatchAll(String path, WatchKind kind) {
    call(
        path,
        () -> {
          zooKeeper.removeAllWatches(path, type(kind), false);
          return null;
        });
  }

  /** A client of ZooKeeper has one root for good: open another one. */
  @Override
  public Tree chroot(String path) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void sync() {
    await(answer -> whenSynced().thenAccept(answer::complete));
  }

  /** Done on the event thread, after everything that was to be told. */
  CompletableFuture<Void> whenSynced() {
    CompletableFuture<Void> told = new CompletableFuture<>();
    zooKeeper.sync("/", (code, path, context) -> complete(told, code, "/", () -> null), null);
    return told;
  }

  /** A pgkeeper watcher as a ZooKeeper one; equal if the watcher is the same. */
  private record Told(Watcher watcher) implements org.apache.zookeeper.Watcher {
    @Override
    public void process(org.apache.zookeeper.WatchedEvent event) {
      if (!DeliberateDifferences.isNoticeOfRemoval(event.getType())) {
        watcher.process(
            new WatchedEvent(type(event.getType()), state(event.getState()), event.getPath()));
      }
    }
  }

  private static EventType type(org.apache.zookeeper.Watcher.Event.EventType type) {
    return switch (type) {
      case None -> EventType.NONE;
      case NodeCreated -> EventType.NODE_CREATED;
      case NodeDeleted -> EventType.NODE_DELETED;
      case NodeDataChanged -> EventType.NODE_DATA_CHANGED;
      case NodeChildrenChanged -> EventType.NODE_CHILDREN_CHANGED;
      default -> throw new IllegalArgumentException(type.toString());
    };
  }

  private static SessionState state(KeeperState state) {
    return switch (state) {
      case SyncConnected -> SessionState.HELD;
      case Disconnected -> SessionState.JEOPARDY;
      case Expired -> SessionState.LOST;
      case Closed -> SessionState.CLOSED;
      default -> throw new IllegalArgumentException(state.toString());
    };
  }

  private static WatcherType type(WatchKind kind) {
    return switch (kind) {
      case CHILDREN -> WatcherType.Children;
      case DATA -> WatcherType.Data;
      case ANY -> WatcherType.Any;
    };
  }

  private static CreateMode mode(NewNode node) {
    return CreateMode.valueOf(node.mode().name());
  }

  private static long ttlMillis(NewNode node) {
    return node.ttl() == null ? -1 : node.ttl().toMillis();
  }

  private static org.apache.zookeeper.Op op(Op op) {
    if (op instanceof Op.Create create) {
      NewNode node = create.node();
      CreateOptions options =
          CreateOptions.newBuilder(ZooDefs.Ids.OPEN_ACL_UNSAFE, mode(node))
              .withTtl(ttlMillis(node))
              .build();
      return org.apache.zookeeper.Op.create(node.path(), node.data(), options);
    } else if (op instanceof Op.Set set) {
      return org.apache.zookeeper.Op.setData(set.path(), set.data(), set.version());
    } else if (op instanceof Op.Delete delete) {
      return org.apache.zookeeper.Op.delete(delete.path(), delete.version());
    } else {
      return org.apache.zookeeper.Op.check(op.path(), ((Op.Check) op).version());
    }
  }

  private List<OpResult> opResults(List<Op> ops, List<org.apache.zookeeper.OpResult> answers) {
    List<OpResult> results = new ArrayList<>();
    for (int i = 0; i < ops.size(); i++) {
      results.add(opResult(ops.get(i), answers.get(i)));
    }
    return results;
  }

  private OpResult opResult(Op op, org.apache.zookeeper.OpResult answer) {
    if (answer instanceof ErrorResult error) {
      return new OpResult(code(error.getErr()), op.path(), null);
    } else if (answer instanceof CreateResult create) {
      return new OpResult(
          Code.OK,
          DeliberateDifferences.withoutChroot(create.getPath(), chroot),
          create.getStat() == null ? null : stat(create.getStat()));
    } else if (answer instanceof SetDataResult set) {
      return new OpResult(Code.OK, op.path(), stat(set.getStat()));
    } else {
      return new OpResult(Code.OK, op.path(), null);
    }
  }

  private static ReadResult readResult(org.apache.zookeeper.OpResult answer) {
    if (answer instanceof ErrorResult error) {
      return new ReadResult(code(error.getErr()), null, null);
    } else if (answer instanceof GetDataResult node) {
      return new ReadResult(Code.OK, new Node(node.getData(), stat(node.getStat())), null);
    } else {
      List<String> names = ((GetChildrenResult) answer).getChildren();
      return new ReadResult(Code.OK, null, names.stream().sorted().toList());
    }
  }

  private static Stat stat(org.apache.zookeeper.data.Stat stat) {
    return new Stat(
        stat.getCzxid(),
        stat.getMzxid(),
        Instant.ofEpochMilli(stat.getCtime()),
        Instant.ofEpochMilli(stat.getMtime()),
        stat.getVersion(),
        stat.getCversion(),
        stat.getEphemeralOwner(),
        stat.getDataLength(),
        stat.getNumChildren(),
        stat.getPzxid());
  }

  private static Code code(int number) {
    return Arrays.stream(Code.values())
        .filter(code -> code.number() == number)
        .findAny()
        .orElseThrow(() -> new IllegalStateException("ZooKeeper answers " + number));
  }

  private static KeeperException translated(int number, String path) {
    return KeeperException.of(code(number), path);
  }

  private interface Call<T> {
    T ask() throws org.apache.zookeeper.KeeperException, InterruptedException;
  }

  private static <T> T call(String path, Call<T> call) {
    try {
      return call.ask();
    } catch (org.apache.zookeeper.KeeperException e) {
      throw translated(e.code().intValue(), path);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static <T> void complete(
      CompletableFuture<T> answer, int code, String path, java.util.function.Supplier<T> value) {
    if (code == Code.OK.number()) {
      answer.complete(value.get());
    } else {
      answer.completeExceptionally(translated(code, path));
    }
  }

  private static <T> T await(java.util.function.Consumer<CompletableFuture<T>> asked) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    asked.accept(answer);
    try {
      return answer.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KeeperException refused) {
        throw refused;
      }
      throw new IllegalStateException(e);
    } catch (TimeoutException e) {
      throw new IllegalStateException("ZooKeeper does not answer", e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static IllegalStateException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IllegalStateException("Interrupted", e);
  }
}
