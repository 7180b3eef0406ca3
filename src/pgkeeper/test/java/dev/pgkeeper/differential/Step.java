package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import java.util.ArrayList;
import java.util.List;

/** One call of a client. */
sealed interface Step {

  /** Stands for no watcher where a step could leave one. */
  int NOBODY = -1;

  Object run(Tree tree, Listeners listeners);

  /** The nodes that it names. */
  List<String> named();

  /** The nodes that it changed, their parents aside. */
  default List<String> changed(Outcome.Answer answer, Mirror before) {
    return named();
  }

  /** Whether it may have changed a node. */
  default boolean changesNodes() {
    return true;
  }

  /** Whether several nodes may have changed at one moment. */
  default boolean changesMany() {
    return false;
  }

  /** A step that returns the state of one node, or of its children. */
  sealed interface Reading extends Step {
    String path();

    @Override
    default List<String> named() {
      return List.of(path());
    }

    @Override
    default boolean changesNodes() {
      return false;
    }
  }

  record Create(NewNode node) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.create(node);
    }

    @Override
    public List<String> named() {
      return List.of(node.path());
    }

    @Override
    public List<String> changed(Outcome.Answer answer, Mirror before) {
      String path = ((Created) answer.value()).path();
      List<String> changed = new ArrayList<>(List.of(path));
      if (node.createsParents()) {
        changed.addAll(Paths.ancestors(path));
      }
      return changed;
    }

    @Override
    public boolean changesMany() {
      return node.createsParents();
    }

    @Override
    public String toString() {
      return "create "
          + Paths.shown(node.path())
          + " "
          + node.mode()
          + (node.ttl() == null ? "" : " " + node.ttl())
          + (node.createsParents() ? " with parents" : "")
          + ", "
          + node.data().length
          + " bytes";
    }
  }

  record Exists(String path, int watcher) implements Reading {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return watcher == NOBODY ? tree.exists(path) : tree.exists(path, listeners.watcher(watcher));
    }

    @Override
    public String toString() {
      return "exists " + Paths.shown(path) + leaving(watcher);
    }
  }

  record Get(String path, int watcher) implements Reading {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return watcher == NOBODY ? tree.get(path) : tree.get(path, listeners.watcher(watcher));
    }

    @Override
    public String toString() {
      return "get " + Paths.shown(path) + leaving(watcher);
    }
  }

  record Children(String path, int watcher) implements Reading {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return watcher == NOBODY
          ? tree.children(path)
          : tree.children(path, listeners.watcher(watcher));
    }

    @Override
    public String toString() {
      return "children " + Paths.shown(path) + leaving(watcher);
    }
  }

  record Page(String path, String after, int limit) implements Reading {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.childPage(path, after, limit);
    }

    @Override
    public String toString() {
      return "childPage " + Paths.shown(path) + " after \"" + after + "\" limit " + limit;
    }
  }

  record Set(String path, byte[] data, int version) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.set(path, data, version);
    }

    @Override
    public List<String> named() {
      return List.of(path);
    }

    @Override
    public String toString() {
      return "set " + Paths.shown(path) + " version " + version + ", " + data.length + " bytes";
    }
  }

  record Delete(String path, int version) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      tree.delete(path, version);
      return null;
    }

    @Override
    public List<String> named() {
      return List.of(path);
    }

    @Override
    public String toString() {
      return "delete " + Paths.shown(path) + " version " + version;
    }
  }

  record DeleteRecursive(String path) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.deleteRecursive(path);
    }

    @Override
    public List<String> named() {
      return List.of(path);
    }

    @Override
    public List<String> changed(Outcome.Answer answer, Mirror before) {
      return before.subtree(path);
    }

    @Override
    public boolean changesMany() {
      return true;
    }

    @Override
    public String toString() {
      return "deleteRecursive " + Paths.shown(path);
    }
  }

  record Multi(List<Op> ops) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.multi(ops);
    }

    @Override
    public List<String> named() {
      return ops.stream().map(Op::path).toList();
    }

    @Override
    public List<String> changed(Outcome.Answer answer, Mirror before) {
      List<String> changed = new ArrayList<>();
      for (Object result : (List<?>) answer.value()) {
        changed.add(((OpResult) result).path());
      }
      return changed;
    }

    @Override
    public boolean changesMany() {
      return true;
    }

    @Override
    public String toString() {
      return "multi " + ops.stream().map(Multi::shown).toList();
    }

    private static String shown(Op op) {
      if (op instanceof Op.Create create) {
        return new Create(create.node()).toString();
      } else if (op instanceof Op.Set set) {
        return new Set(set.path(), set.data(), set.version()).toString();
      } else if (op instanceof Op.Delete delete) {
        return new Delete(delete.path(), delete.version()).toString();
      } else {
        return "check " + Paths.shown(op.path()) + " version " + ((Op.Check) op).version();
      }
    }
  }

  record ReadAll(List<Read> reads) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      return tree.readAll(reads);
    }

    @Override
    public List<String> named() {
      return reads.stream().map(Read::path).toList();
    }

    @Override
    public boolean changesNodes() {
      return false;
    }

    @Override
    public String toString() {
      return "readAll " + reads;
    }
  }

  record Watch(String path, WatchMode mode, int watcher) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      tree.watch(path, mode, listeners.watcher(watcher));
      return null;
    }

    @Override
    public List<String> named() {
      return List.of(path);
    }

    @Override
    public boolean changesNodes() {
      return false;
    }

    @Override
    public String toString() {
      return "watch " + Paths.shown(path) + " " + mode + leaving(watcher);
    }
  }

  record Unwatch(String path, WatchKind kind, int watcher) implements Step {
    @Override
    public Object run(Tree tree, Listeners listeners) {
      if (watcher == NOBODY) {
        tree.unwatchAll(path, kind);
      } else {
        tree.unwatch(path, kind, listeners.watcher(watcher));
      }
      return null;
    }

    @Override
    public List<String> named() {
      return List.of(path);
    }

    @Override
    public boolean changesNodes() {
      return false;
    }

    @Override
    public String toString() {
      return "unwatch "
          + Paths.shown(path)
          + " "
          + kind
          + (watcher == NOBODY ? " of all" : " of w" + watcher);
    }
  }

  private static String leaving(int watcher) {
    return watcher == NOBODY ? "" : " leaving w" + watcher;
  }
}
