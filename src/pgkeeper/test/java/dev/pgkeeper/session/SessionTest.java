package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.KeeperProcess;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What becomes of a session, and of what it owns, when its client, its connection or an end comes.
 */
class SessionTest {
  private static final byte[] NOTHING = {};

  private static TestDatabase database;
  private static SessionLog log;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    log = SessionLog.of(database);
    // For one timeout after an epoch began nobody is ended for a break of his connection.
    log.putEpochBack();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  private static Keeper connect() {
    return connect(options());
  }

  private static Keeper connect(KeeperOptions options) {
    return Keeper.connect(database.dataSource(), options);
  }

  private static String ephemeral(Keeper keeper, String path) {
    return keeper.tree().create(NewNode.at(path).mode(CreateMode.EPHEMERAL).withParents()).path();
  }

  /** So long that nothing here waits for a lease: what ends does so after its grace. */
  private static final Duration NO_LEASE = Duration.ofMinutes(30);

  @Test
  void aKilledClientLosesItsEphemeralsAfterItsGraceAndNotWithItsLease() throws Exception {
    Heard<WatchedEvent> heard = new Heard<>();
    try (Keeper other = connect();
        KeeperProcess client =
            KeeperProcess.start(database, options().withTimeout(NO_LEASE), "/killed/a")) {
      other.tree().exists("/killed/a", heard::add);
      long killedAt = log.nowMicros();
      client.process().kill9();
      heard.await(event -> event.type() == EventType.NODE_DELETED);
      assertThat(other.tree().exists("/killed/a")).isEmpty();
      Duration lived = Duration.ofNanos((log.endedAtMicros(client.session()) - killedAt) * 1000);
      assertThat(lived).isGreaterThanOrEqualTo(options().grace());
    }
  }

  /**
   * Under the locks of a contended parent the reaper has to get its turn too: that is where a dead
   * holder hurts most.
   */
  @Test
  void aKilledClientLosesItsEphemeralsAfterItsGraceUnderABusyParentToo() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService threads = Executors.newCachedThreadPool();
    Heard<WatchedEvent> heard = new Heard<>();
    HikariConfig slow = new HikariConfig();
    slow.setJdbcUrl(database.jdbcUrl());
    slow.setMaximumPoolSize(32);
    // A disk that takes its time.
    slow.setConnectionInitSql("SET commit_delay = 5000; SET commit_siblings = 0");
    try (HikariDataSource pool = new HikariDataSource(slow);
        Keeper other = Keeper.connect(pool, options());
        KeeperProcess client =
            KeeperProcess.start(database, options().withTimeout(NO_LEASE), "/busy/holder")) {
      List<CompletableFuture<Void>> writers = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        writers.add(
            CompletableFuture.runAsync(
                () -> {
                  while (!stop.get()) {
                    String path =
                        other.tree().create("/busy/c-", NOTHING, CreateMode.EPHEMERAL_SEQUENTIAL);
                    other.tree().delete(path);
                  }
                },
                threads));
      }
      other.tree().exists("/busy/holder", heard::add);
      client.process().kill9();
      heard.await(event -> event.type() == EventType.NODE_DELETED);
      stop.set(true);
      CompletableFuture.allOf(writers.toArray(CompletableFuture[]::new))
          .get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    } finally {
      stop.set(true);
      threads.shutdown();
    }
  }

  /** Returns when a client that was killed at the beginning has been ended after its grace. */
  private static void awaitAReaperAfter(Duration grace) throws InterruptedException {
    KeeperOptions killed = options().withTimeout(NO_LEASE).withGrace(grace);
    try (KeeperProcess client = KeeperProcess.start(database, killed)) {
      client.process().kill9();
      Await.until("the killed one's end", () -> log.endedAtMicros(client.session()) != 0);
    }
  }

  @Test
  void aClientStoppedForLongerThanItsGraceKeepsItsEphemeralsAndKnowsNothingUntilItIsConfirmed()
      throws Exception {
    // It has to be stopped for as long as it takes to say later that it woke.
    Duration grace = Duration.ofSeconds(6);
    try (Keeper other = connect();
        KeeperProcess client =
            KeeperProcess.start(
                database, options().withTimeout(NO_LEASE).withGrace(grace), "/stopped")) {
      Stat before = other.tree().stat("/stopped");
      assertThat(client.isHeld()).isTrue();
      client.process().stop();
      awaitAReaperAfter(grace);
      client.process().takeLines();
      assertThat(other.tree().exists("/stopped")).contains(before);
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement()) {
        // Until this transaction ends the client cannot be confirmed.
        connection.setAutoCommit(false);
        statement.execute("LOCK TABLE " + database.schema() + ".session IN ACCESS EXCLUSIVE MODE");
        client.process().cont();
        assertThat(client.wasHeldOnWaking()).isFalse();
        assertThat(client.isHeld()).isFalse();
        connection.rollback();
      }
      client.awaitState("HELD");
      assertThat(client.isHeld()).isTrue();
      assertThat(other.tree().exists("/stopped")).contains(before);
    }
  }

  @Test
  void aTerminatedConnectionCostsNothing() throws Exception {
    Heard<SessionState> states = new Heard<>();
    try (Keeper other = connect();
        Keeper keeper =
            Keeper.connect(
                database.dataSource(), options().withTimeout(NO_LEASE).withGrace(NO_LEASE))) {
      keeper.onStateChange(states::add);
      String path = ephemeral(keeper, "/terminated");
      Stat before = other.tree().stat(path);
      assertThat(SessionLog.terminateBackendOf(database, keeper.session().id())).isTrue();
      states.await(SessionState.HELD);
      assertThat(keeper.session().isHeld()).isTrue();
      awaitAReaperAfter(options().grace());
      assertThat(rows("session WHERE suspected IS NULL AND id = " + keeper.session().id()))
          .as("the break is made good, or its end would come")
          .isEqualTo(1);
      assertThat(states.all()).containsExactly(SessionState.JEOPARDY, SessionState.HELD);
      assertThat(other.tree().exists(path)).contains(before);
      assertThat(keeper.state()).isEqualTo(SessionState.HELD);
    }
  }

  @Test
  void anOrderlyCloseTakesEverythingAtOnceUnderOneNumber() throws Exception {
    try (Keeper other = connect()) {
      other.tree().create("/orderly", NOTHING);
      other.tree().create("/orderly/a", NOTHING);
      other.tree().create("/orderly/b", NOTHING);
      Keeper keeper = connect();
      for (String path : List.of("/orderly/a/1", "/orderly/a/2", "/orderly/b/1")) {
        ephemeral(keeper, path);
      }
      ephemeral(keeper, "/orderly/e");
      Heard<WatchedEvent> heard = new Heard<>();
      other.tree().watch("/orderly", WatchMode.PERSISTENT_RECURSIVE, heard::add);
      keeper.close();
      assertThat(other.tree().children("/orderly")).containsExactly("a", "b");
      assertThat(other.tree().children("/orderly/a")).isEmpty();
      assertThat(other.tree().children("/orderly/b")).isEmpty();
      long number = other.tree().stat("/orderly").pzxid();
      assertThat(other.tree().stat("/orderly/a").pzxid()).isEqualTo(number);
      assertThat(other.tree().stat("/orderly/b").pzxid()).isEqualTo(number);
      for (String path : List.of("/orderly/a/1", "/orderly/a/2", "/orderly/b/1", "/orderly/e")) {
        heard.await(new WatchedEvent(EventType.NODE_DELETED, SessionState.HELD, path));
      }
      keeper.close();
    }
  }

  @Test
  void aCloseDoesNotWaitForATransactionThatHoldsOnToSomethingOfTheSession() throws Exception {
    Keeper keeper = connect(options().withOperationTimeout(Duration.ofMinutes(10)));
    long session = keeper.session().id();
    String path = ephemeral(keeper, "/kept");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(
          "SELECT FROM %s.node WHERE path = '%s' FOR UPDATE".formatted(database.schema(), path));
      Futures.soon(
          Futures.onThread(
              () -> {
                keeper.close();
                return keeper.state();
              }));
      assertThat(rows("session WHERE id = " + session)).as("nothing is half done").isEqualTo(1);
      assertThat(rows("node WHERE owner = " + session)).isEqualTo(1);
    }
    try (Keeper reaper = connect()) {
      Await.until("it ends by itself", () -> rows("node WHERE owner = " + session) == 0);
      assertThat(rows("session WHERE id = " + session)).isZero();
      assertThat(reaper.session().isHeld()).isTrue();
    }
  }

  @Test
  void anExpiryIsToldOnceToStateListenersAndToEveryWatcher() {
    Heard<SessionState> states = new Heard<>();
    List<Heard<WatchedEvent>> watchers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      watchers.add(new Heard<>());
    }
    try (Keeper keeper = connect()) {
      Tree tree = keeper.tree();
      tree.create("/told", NOTHING);
      keeper.onStateChange(states::add);
      tree.get("/told", watchers.get(0)::add);
      tree.exists("/told/absent", watchers.get(1)::add);
      tree.children("/told", watchers.get(2)::add);
      tree.watch("/told", WatchMode.PERSISTENT, watchers.get(3)::add);
      tree.watch("/", WatchMode.PERSISTENT_RECURSIVE, watchers.get(4)::add);
      dev.pgkeeper.tree.Watcher twice = watchers.get(5)::add;
      tree.get("/told", twice);
      tree.watch("/told", WatchMode.PERSISTENT, twice);

      endInTheDatabase(keeper);

      WatchedEvent lost = new WatchedEvent(EventType.NONE, SessionState.LOST, null);
      states.await(SessionState.HELD);
      watchers.forEach(watcher -> watcher.await(lost));
      keeper.close();
      states.await(SessionState.CLOSED);
      assertThat(states.all())
          .as("each once, and in order")
          .containsExactly(SessionState.LOST, SessionState.HELD, SessionState.CLOSED);
      assertThat(watchers).allSatisfy(heard -> assertThat(heard.all()).containsExactly(lost));
    }
  }

  private static void endInTheDatabase(Keeper keeper) {
    database.execute("SELECT ${schema}.session_end(" + keeper.session().id() + ")");
  }

  @Test
  void aLostSessionRefusesEverythingAndSaysSo() throws SQLException {
    Heard<SessionState> states = new Heard<>();
    try (Keeper keeper = connect();
        Connection connection = database.connect()) {
      keeper.onStateChange(states::add);
      ephemeral(keeper, "/lost");
      Session session = keeper.session();
      endInTheDatabase(keeper);
      states.await(SessionState.LOST);
      assertThat(session.isHeld()).isFalse();
      assertThat(session.state()).isEqualTo(SessionState.LOST);
      Tree tree = session.tree();
      for (Runnable operation :
          List.<Runnable>of(
              () -> tree.exists("/lost"),
              () -> tree.exists("/lost", event -> {}),
              () -> tree.create("/lost", NOTHING),
              () -> tree.create("/lost", NOTHING, CreateMode.EPHEMERAL),
              () -> tree.watch("/lost", WatchMode.PERSISTENT, event -> {}),
              () -> tree.children("/"),
              tree::sync,
              () -> session.tree(connection).exists("/lost"),
              () -> session.line("/lost", "mutex", 1),
              () -> session.meeting("/lost", 2))) {
        assertThatThrownBy(operation::run)
            .isInstanceOf(KeeperException.SessionExpired.class)
            .hasMessageContaining("session " + session.id());
      }
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.node WHERE path = '/lost'"))
          .isZero();
    }
  }

  /** Before its next ping a client does not know yet; the database does. */
  @Test
  void aSessionThatHasEndedCreatesNothingEphemeralEvenIfItsClientHasNotHeard() {
    try (Keeper keeper = connect()) {
      endInTheDatabase(keeper);
      assertThatThrownBy(() -> ephemeral(keeper, "/too-late"))
          .isInstanceOf(KeeperException.SessionExpired.class);
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.node WHERE path = '/too-late'"))
          .isZero();
    }
  }

  @Test
  void aClosedKeeperRefusesEverythingAndSaysSo() {
    Heard<SessionState> states = new Heard<>();
    Keeper keeper = connect();
    keeper.onStateChange(states::add);
    keeper.close();
    keeper.close();
    Tree tree = keeper.tree();
    for (Runnable operation :
        List.<Runnable>of(
            () -> tree.exists("/"),
            () -> tree.create("/closed", NOTHING),
            () -> tree.children("/", event -> {}),
            tree::sync,
            () -> keeper.async(t -> t.exists("/")))) {
      assertThatThrownBy(operation::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
    assertThat(keeper.state()).isEqualTo(SessionState.CLOSED);
    assertThat(keeper.health().state()).isEqualTo(SessionState.CLOSED);
    states.await(SessionState.CLOSED);
    assertThat(states.all()).containsExactly(SessionState.CLOSED);
  }

  @Test
  void twentyKeepersLiveInOneProcess() {
    List<Keeper> keepers = new ArrayList<>();
    try {
      Duration lease = Duration.ofSeconds(12);
      for (int i = 0; i < 20; i++) {
        keepers.add(connect(options().withTimeout(lease).withGrace(lease)));
        ephemeral(keepers.get(i), "/twenty/" + i);
      }
      assertThat(keepers.stream().map(keeper -> keeper.session().id()).distinct()).hasSize(20);
      keepers.get(7).close();
      keepers.get(11).close();
      Set<Long> alive = new HashSet<>();
      keepers.forEach(keeper -> alive.add(keeper.session().id()));
      alive.remove(keepers.get(7).session().id());
      alive.remove(keepers.get(11).session().id());
      awaitRenewal(alive);
      Tree tree = keepers.get(0).tree();
      assertThat(tree.children("/twenty")).hasSize(18).doesNotContain("7", "11");
      for (Keeper keeper : keepers) {
        boolean open = keeper.state() != SessionState.CLOSED;
        assertThat(keeper.session().isHeld()).isEqualTo(open);
        assertThat(keeper.state()).isEqualTo(open ? SessionState.HELD : SessionState.CLOSED);
      }
    } finally {
      keepers.forEach(Keeper::close);
    }
  }

  /** Waits until each of these clients has renewed its lease once more. */
  private static void awaitRenewal(Set<Long> sessions) {
    String renewed =
        "session WHERE renewed > to_timestamp("
            + log.nowMicros() / 1e6
            + ") AND id = ANY ('"
            + sessions.toString().replace('[', '{').replace(']', '}')
            + "')";
    Await.until("all of them renewed", () -> rows(renewed) == sessions.size());
  }

  @Test
  void aKilledClientWithALeaseAloneLosesItsEphemeralsWithTheLease() throws Exception {
    Heard<WatchedEvent> heard = new Heard<>();
    try (Keeper other = connect();
        KeeperProcess client =
            KeeperProcess.start(
                database,
                options().withTimeout(Duration.ofSeconds(5)).withLeaseOnly(),
                "/lease/only")) {
      other.tree().exists("/lease/only", heard::add);
      client.process().kill9();
      long ends =
          database.queryLong(
              "SELECT (extract(epoch FROM ends) * 1000000)::bigint FROM ${schema}.sessions WHERE session = "
                  + client.session());
      heard.await(event -> event.type() == EventType.NODE_DELETED);
      assertThat(log.endedAtMicros(client.session())).isGreaterThanOrEqualTo(ends);
      assertThat(other.tree().children("/lease")).isEmpty();
    }
  }

  @Test
  void aClosedKeeperLeavesNothingBehindInTheDatabase() {
    Keeper keeper = connect();
    ephemeral(keeper, "/behind");
    keeper.tree().get("/behind", event -> {});
    keeper.tree().watch("/", WatchMode.PERSISTENT_RECURSIVE, event -> {});
    long session = keeper.session().id();
    keeper.close();
    assertThat(rows("session WHERE id = " + session)).isZero();
    assertThat(rows("watch WHERE session = " + session)).isZero();
    assertThat(rows("node WHERE owner = " + session)).isZero();
    assertThat(SessionLog.backendOf(database, session)).isZero();
  }

  /**
   * A reply is kept for as long as somebody may ask for it, a registration that came too late is
   * not.
   */
  @Test
  void whatComesAfterTheEndOfASessionIsTidiedUp() {
    Keeper keeper = connect();
    ephemeral(keeper, "/tidied");
    long session = keeper.session().id();
    keeper.close();
    database.execute("SELECT ${schema}.watch_again(" + session + ", ARRAY['/tidied'], ARRAY['n'])");
    database.execute("SELECT ${schema}._tidy()");
    assertThat(rows("watch WHERE session = " + session)).isZero();
    assertThat(rows("reply WHERE session = " + session)).isPositive();
    database.execute("UPDATE ${schema}.reply SET at = at - interval '49 hours'");
    try (Keeper alive = connect()) {
      alive.tree().create("/tidied", NOTHING);
      database.execute("UPDATE ${schema}.reply SET at = at - interval '49 hours'");
      database.execute("SELECT ${schema}._tidy()");
      assertThat(rows("reply WHERE session = " + session)).isZero();
      assertThat(rows("reply WHERE session = " + alive.session().id())).isPositive();
    }
  }

  private static long rows(String from) {
    return database.queryLong("SELECT count(*) FROM ${schema}." + from);
  }

  @Test
  void aClientWithALeaseAloneLivesAndHearsOfChanges() {
    Heard<WatchedEvent> heard = new Heard<>();
    Heard<SessionState> states = new Heard<>();
    try (Keeper other = connect();
        Keeper keeper = Keeper.connect(database.dataSource(), options().withLeaseOnly())) {
      keeper.onStateChange(states::add);
      ephemeral(keeper, "/lease-lives");
      keeper.tree().get("/lease-lives", heard::add);
      awaitRenewal(Set.of(keeper.session().id()));
      other.tree().set("/lease-lives", NOTHING);
      heard.await(event -> event.type() == EventType.NODE_DATA_CHANGED);
      assertThat(keeper.session().isHeld()).isTrue();
      assertThat(states.all()).isEmpty();
    }
  }
}
