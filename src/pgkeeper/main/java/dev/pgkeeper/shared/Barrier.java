package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Stat;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * A gate: while it is closed, all who come to it wait; when it is opened, all go on. It is closed
 * while there is a node at its path.
 *
 * <pre>{@code
 * Barrier gate = keeper.barrier("/maintenance");
 * gate.set(); // somebody closes it
 * boolean isOpen = gate.await(Duration.ofMinutes(5)); // everybody waits, until gate.remove()
 * }</pre>
 *
 * <p>That node belongs to no session: a gate whose closer died stays closed until somebody opens
 * it. Whoever waits and dies leaves nothing behind; whoever waits and loses the session is told by
 * {@link KeeperException.SessionExpired}. Whoever waits also goes on if the gate was open for a
 * moment only.
 *
 * <p>Immutable; any number of objects with the same path are the same gate.
 */
public final class Barrier {
  private final Sessions sessions;
  private final String path;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Barrier(Sessions sessions, String path) {
    this.sessions = Objects.requireNonNull(sessions, "sessions");
    this.path = Objects.requireNonNull(path, "path");
  }

  public String path() {
    return path;
  }

  /** Closes the gate. Returns false if it was closed. */
  public boolean set() {
    try {
      sessions.tree().create(NewNode.at(path).withParents());
      return true;
    } catch (KeeperException.NodeExists e) {
      return false;
    }
  }

  /** Opens the gate. Returns false if it was open. */
  public boolean remove() {
    try {
      sessions.tree().delete(path);
      return true;
    } catch (KeeperException.NoNode e) {
      return false;
    }
  }

  public boolean isClosed() {
    return sessions.tree().exists(path).isPresent();
  }

  /** Waits until the gate is open, as long as it takes. */
  public void await() throws InterruptedException {
    await(Waiting.FOREVER);
  }

  /** Waits at most this long. Returns false if the gate was closed all the time. */
  public boolean await(Duration patience) throws InterruptedException {
    try (Waiting waiting = new Waiting(sessions.present(), patience)) {
      Optional<Stat> found = waiting.exists(path);
      Optional<Stat> now = found;
      while (now.isPresent() && now.get().czxid() == found.get().czxid()) {
        if (!waiting.await()) {
          return false;
        }
        now = waiting.exists(path);
      }
      return true;
    }
  }

  @Override
  public String toString() {
    return "Barrier[" + path + "]";
  }
}
