package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.queue.Claimed.State;
import dev.pgkeeper.internal.queue.QueueChannel.Trip;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.Message;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A claimed message as its consumer sees it. */
final class LocalDelivery<T> implements Delivery<T> {
  private final QueueChannel queue;
  private final QueueParts parts;
  private final QueueSession session;
  private final Claimed claimed;
  private final Message<T> message;

  LocalDelivery(QueueChannel queue, Claimed claimed, Message<T> message) {
    this.queue = queue;
    this.parts = queue.parts();
    this.session = queue.session();
    this.claimed = claimed;
    this.message = message;
  }

  boolean hasEnded() {
    return session.isOver();
  }

  Claimed claimed() {
    return claimed;
  }

  boolean isOf(QueueSession other) {
    return session == other;
  }

  @Override
  public Message<T> message() {
    return message;
  }

  /**
   * A trip that takes nothing: acks of several threads then go together, and with what is taken.
   */
  @Override
  public void ack() {
    leave(() -> queue.go(new Trip(0, null, false, List.of(claimed), false)).refused());
  }

  /**
   * Has it leave in this way, which answers with what was lost before. That its session ended is
   * the same to who has a message of it.
   */
  private void leave(Supplier<List<Claimed>> way) {
    queue.beginToLeave(List.of(claimed));
    List<Claimed> lost;
    try {
      lost = way.get();
    } catch (KeeperException.SessionExpired e) {
      claimed.become(State.LOST);
      throw Claims.notHeld(queue.name, claimed, e);
    }
    if (!lost.isEmpty()) {
      throw Claims.notHeld(queue.name, claimed, null);
    }
  }

  @Override
  public void ack(Connection connection) {
    Objects.requireNonNull(connection, "connection");
    queue.beginToLeave(List.of(claimed));
    boolean asked = false;
    try {
      if (claimed.claim().isShared()) {
        split();
      }
      long claim = claimed.claim().number;
      Database.on(connection, session.calls().ack(session.id(), claim, claimed.id()));
      asked = true;
    } finally {
      if (asked) {
        claimed.become(State.IN_DOUBT);
        parts.doubts().add(claimed);
      } else if (claimed.state() == State.LEAVING) {
        claimed.become(State.HELD);
      }
    }
  }

  /** Out of the claim that it shares with others, so that these can be acked meanwhile. */
  private void split() {
    Claims claims = parts.claims();
    Claims.Departure departure = claims.departOneByOne(List.of(claimed));
    long number = claims.begin(1);
    boolean known = false;
    try {
      boolean there =
          session
              .database()
              .read(
                  session
                      .calls()
                      .claimSplit(session.id(), claimed.claim().number, claimed.id(), number));
      known = true;
      if (!there) {
        departure.done(State.LOST, Set.of());
        throw Claims.notHeld(queue.name, claimed, null);
      }
      claims.split(claimed, number);
    } finally {
      if (!known) {
        departure.failed();
      }
      claims.end(number);
    }
  }

  @Override
  public void nack() {
    giveBack(Return.retry(claimed, null, null));
  }

  @Override
  public void nack(Duration delay) {
    giveBack(Return.retry(claimed, checkDelay(delay), null));
  }

  @Override
  public void nack(String error) {
    giveBack(Return.retry(claimed, null, Objects.requireNonNull(error, "error")));
  }

  @Override
  public void nack(Throwable error) {
    giveBack(Return.retry(claimed, null, Return.text(error)));
  }

  @Override
  public void nack(Throwable error, Duration delay) {
    giveBack(Return.retry(claimed, checkDelay(delay), Return.text(error)));
  }

  private static Duration checkDelay(Duration delay) {
    if (delay.isNegative() || delay.compareTo(Duration.ofDays(36_500)) > 0) {
      throw new IllegalArgumentException("delay is " + delay + "; use 0 to 36,500 days");
    }
    return delay;
  }

  @Override
  public void bury(String reason) {
    giveBack(Return.dead(claimed, Objects.requireNonNull(reason, "reason")));
  }

  @Override
  public void release() {
    giveBack(Return.release(claimed));
  }

  private void giveBack(Return one) {
    leave(() -> parts.returns().giveBack(List.of(one)));
  }

  @Override
  public void extend(Duration lease) {
    Claim claim = claimed.claim();
    if (lease.toMillis() < 1) {
      throw new IllegalArgumentException("lease is " + lease + "; use 1 millisecond or more");
    } else if (claim.leaseLeft() == null) {
      throw new IllegalStateException(
          "message "
              + claimed.id()
              + " was taken without a lease: it is this session's as long as that lives");
    } else if (claimed.state() != State.HELD) {
      throw Claims.cannotLeave(queue.name, claimed);
    } else if (!queue.extend(claim, lease)) {
      claimed.become(State.LOST);
      throw Claims.notHeld(queue.name, claimed, null);
    }
  }

  @Override
  public boolean isHeld() {
    @Nullable Duration lease = claimed.claim().leaseLeft();
    return claimed.state() == State.HELD && session.isHeld() && (lease == null || !lease.isZero());
  }

  @Override
  public String toString() {
    return "Delivery[" + queue.name + ", " + message + ", " + claimed.state() + "]";
  }
}
