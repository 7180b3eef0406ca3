package dev.pgkeeper.discovery;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Who is there of a group, with what each wants the others to know. A member is an ephemeral node
 * {@code <path>/<id>} with that as its data. After a lost session, or if somebody deleted it, it
 * joins again by itself; if its process dies, it goes with the session, after the grace.
 *
 * <pre>{@code
 * Group group = keeper.group("/workers");
 * try (Membership mine = group.join("ada", data);
 *     Subscription changes = group.onChange(members -> greet(members))) {
 *   serve();
 * }
 * }</pre>
 *
 * <p>Immutable; any number of objects with the same path are the same group.
 */
public final class Group {
  private final Sessions sessions;
  private final String path;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Group(Sessions sessions, String path) {
    this.sessions = sessions;
    this.path = Objects.requireNonNull(path, "path");
  }

  public String path() {
    return path;
  }

  /** Joins under an id that nobody else has. */
  public Membership join(byte[] data) {
    return join(UUID.randomUUID().toString(), data);
  }

  /**
   * Joins under this id. While somebody else has it, for example the session that this process left
   * behind when it was started again, this one waits and joins when that has gone.
   */
  public Membership join(String id, byte[] data) {
    if (id.isEmpty() || id.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          path
              + ": the id of a member is \""
              + id
              + "\"; use a name of at least one character without /");
    }
    return new Membership(sessions, ChildPaths.of(path, id), id, data);
  }

  /** Who is there at this moment, in the order of their ids; asks the database. */
  public List<Member> members() {
    return members(Children.read(sessions, path));
  }

  /**
   * Tells who is there: now, and then whenever that or somebody's data has changed, in this session
   * and those that take its place, until it is closed. Several changes may be told at once; the
   * last one always is.
   */
  public Subscription onChange(Consumer<List<Member>> listener) {
    Objects.requireNonNull(listener, "listener");
    ErrorListeners errors = new ErrorListeners("a listener of " + path);
    Audience<List<Member>> audience = new Audience<>("pgkeeper-group " + path, errors, List.of());
    Children children = new Children(sessions, path, nodes -> audience.tell(members(nodes)));
    Subscription listening = audience.add(listener);
    return () -> {
      listening.close();
      children.close();
    };
  }

  private static List<Member> members(Map<String, Node> nodes) {
    return nodes.entrySet().stream()
        .filter(entry -> entry.getValue().stat().ephemeralOwner() != 0)
        .map(
            entry ->
                new Member(
                    entry.getKey(),
                    entry.getValue().data(),
                    entry.getValue().stat().ephemeralOwner(),
                    entry.getValue().stat().ctime()))
        .toList();
  }

  @Override
  public String toString() {
    return "Group[" + path + "]";
  }
}
