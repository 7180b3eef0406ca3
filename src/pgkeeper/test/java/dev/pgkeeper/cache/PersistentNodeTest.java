package dev.pgkeeper.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PersistentNodeTest {
  private static TestDatabase database;
  private static Keeper others;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    others = database.keeper();
  }

  @AfterAll
  static void close() {
    others.close();
    database.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Tree tree() {
    return others.tree();
  }

  /** The node's data as others see it; null if it is not there. */
  private static String seen(String path) {
    try {
      return new String(tree().get(path).data(), StandardCharsets.UTF_8);
    } catch (KeeperException.NoNode e) {
      return null;
    }
  }

  private static void awaitSeen(String path, String data) {
    Await.until(() -> path + " has " + data + ", not " + seen(path), () -> data.equals(seen(path)));
  }

  private static void endSession(long session) {
    database.execute("SELECT ${schema}.session_end(" + session + ")");
  }

  @Test
  void itIsThereUntilItIsClosed() {
    try (Keeper keeper = database.keeper()) {
      PersistentNode node = keeper.persistentNode("/until/closed", bytes("a"));
      assertThat(node.isThere()).isTrue();
      assertThat(seen("/until/closed")).isEqualTo("a");
      assertThat(tree().stat("/until/closed").ephemeralOwner()).isEqualTo(keeper.session().id());
      node.close();
      assertThat(node.isThere()).isFalse();
      assertThat(seen("/until/closed")).isNull();
      node.close();
    }
  }

  @Test
  void itGoesWithItsOwner() {
    Keeper keeper = database.keeper();
    PersistentNode node = keeper.persistentNode("/with/owner", bytes("a"));
    keeper.close();
    assertThat(seen("/with/owner")).isNull();
    node.close();
  }

  @Test
  void itIsCreatedAgainAfterALostSessionWithItsLatestData() throws Exception {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/lost/session", bytes("first"))) {
      for (int round = 1; round <= 3; round++) {
        node.setData(bytes("round " + round));
        assertThat(seen("/lost/session")).isEqualTo("round " + round);
        endSession(tree().stat("/lost/session").ephemeralOwner());
        assertThat(seen("/lost/session")).isNull();
        awaitSeen("/lost/session", "round " + round);
        assertThat(node.awaitThere(Await.LIMIT)).isTrue();
      }
      assertThat(tree().stat("/lost/session").ephemeralOwner()).isEqualTo(keeper.session().id());
      assertThat(tree().children("/lost")).containsExactly("session");
    }
    assertThat(seen("/lost/session")).isNull();
  }

  @Test
  void dataThatIsSetBetweenSessionsIsThatOfTheNextNode() {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/between", bytes("old"))) {
      Heard<SessionState> states = new Heard<>();
      keeper.onStateChange(states::add);
      endSession(keeper.session().id());
      node.setData(bytes("new"));
      awaitSeen("/between", "new");
      states.await(SessionState.LOST);
    }
  }

  @Test
  void itIsCreatedAgainWhenOthersDeleteIt() {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/deleted", bytes("a"))) {
      for (int i = 0; i < 5; i++) {
        Stat before = tree().stat("/deleted");
        tree().delete("/deleted");
        Await.until(
            "it is created again",
            () ->
                tree().exists("/deleted").filter(now -> now.czxid() > before.czxid()).isPresent());
      }
      assertThat(seen("/deleted")).isEqualTo("a");
      node.setData(bytes("b"));
      assertThat(seen("/deleted")).isEqualTo("b");
    }
  }

  @Test
  void aClosedOneDoesNotComeBackAfterALostSession() throws Exception {
    try (Keeper keeper = database.keeper();
        PersistentNode closed = keeper.persistentNode("/stays/away", bytes("a"));
        PersistentNode open = keeper.persistentNode("/stays/here", bytes("a"))) {
      closed.close();
      endSession(keeper.session().id());
      awaitSeen("/stays/here", "a");
      assertThat(open.awaitThere(Await.LIMIT)).isTrue();
      assertThat(seen("/stays/away")).isNull();
    }
  }

  /** The trap: a registration that is made once more after each reconnect. */
  @Test
  void afterReconnectsItIsTheSameOneNode() {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/same/node", bytes("a"))) {
      Stat before = tree().stat("/same/node");
      for (int i = 0; i < 3; i++) {
        Heard<SessionState> states = new Heard<>();
        try (var told = keeper.onStateChange(states::add)) {
          assertThat(SessionLog.terminateBackendOf(database, keeper.session().id())).isTrue();
          states.await(SessionState.HELD);
        }
      }
      keeper.tree().sync();
      node.setData(bytes("b"));
      assertThat(tree().stat("/same/node").czxid()).isEqualTo(before.czxid());
      assertThat(tree().stat("/same").cversion()).isEqualTo(1);
    }
  }

  /**
   * Whatever becomes of the request that sets or creates it. The part {@code replies} of the proof
   * breaks connections at random.
   */
  @ParameterizedTest
  @EnumSource(TcpProxy.Fate.class)
  void withARequestCutOffThereIsNeverMoreThanOneAndItEndsUpThere(TcpProxy.Fate fate) {
    String parent = "/replies-" + fate;
    String path = parent + "/node";
    HikariConfig config = new HikariConfig();
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper keeper =
              Keeper.connect(
                  pool,
                  database
                      .keeperOptions()
                      .withOperationTimeout(Await.LIMIT)
                      .withListener(database::connect));
          PersistentNode node = keeper.persistentNode(path, bytes("first"))) {
        meetNext(proxy, fate);
        node.setData(bytes("set"));
        assertThat(seen(path)).isEqualTo("set");
        assertThat(tree().children(parent)).hasSize(1);

        meetNext(proxy, fate);
        Stat before = tree().stat(parent);
        tree().delete(path);
        awaitSeen(path, "set");
        assertThat(tree().stat(parent).cversion()).isEqualTo(before.cversion() + 2);
        assertThat(tree().stat(parent).numChildren()).isEqualTo(1);

        meetNext(proxy, fate);
        tree().delete(path);
        node.setData(bytes("last"));
        awaitSeen(path, "last");
        assertThat(tree().children(parent)).hasSize(1);
        assertThat(proxy.fates()).containsKey(fate);
      }
    }
  }

  /** The next request meets this fate; those after it pass. */
  private static void meetNext(TcpProxy proxy, TcpProxy.Fate fate) {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(() -> requests.getAndIncrement() == 0 ? fate : TcpProxy.Fate.PASSES);
  }

  @Test
  void itWaitsForTheNodeOfAnotherOwnerAndTakesNothingAway() throws Exception {
    Keeper before = database.keeper();
    before.tree().create("/another", bytes("theirs"), CreateMode.EPHEMERAL);
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/another", bytes("mine"))) {
      assertThat(node.isThere()).isFalse();
      assertThat(node.awaitThere(Duration.ofMillis(50))).isFalse();
      node.setData(bytes("still mine"));
      assertThat(seen("/another")).isEqualTo("theirs");
      before.close();
      awaitSeen("/another", "still mine");
      assertThat(node.awaitThere(Await.LIMIT)).isTrue();
      assertThat(node.stat().map(Stat::ephemeralOwner))
          .isEqualTo(Optional.of(keeper.session().id()));
    }
  }

  @Test
  void ofTwoOwnersInOneSessionTheFirstHasTheNodeAndTheOtherWhenThatIsClosed() throws Exception {
    try (Keeper keeper = database.keeper();
        PersistentNode first = keeper.persistentNode("/two", bytes("first"));
        PersistentNode second = keeper.persistentNode("/two", bytes("second"))) {
      assertThat(first.isThere()).isTrue();
      assertThat(second.isThere()).isFalse();
      second.setData(bytes("still second"));
      assertThat(seen("/two")).isEqualTo("first");
      first.setData(bytes("still first"));
      assertThat(seen("/two")).isEqualTo("still first");
      first.close();
      assertThat(second.awaitThere(Await.LIMIT)).isTrue();
      assertThat(seen("/two")).isEqualTo("still second");
    }
  }

  @Test
  void aNodeThatSomebodyElseOfTheSessionCreatedInItsPlaceIsNotDeleted() {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/replaced", bytes("mine"))) {
      keeper
          .tree()
          .multi(
              Op.delete("/replaced"),
              Op.create("/replaced", bytes("theirs"), CreateMode.EPHEMERAL));
      node.close();
      assertThat(seen("/replaced")).isEqualTo("theirs");
    }
  }

  @Test
  void closingLeavesTheNodeOfAnotherOwnerAlone() {
    tree().create("/theirs", bytes("theirs"), CreateMode.EPHEMERAL);
    try (Keeper keeper = database.keeper()) {
      keeper.persistentNode("/theirs", bytes("mine")).close();
    }
    assertThat(seen("/theirs")).isEqualTo("theirs");
  }

  @Test
  void aPersistentOneIsTakenOverOutlivesTheSessionAndIsRemovedAtTheEnd() throws Exception {
    tree().create("/persistent", bytes("before"));
    try (Keeper keeper = database.keeper()) {
      try (PersistentNode node =
          keeper.persistentNode("/persistent", bytes("now"), CreateMode.PERSISTENT)) {
        assertThat(seen("/persistent")).isEqualTo("now");
        long created = tree().stat("/persistent").czxid();
        SessionLog.lose(database, keeper);
        tree().delete("/persistent");
        awaitSeen("/persistent", "now");
        assertThat(node.awaitThere(Await.LIMIT)).isTrue();
        assertThat(tree().stat("/persistent").czxid()).isGreaterThan(created);
        assertThat(seen("/persistent")).isEqualTo("now");
      }
      assertThat(seen("/persistent")).isNull();
    }
  }

  @Test
  void whatOthersSetStaysUntilItIsSetAgain() {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/edited", bytes("mine"))) {
      tree().set("/edited", bytes("by hand"));
      keeper.tree().sync();
      assertThat(seen("/edited")).isEqualTo("by hand");
      node.setData(bytes("mine again"));
      assertThat(seen("/edited")).isEqualTo("mine again");
    }
  }

  @Test
  void whyItCannotBeThereIsToldAndItIsTriedForOn() throws Exception {
    try (Keeper keeper = database.keeper();
        PersistentNode node = keeper.persistentNode("/barren/node", bytes("a"))) {
      Heard<String> errors = new Heard<>();
      node.onError(failure -> errors.add(failure.getMessage()));
      tree()
          .multi(
              Op.delete("/barren/node"),
              Op.delete("/barren"),
              Op.create(NewNode.at("/barren").mode(CreateMode.EPHEMERAL)));
      errors.await(told -> told.contains("/barren/node") && told.contains("ephemeral"));
      tree().delete("/barren");
      awaitSeen("/barren/node", "a");
    }
  }

  @Test
  void badInputIsRefusedAtOnce() {
    try (Keeper keeper = database.keeper()) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> keeper.persistentNode("/bad", bytes(""), CreateMode.EPHEMERAL_SEQUENTIAL))
          .withMessageContaining("/bad")
          .withMessageContaining("EPHEMERAL or PERSISTENT");
      assertThatThrownBy(() -> keeper.persistentNode("bad", bytes("")))
          .isInstanceOf(InvalidPathException.class);
      assertThatThrownBy(() -> keeper.persistentNode("/bad", new byte[2_000_000]))
          .isInstanceOf(DataTooLargeException.class)
          .hasMessageContaining("/bad");
      PersistentNode node = keeper.persistentNode("/good", bytes("secret"));
      assertThatThrownBy(() -> node.setData(new byte[2_000_000]))
          .isInstanceOf(DataTooLargeException.class);
      assertThat(seen("/good")).isEqualTo("secret");
      assertThat(node.toString()).contains("/good").doesNotContain("secret");
      node.close();
      assertThatThrownBy(() -> node.setData(bytes("late")))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }
}
