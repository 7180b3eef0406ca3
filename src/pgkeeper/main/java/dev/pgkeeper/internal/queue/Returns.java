package dev.pgkeeper.internal.queue;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.queue.Claimed.State;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives back what a session has claimed: put back into the queue, or under the dead letters. */
final class Returns {
  private static final Logger log = LoggerFactory.getLogger(Returns.class);

  private final QueueSession session;
  private final Claims claims;

  /** What could not be given back, because the database was away. */
  private final Queue<Return> left = new ConcurrentLinkedQueue<>();

  Returns(QueueSession session, Claims claims) {
    this.session = session;
    this.claims = claims;
  }

  /**
   * Gives back what has begun to leave; answers with those that were lost before. If that fails,
   * they are held as before.
   */
  List<Claimed> giveBack(List<Return> returns) {
    Claims.Departure departure =
        claims.departOneByOne(returns.stream().map(Return::claimed).toList());
    boolean done = false;
    try {
      Set<Long> refused = new HashSet<>();
      request(returns).stream()
          .filter(outcome -> outcome.code() == KeeperException.Code.REFUSED)
          .forEach(outcome -> refused.add(outcome.number()));
      done = true;
      List<Claimed> lost = departure.done(State.GIVEN_BACK, refused);
      returns.stream().filter(one -> !lost.contains(one.claimed())).forEach(Return::count);
      return lost;
    } finally {
      if (!done) {
        departure.failed();
      }
    }
  }

  private List<Outcome> request(List<Return> returns) {
    return session
        .observation()
        .measure(
            Operation.RETURN,
            () ->
                session
                    .database()
                    .request(
                        session.calls().requestReturnSql(),
                        (statement, first) -> QueueCalls.bind(statement, first, returns),
                        (connection, schema, outcomes) -> {}));
  }

  /** Gives back what nobody else will give back: now, or when the database is back. */
  List<Claimed> giveBackForSure(List<Return> returns) {
    List<Return> mine = returns.stream().filter(one -> one.claimed().beginToLeave()).toList();
    if (mine.isEmpty()) {
      return List.of();
    }
    try {
      return giveBack(mine);
    } catch (KeeperException e) {
      if (!session.isOver()) {
        log.info(
            "session {}: {} messages will be given back later: {}",
            session.id(),
            mine.size(),
            e.getMessage());
        left.addAll(mine);
      }
      return List.of();
    }
  }

  /** Gives back what could not be given back before. */
  void giveBackLeft() {
    List<Return> again = new ArrayList<>();
    for (Return one = left.poll(); one != null; one = left.poll()) {
      again.add(one);
    }
    giveBackForSure(again);
  }
}
