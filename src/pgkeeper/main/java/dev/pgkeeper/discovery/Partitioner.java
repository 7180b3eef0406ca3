package dev.pgkeeper.discovery;

import dev.pgkeeper.Held;
import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.lock.Mutex;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Shares out a set of names, such as shards or partitions, among those who join: each gets as many
 * as any other, or one more, and as little as possible moves when somebody comes or goes.
 *
 * <pre>{@code
 * Partitioner shards = keeper.partitioner("/shards", List.of("a", "b", "c"));
 * try (Participation mine = shards.join(listener)) {
 *   serve();
 * }
 * }</pre>
 *
 * <p>Participants are a {@link Group} at {@code <path>/members}; each works out by itself, from the
 * list of them, what it is to own. That may differ for a moment, and so it decides nothing: each
 * element is a {@linkplain Mutex lock} {@code <path>/elements/<element>}, which its owner holds. An
 * owner that learns that it is another one's turn ends its work and then gives the lock back, to
 * that other one, who waits for it. If an owner's process dies or its session ends, its elements
 * are taken over at once after that. Whatever it does in {@link Held#inTransaction} or after {@link
 * Held#fence} commits only while it owns the element: two can never both write.
 *
 * <p>All participants should name the same set. Where some name another one, for example while a
 * new version with more shards is started, those that name the same share that set among
 * themselves: an element of both sets stays with its owner until that owner gives it back or goes.
 * Then whoever waits for it gets it, so none is ever without an owner or has two. Each is told, as
 * a {@link dev.pgkeeper.KeeperException.WrongRecipe}, by {@link Participation#onError}. Immutable;
 * any number of objects with the same path and set are the same partitioner.
 */
public final class Partitioner {
  private static final int MOST = 4_096;

  private final Sessions sessions;
  private final String path;
  private final SortedSet<String> elements;

  /**
   * Of 1 to 4,096 elements.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Partitioner(Sessions sessions, String path, Collection<String> elements) {
    this.sessions = sessions;
    this.path = path;
    this.elements = Collections.unmodifiableSortedSet(new TreeSet<>(elements));
    if (elements.isEmpty() || elements.size() > MOST) {
      throw new IllegalArgumentException(
          path + ": " + elements.size() + " elements are shared out; use 1 to " + MOST);
    } else if (this.elements.size() < elements.size()) {
      throw new IllegalArgumentException(path + ": an element is named twice; name each once");
    }
    for (String element : elements) {
      if (element.isEmpty() || element.indexOf('/') >= 0) {
        throw new IllegalArgumentException(
            path
                + ": an element is called \""
                + element
                + "\"; use names of at least one character without /");
      }
    }
  }

  public String path() {
    return path;
  }

  /** What is shared out, sorted. */
  public SortedSet<String> elements() {
    return elements;
  }

  /** Who takes part at this moment, in the order of their ids; asks the database. */
  public List<Member> members() {
    return group().members();
  }

  /** Takes part, under an id that nobody else has, until what comes back is closed. */
  public Participation join(PartitionListener listener) {
    return join(UUID.randomUUID().toString(), listener);
  }

  /**
   * Joins under this id: a process that comes back under its old id gets what it had. While
   * somebody else has the id, this one has no share.
   */
  public Participation join(String id, PartitionListener listener) {
    return new Participation(sessions, this, id, listener);
  }

  Group group() {
    return new Group(sessions, ChildPaths.of(path, "members"));
  }

  String lockOf(String element) {
    return ChildPaths.of(path, "elements") + "/" + element;
  }

  /** What participants tell each other of the set. */
  String set() {
    long hash = elements.stream().mapToLong(Rendezvous::hash).sum();
    return "elements=" + elements.size() + "\nset=" + Long.toHexString(hash) + "\n";
  }

  @Override
  public String toString() {
    return "Partitioner[" + path + ", " + elements.size() + " elements]";
  }
}
