package dev.pgkeeper.internal.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.session.EventThread;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A ring overtook the reply to a registration: its look knew of the change before the watch was
 * left, and a persistent watcher never heard of it.
 */
class WatchesTest {
  private static final String PATH = "/overtaken";

  private final EventThread events = new EventThread("events", new Observation());
  private final Watches watches = new Watches(events, () -> SessionState.HELD);
  private final List<WatchedEvent> heard = new CopyOnWriteArrayList<>();
  private final Watcher watcher = heard::add;

  @AfterEach
  void close() {
    events.finish();
  }

  private static Seen node(long czxid, long mzxid) {
    return new Seen(czxid, mzxid, czxid);
  }

  /** The registration saw this, and the ring's look saw that before the watch was left. */
  private void leaveAfter(Seen registered, Seen rung) {
    watches.expect(PATH, Watches.PERSISTENT);
    long look = watches.beginLook();
    watches.saw(PATH, rung, watches.beginLook());
    watches.addPersistent(PATH, new Subscriber(watcher, ""), registered, look);
  }

  private List<EventType> told() throws InterruptedException {
    events.drain(Await.LIMIT);
    return heard.stream().map(WatchedEvent::type).toList();
  }

  @Test
  void aPersistentWatchIsToldOfAChangeThatWasSeenBeforeItWasLeft() throws Exception {
    leaveAfter(node(1, 1), node(1, 2));
    assertThat(told()).containsExactly(EventType.NODE_DATA_CHANGED);
  }

  @Test
  void aPersistentWatchIsToldOfACreationThatWasSeenBeforeItWasLeft() throws Exception {
    leaveAfter(Seen.ABSENT, node(1, 1));
    // A look that found nothing has no number: the next look tells which was first.
    assertThat(told()).isEmpty();
    assertThat(watches.takeLookAgain()).containsExactly(PATH);
    watches.saw(PATH, node(1, 1), watches.beginLook());
    assertThat(told()).containsExactly(EventType.NODE_CREATED);
    watches.saw(PATH, node(1, 2), watches.beginLook());
    assertThat(told()).containsExactly(EventType.NODE_CREATED, EventType.NODE_DATA_CHANGED);
  }

  @Test
  void aPersistentWatchIsNotToldOfWhatWasBeforeItsLook() throws Exception {
    leaveAfter(Seen.ABSENT, node(1, 1));
    assertThat(watches.takeLookAgain()).containsExactly(PATH);
    watches.saw(PATH, Seen.ABSENT, watches.beginLook());
    assertThat(told()).isEmpty();
  }

  @Test
  void whoWatchesAlreadyIsToldOnce() throws Exception {
    leaveAfter(node(1, 1), node(1, 1));
    leaveAfter(node(1, 1), node(1, 2));
    assertThat(told()).containsExactly(EventType.NODE_DATA_CHANGED);
  }

  @Test
  void onlyAnyKindTakesBackAPersistentWatchThatIsStillToBeTold() throws Exception {
    leaveAfter(Seen.ABSENT, node(1, 1));
    Subscriber subscriber = new Subscriber(watcher, "");
    assertThat(watches.takeBack(PATH, WatchKind.DATA, subscriber)).isFalse();
    assertThat(watches.takeBack(PATH, WatchKind.ANY, subscriber)).isTrue();
    watches.saw(PATH, node(1, 1), watches.beginLook());
    assertThat(told()).isEmpty();
  }

  /** A promoted standby does not know that the node was deleted and created again. */
  @Test
  void aDatabaseThatLostItsEndIsFollowedBack() throws Exception {
    watches.expect(PATH, Watches.PERSISTENT);
    watches.addPersistent(PATH, new Subscriber(watcher, ""), node(5, 6), watches.beginLook());
    watches.saw(PATH, node(1, 2), watches.beginLook());
    assertThat(told()).containsExactly(EventType.NODE_DELETED, EventType.NODE_CREATED);
    watches.saw(PATH, node(1, 100), watches.beginLook());
    assertThat(told()).endsWith(EventType.NODE_CREATED, EventType.NODE_DATA_CHANGED);
  }

  @Test
  void soItIsBelowAPathAndInALookAtAllOfIt() throws Exception {
    watches.expect("/", Watches.RECURSIVE);
    watches.addRecursive(
        "/", new Subscriber(watcher, ""), Map.of(PATH, node(5, 6)), watches.beginLook());
    watches.saw(PATH, node(1, 2), watches.beginLook());
    assertThat(told()).containsExactly(EventType.NODE_DELETED, EventType.NODE_CREATED);
    watches.sawAll("/", Map.of(PATH, node(1, 1)), watches.beginLook());
    assertThat(told()).endsWith(EventType.NODE_DATA_CHANGED);
  }

  @Test
  void ofLooksThatOvertookEachOtherTheOlderSaysNothing() throws Exception {
    leaveAfter(node(1, 1), node(1, 1));
    long early = watches.beginLook();
    watches.saw(PATH, node(1, 2), watches.beginLook());
    watches.saw(PATH, node(1, 1), early);
    assertThat(told()).containsExactly(EventType.NODE_DATA_CHANGED);
  }
}
