package dev.pgkeeper.discovery;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.session.Sessions;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A participant, which has a share of what a {@link Partitioner} shares out until this is closed.
 */
public final class Participation implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Participation.class);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

  private final String path;
  private final String id;
  private final byte[] set;
  private final ErrorListeners errors;
  private final SortedMap<String, OwnedElement> elements = new TreeMap<>();
  private final Membership membership;
  private final Subscription group;
  private final Subscription standing;

  /** Held while shares are worked out, so that the last that is known decides. */
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable Session session;
  private List<Member> members = List.of();
  private final Set<String> reported = new HashSet<>();

  Participation(Sessions sessions, Partitioner partitioner, String id, PartitionListener listener) {
    this.path = partitioner.path();
    this.id = id;
    this.errors = new ErrorListeners(toString());
    for (String element : partitioner.elements()) {
      elements.put(
          element, new OwnedElement(element, partitioner.lockOf(element), listener, errors));
    }
    this.set = partitioner.set().getBytes(StandardCharsets.UTF_8);
    this.membership = partitioner.group().join(id, set);
    Subscription watching = null;
    try {
      watching = partitioner.group().onChange(this::share);
      this.standing = sessions.inEach(this::begin);
    } catch (RuntimeException | Error e) {
      if (watching != null) {
        watching.close();
      }
      membership.close();
      throw e;
    }
    this.group = watching;
  }

  /** Its name among the participants. */
  public String id() {
    return id;
  }

  /** What is certainly its own at this moment, after the listener was told of it. */
  public Map<String, Held> owned() {
    Map<String, Held> owned = new TreeMap<>();
    elements.forEach((element, one) -> one.owned().ifPresent(held -> owned.put(element, held)));
    return owned;
  }

  /**
   * Tells of exceptions of the listener, of elements that cannot be owned and why, and of
   * participants that share out another set.
   */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(listener);
  }

  /** The work in each session. */
  private AutoCloseable begin(Session next) {
    lock.lock();
    try {
      session = next;
      shareOut();
    } finally {
      lock.unlock();
    }
    return () -> end(next);
  }

  private void end(Session over) throws InterruptedException {
    lock.lock();
    try {
      if (session != over) {
        return;
      }
      session = null;
      shareOut();
    } finally {
      lock.unlock();
    }
    if (!over.state().isTerminal() && !awaitIdle(CLOSE_PATIENCE)) {
      log.warn("{}: owns some elements until its listener has returned", this);
    }
  }

  private void share(List<Member> now) {
    lock.lock();
    try {
      members = now;
      shareOut();
      reported.retainAll(now.stream().map(Member::id).toList());
      now.forEach(this::compareSet);
    } finally {
      lock.unlock();
    }
  }

  private void shareOut() {
    Session now = session;
    boolean takesPart = now != null && members.stream().anyMatch(member -> isThis(member, now));
    List<String> sharers = members.stream().filter(this::namesThisSet).map(Member::id).toList();
    Map<String, String> owners = takesPart ? Shares.of(elements.keySet(), sharers) : Map.of();
    elements.forEach((element, one) -> one.want(id.equals(owners.get(element)) ? now : null));
  }

  /** Another session may have the same id, and an earlier one of its own have it still. */
  private boolean isThis(Member member, Session now) {
    return member.id().equals(id) && member.session() == now.id();
  }

  private boolean namesThisSet(Member member) {
    return Arrays.equals(member.data(), set);
  }

  private void compareSet(Member member) {
    if (!namesThisSet(member) && reported.add(member.id())) {
      errors.report(
          new KeeperException.WrongRecipe(
              path,
              path
                  + ": "
                  + member.id()
                  + " shares out another set than "
                  + id
                  + ", and has no share of this one; have all name the same"));
    }
  }

  private boolean awaitIdle(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    boolean idle = true;
    for (OwnedElement one : elements.values()) {
      long left = one.isOnThread() ? 0 : Math.max(0, deadline - System.nanoTime());
      idle &= one.awaitIdle(Duration.ofNanos(left));
    }
    return idle;
  }

  /**
   * Leaves: tells the listener of the end of each element, and gives each back when that has
   * returned. Waits for this, but not for more than 10 seconds.
   */
  @Override
  public void close() {
    try {
      membership.close(); // so that the others are in the line before it gives back
    } finally {
      group.close();
      standing.close();
    }
  }

  @Override
  public String toString() {
    return "Participation[" + path + ", " + id + "]";
  }
}
