package dev.pgkeeper.differential;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The watchers of one session, and what they were told. */
final class Listeners {

  static final int COUNT = 3;

  private final List<Watcher> watchers =
      IntStream.range(0, COUNT).<Watcher>mapToObj(number -> event -> hear(number, event)).toList();
  private final List<Heard> heard = new ArrayList<>();
  private final List<HeardOfSession> heardOfSession = new ArrayList<>();

  /** Something that a watcher was told of its session. */
  record HeardOfSession(int watcher, SessionState state) {}

  Watcher watcher(int number) {
    return watchers.get(number);
  }

  private synchronized void hear(int watcher, WatchedEvent event) {
    if (event.type() == EventType.NONE) {
      heardOfSession.add(new HeardOfSession(watcher, event.state()));
    } else {
      heard.add(new Heard(watcher, event.type(), event.path()));
    }
  }

  /** What was heard of nodes, in order; forgets it. */
  synchronized List<Heard> takeHeard() {
    List<Heard> taken = List.copyOf(heard);
    heard.clear();
    return taken;
  }

  /** Which watchers heard that their session came to this state, each as often as it did. */
  synchronized List<Integer> heardOf(SessionState state) {
    return heardOfSession.stream()
        .filter(heard -> heard.state == state)
        .map(HeardOfSession::watcher)
        .sorted()
        .toList();
  }
}
