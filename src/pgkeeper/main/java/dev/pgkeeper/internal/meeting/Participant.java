package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.internal.meeting.MeetingCalls.Found;
import dev.pgkeeper.line.Attendance;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A child of a meeting that this client made, until its round is over for it. */
final class Participant implements Attendance {
  /** Nobody waits longer: a hundred years. */
  private static final Duration FOREVER = Duration.ofDays(36_500);

  /** What is known of its round; it only goes on. */
  enum Round {
    GATHERS,
    BEGUN,
    OVER
  }

  private final Meetings meetings;
  private final SharedMeeting meeting;
  final long key;
  private final AtomicReference<Round> round = new AtomicReference<>(Round.GATHERS);

  /** 0 before the reply to its coming. */
  private volatile long number;

  private volatile boolean leaves;

  /**
   * The number of the child for which something was done that is not there any more, so that it has
   * to be done once more. It says nothing of the child that comes next.
   */
  private volatile long doubtful;

  private volatile @Nullable Thread waiter;

  Participant(Meetings meetings, SharedMeeting meeting, long key) {
    this.meetings = meetings;
    this.meeting = meeting;
    this.key = key;
  }

  /**
   * What is rung when its round has come to this. Anybody can listen, so what is rung first must
   * not tell what is rung next: it is made of the key, and does not give it away.
   */
  String ringOf(Round said) {
    byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(key).array();
    return "meeting " + HexFormat.of().formatHex(said == Round.OVER ? bytes : sha256(bytes));
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  String meeting() {
    return meeting.at();
  }

  long number() {
    return number;
  }

  /** It is there now, perhaps once more. */
  void came(long newNumber, boolean begun) {
    number = newNumber;
    if (begun) {
      reach(Round.BEGUN);
    }
  }

  /** Somebody says how far its round is. */
  void reach(Round now) {
    round.accumulateAndGet(now, (known, said) -> known.compareTo(said) < 0 ? said : known);
    wake();
  }

  /** What a sweep found, of the child with this number. */
  void saw(Found found, long of) {
    if (of != number) {
      return; // it has come once more meanwhile
    } else if (leaves) {
      if (found.present() && !found.left()) {
        doubtful = of;
      }
      if (found.over()) {
        reach(Round.OVER);
      }
    } else if (found.begun()) {
      reach(Round.BEGUN);
    } else if (round.get() == Round.GATHERS && !found.present()) {
      doubtful = of;
    }
    wake();
  }

  /** Whoever waits looks at the session and at what is doubtful. */
  void wake() {
    LockSupport.unpark(waiter);
  }

  @Override
  public boolean awaitBeginning(Duration patience) throws InterruptedException {
    return await(Round.BEGUN, deadline(patience));
  }

  @Override
  public boolean withdraw() {
    if (isAt(Round.BEGUN) || !meetings.quit(this)) {
      reach(Round.BEGUN);
      return false;
    }
    return true;
  }

  @Override
  public boolean leave(Duration patience) throws InterruptedException {
    long deadline = deadline(patience);
    leaves = true;
    leaveNow(true);
    return await(Round.OVER, deadline) || leaveAlone();
  }

  @Override
  public boolean leaveAlone() {
    leaves = true;
    leaveNow(false);
    meetings.forget(this);
    return isAt(Round.OVER);
  }

  private void leaveNow(boolean waits) {
    if (!isAt(Round.OVER) && meetings.leave(this, waits)) {
      reach(Round.OVER);
    }
  }

  @SuppressWarnings("NullAway") // a reference that never holds null
  private boolean isAt(Round wanted) {
    return round.get().compareTo(wanted) >= 0;
  }

  private static long deadline(Duration patience) {
    Duration longest = patience.compareTo(FOREVER) < 0 ? patience : FOREVER;
    return System.nanoTime() + longest.toNanos();
  }

  private boolean await(Round wanted, long deadline) throws InterruptedException {
    waiter = Thread.currentThread();
    try {
      while (!isAt(wanted)) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        meetings.ensureUsable();
        if (doubtful == number) {
          doubtful = 0;
          doAgain();
        } else {
          long left = deadline - System.nanoTime();
          if (left <= 0) {
            return false;
          }
          LockSupport.parkNanos(this, left);
        }
      }
      if (wanted == Round.OVER) {
        meetings.forget(this);
      }
      return true;
    } finally {
      waiter = null;
    }
  }

  private void doAgain() {
    if (leaves) {
      leaveNow(true);
    } else {
      meetings.come(this);
    }
  }

  SharedMeeting where() {
    return meeting;
  }

  @Override
  public String toString() {
    return "Attendance[" + meeting.path() + ", " + number + ", " + round + "]";
  }
}
