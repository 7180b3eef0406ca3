package dev.pgkeeper.cache;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.Session;
import dev.pgkeeper.internal.recipe.Watching;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node at a path that its owner created, known by the number of its creation, so that nobody
 * else's is ever set or deleted. A persistent one that is there already is taken over. Its owner
 * sees to it that it is used by one thread at a time.
 */
final class OwnNode {
  private static final Logger log = LoggerFactory.getLogger(OwnNode.class);

  private final String path;
  private final CreateMode mode;

  /** The number of its creation; 0 if there is none. */
  private long own;

  /** The session in which it may have been created without a word of it; 0 if there is none. */
  private long uncertain;

  private volatile @Nullable Stat seen;

  OwnNode(String path, CreateMode mode) {
    this.path = path;
    this.mode = mode;
  }

  /** As it was when it was last looked at; empty if it was not there. */
  Optional<Stat> seen() {
    return Optional.ofNullable(seen);
  }

  /** It may have gone. */
  void forget() {
    seen = null;
  }

  /** Creates the node. Returns false if somebody else created it first. */
  boolean create(Session in, byte[] data) {
    try {
      NewNode node = NewNode.at(path).data(data).mode(mode);
      own = createBelowParents(in.tree(), node).stat().czxid();
      return true;
    } catch (KeeperException.NodeExists e) {
      log.debug("{}: another owner created it first", path, e);
      return false;
    } catch (KeeperException.OutcomeUnknown e) {
      uncertain = in.id();
      throw e;
    }
  }

  /** Asks for parents only if they are missing: whoever follows one is rung if it is asked for. */
  private static Created createBelowParents(Tree tree, NewNode node) {
    try {
      return tree.create(node);
    } catch (KeeperException.NoNode e) {
      return tree.create(node.withParents());
    }
  }

  /**
   * Creates the node unless it is there, and then looks at it: what happens to a node is heard of
   * only after a look. Returns false if the node is somebody else's.
   *
   * @param data what it is created with, and, if it is {@code unwritten}, set to otherwise
   */
  boolean ensureThere(Watching watching, byte[] data, boolean unwritten) {
    Session in = watching.session();
    boolean toWrite = unwritten;
    Stat found = null;
    while (found == null) {
      found = watching.look().orElse(null);
      if (found == null) {
        seen = null;
        toWrite &= !create(in, data);
      } else if (!isOwn(found, in)) {
        seen = null;
        return false;
      } else if (toWrite) {
        found = ifUnchanged(in.tree(), found, Op.set(path, data)).orElse(null);
      }
    }
    own = found.czxid();
    uncertain = 0;
    seen = found;
    return true;
  }

  private boolean isOwn(Stat found, Session in) {
    return mode == CreateMode.PERSISTENT
        ? found.ephemeralOwner() == 0
        : found.ephemeralOwner() == in.id() && wasCreatedHere(found, in);
  }

  private boolean wasCreatedHere(Stat found, Session in) {
    return found.czxid() == own || uncertain == in.id();
  }

  /** Deletes it; one that somebody else created there meanwhile stays, also a persistent one. */
  void delete(Session in) {
    Optional<Stat> found = seen().or(() -> in.tree().exists(path));
    forget();
    while (found.isPresent()
        && wasCreatedHere(found.get(), in)
        && ifUnchanged(in.tree(), found.get(), Op.delete(path)).isEmpty()) {
      found = in.tree().exists(path);
    }
  }

  /** Changes the node that was found. Empty: it was changed or deleted meanwhile. */
  private Optional<Stat> ifUnchanged(Tree tree, Stat found, Op change) {
    try {
      List<OpResult> done = tree.multi(Op.checkChange(path, found.mzxid()), change);
      return Optional.of(Objects.requireNonNullElse(done.get(1).stat(), found));
    } catch (KeeperException.MultiFailed e) {
      if (e.code() == Code.BAD_VERSION || e.code() == Code.NO_NODE) {
        return Optional.empty();
      }
      throw KeeperException.of(e.code(), path);
    }
  }
}
