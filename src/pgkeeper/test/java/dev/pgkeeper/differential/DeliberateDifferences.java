package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything in which pgkeeper answers differently from ZooKeeper on purpose, and what the
 * comparison does about it. What is not named here is compared as it is.
 *
 * <p>Watches compare states. pgkeeper tells a watcher how a node's (czxid, mzxid, pzxid) differ
 * from what the client last saw, where ZooKeeper tells of each change. Between two transactions
 * nobody can tell; of several changes of one node inside one transaction only what they come to is
 * seen:
 *
 * <ol>
 *   <li>A multi, a deletion of a subtree, a creation with parents and the end of a session tell
 *       each watcher of each path once what changed in the end, and of different paths in an order
 *       of their own; ZooKeeper tells of each step in the order of steps, and leaves open in which
 *       order the nodes of a session go. Both sides are reduced to {@link #net}.
 *   <li>Whoever reads a path, and every sweep, moves on to the states found there, before changes
 *       of other paths that were made earlier are told. So changes of different paths may be told
 *       in another order, except where the client came to rest in between, as after {@code sync()}.
 *       Where a read or a sweep may have come first, what was told is compared as {@link #net} too.
 *       Both promise that a change of a path is handed to the event thread before a read shows it;
 *       which of watcher and reader runs first then is not compared.
 *   <li>A node that is created and deleted again inside one multi is not told to its watchers, and
 *       an exists watch stays. The generator asks for no such multi: {@link #mayHaveCreated}.
 * </ol>
 *
 * <p>Left out of ZooKeeper's client:
 *
 * <ol start="4">
 *   <li>A watcher that is taken back is not told that it was: {@link #isNoticeOfRemoval}.
 *   <li>ZooKeeper's client still hears of its own ephemeral nodes while it closes its session;
 *       pgkeeper's watchers are silent once {@code close()} was called. What a closing client hears
 *       is not compared.
 *   <li>A ZooKeeper client with a chroot answers a multi with the paths of creations as the server
 *       sees them: {@link #withoutChroot}; and it does not ask for their stats, which are read
 *       afterwards instead. With a chroot it creates a sequential child of the root {@code "/"}
 *       beside the chroot, and lets a multi delete the chroot itself. pgkeeper keeps within the
 *       chroot. The generator asks for neither: {@link #leavesChroot}.
 *   <li>{@code aversion}: there are no ACLs.
 * </ol>
 *
 * <p>Stricter or wider:
 *
 * <ol start="8">
 *   <li>The root cannot be deleted on either side. pgkeeper refuses that before anything is sent,
 *       as an {@code IllegalArgumentException} and in a multi too; ZooKeeper's server answers
 *       BADARGUMENTS: {@link #isRefusal}. A client whose session has ended says so before it looks
 *       at its arguments; ZooKeeper's looks at them first.
 *   <li>Versions below −1 are refused before anything is sent; in ZooKeeper they match no version,
 *       and after 2<sup>31</sup> sets they may. The generator does not use them.
 *   <li>Null for data or a watcher is a {@code NullPointerException}: the API is null-marked. In
 *       ZooKeeper data may be null, which reads back as null and counts as 0 bytes, and a null
 *       watcher is none. The generator does not use null.
 *   <li>The number of a sequential node goes on growing past 2<sup>31</sup> − 1; in ZooKeeper it
 *       continues with negative numbers. Too far away for the generator.
 *   <li>Data that is too large is refused with a message; ZooKeeper drops the connection. The
 *       generator stays below.
 *   <li>A container that never had a child goes after five minutes; in ZooKeeper it does so if
 *       {@code znode.container.maxNeverUsedIntervalMs} says so, which is 0, never, by default. The
 *       judge is set to five minutes.
 *   <li>{@code deleteRecursive}, {@code withParents} and {@code childPage} have no counterpart in
 *       ZooKeeper's client. The judge makes them of one multi, of creations one after the other,
 *       and of all children. So a subtree goes under one zxid, and each created ancestor has its
 *       own. The recursive deletion of the root, which pgkeeper refuses as ZooKeeper refuses its
 *       deletion, is left out.
 * </ol>
 *
 * <p>Not compared at all, because it is told by others: session states, reconnecting, times as such
 * (by relation only), quotas, ACLs, dynamic reconfiguration.
 */
final class DeliberateDifferences {

  private DeliberateDifferences() {}

  /** Which watcher was told of which node. */
  record Listened(int watcher, String path) {}

  /**
   * What a transaction that changes many nodes comes to for each watcher and path, in order.
   *
   * <p>A node that went is told as deleted, one that came as created, whatever else happened to it;
   * one that was replaced as deleted to those who watched the old one, and then created to those
   * who watch for good; one that stayed as changed, at most once for each kind of change.
   */
  static Map<Listened, List<EventType>> net(List<Heard> heard, Mirror before, Mirror after) {
    Map<Listened, List<EventType>> all = all(heard);
    all.replaceAll((where, types) -> net(types, before.stat(where.path), after.stat(where.path)));
    return all;
  }

  /** Everything that each watcher was told of each path, in order. */
  static Map<Listened, List<EventType>> all(List<Heard> heard) {
    Map<Listened, List<EventType>> all = new LinkedHashMap<>();
    for (Heard event : heard) {
      all.computeIfAbsent(new Listened(event.watcher(), event.path()), where -> new ArrayList<>())
          .add(event.type());
    }
    return all;
  }

  private static List<EventType> net(
      List<EventType> types, Optional<Stat> before, Optional<Stat> after) {
    if (before.isPresent() && after.isEmpty()) {
      return List.of(EventType.NODE_DELETED);
    } else if (before.isEmpty() && after.isPresent()) {
      return List.of(EventType.NODE_CREATED);
    } else if (before.isPresent() && before.get().czxid() != after.get().czxid()) {
      return types.contains(EventType.NODE_CREATED)
          ? List.of(EventType.NODE_DELETED, EventType.NODE_CREATED)
          : List.of(EventType.NODE_DELETED);
    } else {
      return types.stream().distinct().sorted().toList();
    }
  }

  /** Whether a step of the multi may have created the node. */
  static boolean mayHaveCreated(List<Op> steps, String path) {
    return steps.stream()
        .filter(Op.Create.class::isInstance)
        .map(step -> ((Op.Create) step).node())
        .anyMatch(
            node ->
                node.mode().isSequential()
                    ? path.startsWith(node.path()) && path.length() >= node.path().length() + 10
                    : path.equals(node.path()));
  }

  /** Whether ZooKeeper's client would do this outside of its chroot. */
  static boolean leavesChroot(NewNode node) {
    return node.mode().isSequential() && node.path().equals("/");
  }

  /** The same of a step of a multi. */
  static boolean leavesChroot(Op step) {
    return step instanceof Op.Create create
        ? leavesChroot(create.node())
        : step instanceof Op.Delete && step.path().equals("/");
  }

  /** Whether the call itself was wrong, whoever said so. */
  static boolean isRefusal(Outcome outcome) {
    return outcome.isRefusal()
        || outcome instanceof Outcome.Failure failure
            && failure.code() == KeeperException.Code.BAD_ARGUMENTS;
  }

  static boolean isNoticeOfRemoval(org.apache.zookeeper.Watcher.Event.EventType type) {
    return switch (type) {
      case DataWatchRemoved, ChildWatchRemoved, PersistentWatchRemoved -> true;
      default -> false;
    };
  }

  static String withoutChroot(String path, String chroot) {
    return path.equals(chroot) ? "/" : path.substring(chroot.length());
  }
}
