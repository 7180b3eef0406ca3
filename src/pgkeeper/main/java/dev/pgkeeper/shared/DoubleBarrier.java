package dev.pgkeeper.shared;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Attendance;
import dev.pgkeeper.line.Meeting;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A fixed number of participants begin together and end together, again and again: {@link #enter}
 * returns when as many have come as are needed, {@link #leave} when all of these have left. One
 * object is one participant.
 *
 * <pre>{@code
 * DoubleBarrier barrier = keeper.doubleBarrier("/match", 2);
 * barrier.enter();
 * play();
 * barrier.leave();
 * }</pre>
 *
 * <p>Each participant is an ephemeral child of the node, and the database decides under the node's
 * row: whoever comes last begins the round for all that have come, in the same transaction, and
 * whoever leaves last ends it. So a round begins and ends once, at one moment, and everybody sees
 * the same participants in it. Whoever wakes up for another reason goes on waiting. All that wait
 * are told what was decided, and need not look.
 *
 * <p>A participant that dies while it waits to enter no longer counts, and its place is free for
 * somebody else. One that dies between entering and leaving has left as soon as its session ends.
 * Whoever comes while all places are taken is refused with {@link KeeperException.Busy}. All have
 * to name the same number of participants; it stays settled until the node is deleted.
 */
public final class DoubleBarrier {
  private static final Logger log = LoggerFactory.getLogger(DoubleBarrier.class);

  private final Meeting meeting;
  private @Nullable Attendance inside;

  /**
   * A barrier of 1 to 10,000 participants.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public DoubleBarrier(Sessions sessions, String path, int participants) {
    this.meeting = sessions.meeting(path, participants);
  }

  public String path() {
    return meeting.path();
  }

  public int participants() {
    return meeting.size();
  }

  /** Waits for the others, as long as it takes. */
  public void enter() throws InterruptedException {
    enter(Waiting.FOREVER);
  }

  /**
   * Waits for the others at most this long. Returns false if they did not come; this participant
   * has then withdrawn.
   *
   * @throws KeeperException.Busy if all places are taken
   */
  public boolean enter(Duration patience) throws InterruptedException {
    if (inside != null) {
      throw new IllegalStateException(
          path()
              + ": this participant has entered and not left; others need an object of their own");
    }
    long began = System.nanoTime();
    Attendance mine = meeting.come();
    boolean decided = false;
    try {
      if (mine.awaitBeginning(patience.minusNanos(System.nanoTime() - began)) || !mine.withdraw()) {
        inside = mine;
      }
      decided = true;
    } finally {
      if (!decided) {
        giveUp(mine);
      }
    }
    return inside != null;
  }

  /**
   * Called after a failure: somebody who would not be told otherwise may count on this participant.
   */
  private boolean giveUp(Attendance mine) {
    try {
      mine.leaveAlone();
      return true;
    } catch (KeeperException | IllegalStateException e) {
      log.info("{}: {} goes with the session: {}", path(), mine, e.getMessage());
      return false;
    }
  }

  /** Leaves, and waits until all have left, as long as it takes. */
  public void leave() throws InterruptedException {
    leave(Waiting.FOREVER);
  }

  /**
   * Leaves, and waits at most this long until all have left. Returns false if this participant has
   * left and others have not. After a failure or an interrupt it has left too, unless the database
   * could not be reached: then leave again.
   */
  public boolean leave(Duration patience) throws InterruptedException {
    Attendance mine = inside;
    if (mine == null) {
      throw new IllegalStateException(path() + ": this participant has not entered");
    }
    boolean left = false;
    try {
      boolean over = mine.leave(patience);
      left = true;
      return over;
    } finally {
      if (left || giveUp(mine)) {
        inside = null;
      }
    }
  }

  @Override
  public String toString() {
    return "DoubleBarrier[" + path() + ", " + participants() + " participants]";
  }
}
