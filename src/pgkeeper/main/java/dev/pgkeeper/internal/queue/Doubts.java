package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.queue.Claimed.State;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What was acked in transactions of which nobody here knows whether they committed. */
final class Doubts {
  private final QueueSession session;
  private final Claims claims;
  private final Set<Claimed> all = ConcurrentHashMap.newKeySet();

  Doubts(QueueSession session, Claims claims) {
    this.session = session;
    this.claims = claims;
  }

  void add(Claimed message) {
    all.add(message);
  }

  /** Finds out which committed: what is no longer claimed was acked. */
  void settle() {
    List<Claimed> doubtful = all.stream().filter(one -> one.state() == State.IN_DOUBT).toList();
    all.retainAll(doubtful);
    if (doubtful.isEmpty()) {
      return;
    }
    Set<Long> there =
        session
            .database()
            .read(
                session
                    .calls()
                    .claimsThere(
                        session.id(), doubtful.stream().map(one -> one.claim().number).toList()));
    for (Claimed one : doubtful) {
      if (!there.contains(one.claim().number) && one.beginToLeave()) {
        all.remove(one);
        claims.committed(one);
        one.queue().counter.acked(1);
      }
    }
  }
}
