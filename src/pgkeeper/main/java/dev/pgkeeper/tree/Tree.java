package dev.pgkeeper.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import java.util.List;
import java.util.Optional;

/**
 * The znodes that all sessions share, with watches.
 *
 * <pre>{@code
 * Tree tree = keeper.tree();
 * tree.create(NewNode.at("/shop/sign").data(data).withParents());
 * Node sign = tree.get("/shop/sign", event -> lookAgain());
 * tree.set("/shop/sign", data, sign.stat().version());
 * }</pre>
 *
 * <p>A watcher handed to a read is told once, of the first change to what was read. The same
 * watcher on the same path counts once. A client is told of a change to a path before it reads that
 * path changed.
 */
public interface Tree extends TreeOperations {
  /**
   * Leaves a watch on the node, present or absent: the watcher is told of its creation, deletion or
   * change of data.
   */
  Optional<Stat> exists(String path, Watcher watcher);

  /**
   * Leaves a watch on a node that exists: the watcher is told of its deletion or change of data.
   */
  Node get(String path, Watcher watcher);

  /**
   * Leaves a watch on a node that exists: the watcher is told of its deletion, and of children
   * created or deleted.
   */
  List<String> children(String path, Watcher watcher);

  /**
   * Leaves a watch that is not used up; the path need not exist. After a break of the connection
   * the watcher is told what differs.
   */
  void watch(String path, WatchMode mode, Watcher watcher);

  /**
   * Takes back this watcher's watches on a path; throws {@link KeeperException.NoWatcher} if there
   * are none.
   */
  void unwatch(String path, WatchKind kind, Watcher watcher);

  /**
   * Takes back every watch of this kind on the path; {@link KeeperException.NoWatcher} if there is
   * none.
   */
  void unwatchAll(String path, WatchKind kind);

  /**
   * Tells where something may have changed in a scope, until the result is closed or the session
   * ends: for whoever keeps a copy of the nodes and compares it with what is there. Unlike a {@link
   * #watch}, this remembers nothing of each node to find out what happened. Every change that is
   * committed after this returns is hinted at sooner or later. Look at the nodes once after this
   * has returned, to find the changes before it. The path need not exist.
   */
  Subscription hints(Scope scope, String path, HintListener listener);

  /**
   * Returns the tree as seen from a node: {@code chroot("/app")} finds at {@code /a} what others
   * find at {@code /app/a}.
   */
  Tree chroot(String path);

  /**
   * Waits until everything that was rung before this call has been told to this client's watchers.
   */
  void sync();
}
