package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.queue.Claimed.State;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The claims of this session. Numbers are given out here, so that a call whose reply was lost can
 * be asked again with the same one. What the database has and nobody here knows, because its call
 * was given up, a sweep gives back; it is told which numbers are known, and from which one on they
 * may belong to calls under way.
 */
final class Claims {
  /**
   * Guards the numbers. Without it a sweep could read the horizon between a number and its note
   * that it is under way, and have the database forget a claim whose reply is about to come.
   */
  private final ReentrantLock lock = new ReentrantLock();

  /** The first numbers of calls under way. */
  private final Set<Long> underWay = new TreeSet<>();

  private long next = 1;

  /** What the database has and this client knows of. */
  private final Map<Long, Claim> known = new ConcurrentHashMap<>();

  /** Claims without messages, which prove that a call was done whose answer has arrived since. */
  private final Queue<Long> proofs = new ConcurrentLinkedQueue<>();

  /** The first of so many new numbers, under way until {@link #end}. */
  long begin(int numbers) {
    lock.lock();
    try {
      long first = next;
      next += numbers;
      underWay.add(first);
      return first;
    } finally {
      lock.unlock();
    }
  }

  void know(Claim claim) {
    known.put(claim.number, claim);
  }

  /** The call that took these numbers is over; what came of it is known. */
  void end(long first) {
    lock.lock();
    try {
      underWay.remove(first);
    } finally {
      lock.unlock();
    }
  }

  boolean isEmpty() {
    lock.lock();
    try {
      return next == 1;
    } finally {
      lock.unlock();
    }
  }

  /** Whatever has a number from here on may be unknown only because it is under way. */
  long horizon() {
    lock.lock();
    try {
      return underWay.isEmpty() ? next : underWay.iterator().next();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Those that are known, but for those whose lease is long over: they are of no use to anybody.
   */
  List<Long> numbers() {
    known.values().removeIf(Claim::isLongOver);
    return List.copyOf(known.keySet());
  }

  void proved(long number) {
    proofs.add(number);
  }

  List<Long> takeProofs() {
    List<Long> taken = new ArrayList<>();
    for (Long proof = proofs.poll(); proof != null; proof = proofs.poll()) {
      taken.add(proof);
    }
    return taken;
  }

  /** Messages on their way out of their claims. */
  final class Departure {
    private final Map<Claim, List<Claimed>> leaving = new LinkedHashMap<>();

    /** Numbers of claims that go as a whole. */
    final List<Long> whole = new ArrayList<>();

    /** Single messages, and the claims they are in. */
    final List<Long> claims = new ArrayList<>();

    final List<Long> ids = new ArrayList<>();

    private Departure(Collection<Claimed> messages, boolean mayBeWhole) {
      for (Claimed one : messages) {
        leaving.computeIfAbsent(one.claim(), claim -> new ArrayList<>(1)).add(one);
      }
      leaving.forEach(
          (claim, some) -> {
            if (claim.leave(some.size()) && mayBeWhole) {
              whole.add(claim.number);
            } else {
              some.forEach(
                  one -> {
                    claims.add(claim.number);
                    ids.add(one.id());
                  });
            }
          });
    }

    /** It is done, but for what was refused: that was lost before. Answers with the latter. */
    List<Claimed> done(State then, Set<Long> refused) {
      List<Claimed> lost = new ArrayList<>();
      leaving.forEach(
          (claim, some) -> {
            for (Claimed one : some) {
              boolean gone = refused.contains(claim.number) || refused.contains(one.id());
              one.become(gone ? State.LOST : then);
              if (gone) {
                lost.add(one);
              }
            }
            if (claim.left(some.size())) {
              known.remove(claim.number);
            }
          });
      return lost;
    }

    /** It was not done, or nobody knows: it may be tried again. */
    void failed() {
      leaving.forEach(
          (claim, some) -> {
            claim.stay(some.size());
            some.forEach(one -> one.become(State.HELD));
          });
    }
  }

  /** Each of them has begun to leave. */
  Departure depart(Collection<Claimed> messages) {
    return new Departure(messages, true);
  }

  Departure departOneByOne(Collection<Claimed> messages) {
    return new Departure(messages, false);
  }

  /** The message is in a claim of its own now. */
  void split(Claimed message, long newNumber) {
    Claim before = message.claim();
    Claim after = before.split(newNumber);
    know(after);
    message.moveTo(after);
    if (before.left(1)) {
      known.remove(before.number);
    }
  }

  /** The transaction that acked it has committed. */
  void committed(Claimed message) {
    Claim claim = message.claim();
    claim.leave(1);
    message.become(State.ACKED);
    if (claim.left(1)) {
      known.remove(claim.number);
    }
  }

  /**
   * Begins to take messages out. If one of them cannot go, none does.
   *
   * @throws IllegalStateException if it went before
   * @throws KeeperException.NotHeld if it was lost
   */
  static void ensureLeaves(String queue, List<Claimed> messages) {
    for (int i = 0; i < messages.size(); i++) {
      if (!messages.get(i).beginToLeave()) {
        messages.subList(0, i).forEach(one -> one.become(State.HELD));
        throw cannotLeave(queue, messages.get(i));
      }
    }
  }

  static RuntimeException cannotLeave(String queue, Claimed message) {
    return switch (message.state()) {
      case LOST -> notHeld(queue, message, null);
      case GIVEN_BACK ->
          new IllegalStateException(name(queue, message) + " was given back before; ack it once");
      case LEAVING ->
          new IllegalStateException(
              name(queue, message) + " is just being acked or given back by another thread");
      default -> new IllegalStateException(name(queue, message) + " was acked before");
    };
  }

  static KeeperException.NotHeld notHeld(String queue, Claimed message, @Nullable Throwable cause) {
    return new KeeperException.NotHeld(
        queue,
        message.id(),
        name(queue, message)
            + " is no longer this session's: its session or its lease ended, and somebody else may have it",
        cause);
  }

  private static String name(String queue, Claimed message) {
    return "message " + message.id() + " of the queue " + queue;
  }
}
