package dev.pgkeeper.internal.tree;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.tree.ChildPage;
import dev.pgkeeper.tree.Created;
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
import dev.pgkeeper.tree.Watcher;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The tree of the session that there is when a call begins. */
public final class PresentTree implements Tree {
  private final Supplier<? extends Tree> present;

  public PresentTree(Supplier<? extends Tree> present) {
    this.present = present;
  }

  @Override
  public Tree chroot(String path) {
    var unused = present.get().chroot(path); // says now what is wrong with it
    return new PresentTree(() -> present.get().chroot(path));
  }

  @Override
  public Created create(NewNode node) {
    return present.get().create(node);
  }

  @Override
  public Optional<Stat> exists(String path) {
    return present.get().exists(path);
  }

  @Override
  public Optional<Stat> exists(String path, Watcher watcher) {
    return present.get().exists(path, watcher);
  }

  @Override
  public Node get(String path) {
    return present.get().get(path);
  }

  @Override
  public Node get(String path, Watcher watcher) {
    return present.get().get(path, watcher);
  }

  @Override
  public Stat set(String path, byte[] data, int version) {
    return present.get().set(path, data, version);
  }

  @Override
  public long add(String path, long delta) {
    return present.get().add(path, delta);
  }

  @Override
  public boolean compareAndSet(String path, long expected, long value) {
    return present.get().compareAndSet(path, expected, value);
  }

  @Override
  public void delete(String path, int version) {
    present.get().delete(path, version);
  }

  @Override
  public int deleteRecursive(String path) {
    return present.get().deleteRecursive(path);
  }

  @Override
  public List<String> children(String path) {
    return present.get().children(path);
  }

  @Override
  public List<String> children(String path, Watcher watcher) {
    return present.get().children(path, watcher);
  }

  @Override
  public ChildPage childPage(String path, String after, int limit) {
    return present.get().childPage(path, after, limit);
  }

  @Override
  public NodePage nodePage(Scope scope, String path, String after, int limit) {
    return present.get().nodePage(scope, path, after, limit);
  }

  @Override
  public NodeSums nodeSums(Scope scope, String path) {
    return present.get().nodeSums(scope, path);
  }

  @Override
  public List<OpResult> multi(List<Op> ops) {
    return present.get().multi(ops);
  }

  @Override
  public List<ReadResult> readAll(List<Read> reads) {
    return present.get().readAll(reads);
  }

  @Override
  public void watch(String path, WatchMode mode, Watcher watcher) {
    present.get().watch(path, mode, watcher);
  }

  @Override
  public void unwatch(String path, WatchKind kind, Watcher watcher) {
    present.get().unwatch(path, kind, watcher);
  }

  @Override
  public void unwatchAll(String path, WatchKind kind) {
    present.get().unwatchAll(path, kind);
  }

  @Override
  public Subscription hints(Scope scope, String path, HintListener listener) {
    return present.get().hints(scope, path, listener);
  }

  @Override
  public void sync() {
    present.get().sync();
  }
}
