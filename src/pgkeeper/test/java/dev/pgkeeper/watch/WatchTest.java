package dev.pgkeeper.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.KeeperProcess;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** How watchers are told, and what becomes of them when things break. */
class WatchTest {
  private static final Duration NEVER = Duration.ofDays(1);
  private static final byte[] NOTHING = {};

  private static TestDatabase database;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    SessionLog.of(database).putEpochBack();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema()).withSweep(NEVER);
  }

  private static Keeper connect() {
    return Keeper.connect(database.dataSource(), options());
  }

  private static WatchedEvent event(EventType type, String path) {
    return new WatchedEvent(type, SessionState.HELD, path);
  }

  @Test
  void aWatchOnAnothersEphemeralFiresWhenItsOwnerIsKilled() throws Exception {
    Heard<WatchedEvent> node = new Heard<>();
    Heard<WatchedEvent> parent = new Heard<>();
    Heard<WatchedEvent> tree = new Heard<>();
    try (Keeper keeper = connect();
        KeeperProcess owner = KeeperProcess.start(database, options(), "/owner/e")) {
      keeper.tree().get("/owner/e", node::add);
      keeper.tree().children("/owner", parent::add);
      keeper.tree().watch("/owner", WatchMode.PERSISTENT_RECURSIVE, tree::add);
      owner.process().kill9();
      node.await(event(EventType.NODE_DELETED, "/owner/e"));
      parent.await(event(EventType.NODE_CHILDREN_CHANGED, "/owner"));
      tree.await(event(EventType.NODE_DELETED, "/owner/e"));
    }
  }

  @Test
  void eventsAreToldInTheOrderInWhichTheyHappened() {
    Heard<WatchedEvent> heard = new Heard<>();
    try (Keeper keeper = connect();
        Keeper other = connect()) {
      Tree tree = other.tree();
      tree.create("/order", NOTHING);
      keeper.tree().watch("/order", WatchMode.PERSISTENT_RECURSIVE, heard::add);
      List<WatchedEvent> expected = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        // Names that a sorted list would bring into another order.
        String path = "/order/" + i * 7919 % 100 + "-" + i;
        tree.create(path, NOTHING);
        expected.add(event(EventType.NODE_CREATED, path));
        if (i % 3 == 0) {
          tree.create(path + "/below", NOTHING);
          expected.add(event(EventType.NODE_CREATED, path + "/below"));
        }
      }
      heard.await(expected.get(expected.size() - 1));
      assertThat(heard.all()).isEqualTo(expected);
    }
  }

  @Test
  void aWatcherThatThrowsStopsNoOther() {
    Heard<WatchedEvent> first = new Heard<>();
    Heard<WatchedEvent> second = new Heard<>();
    Heard<SessionState> states = new Heard<>();
    AtomicInteger thrown = new AtomicInteger();
    try (Keeper keeper = connect()) {
      Tree tree = keeper.tree();
      tree.create("/throws", NOTHING);
      keeper.onStateChange(
          state -> {
            thrown.incrementAndGet();
            throw new IllegalStateException("a listener that fails");
          });
      keeper.onStateChange(states::add);
      tree.watch("/throws", WatchMode.PERSISTENT, first::add);
      tree.watch(
          "/throws",
          WatchMode.PERSISTENT,
          event -> {
            thrown.incrementAndGet();
            throw new AssertionError("a watcher that fails");
          });
      tree.watch(
          "/throws",
          WatchMode.PERSISTENT,
          event -> {
            thrown.incrementAndGet();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("a watcher that fails and interrupts");
          });
      tree.watch("/throws", WatchMode.PERSISTENT, second::add);
      for (int i = 0; i < 3; i++) {
        tree.set("/throws", NOTHING);
        tree.sync();
      }
      List<WatchedEvent> expected =
          List.of(
              event(EventType.NODE_DATA_CHANGED, "/throws"),
              event(EventType.NODE_DATA_CHANGED, "/throws"),
              event(EventType.NODE_DATA_CHANGED, "/throws"));
      Await.until("three times told", () -> second.all().size() >= 3);
      assertThat(first.all()).isEqualTo(expected);
      assertThat(second.all()).isEqualTo(expected);
      SessionLog.terminateBackendOf(database, keeper.session().id());
      states.await(SessionState.HELD);
      assertThat(thrown.get()).isGreaterThanOrEqualTo(8);
    }
  }

  @Test
  void watchesThatStayAreToldTheDifferenceAfterABreakOfTheConnection() {
    Heard<WatchedEvent> node = new Heard<>();
    Heard<WatchedEvent> tree = new Heard<>();
    Heard<WatchedEvent> once = new Heard<>();
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl());
        Keeper other = connect()) {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(proxy.through(database.jdbcUrl()));
      other.tree().create("/replayed", NOTHING);
      other.tree().create("/replayed/goes", NOTHING);
      other.tree().create("/replayed/stays", NOTHING);
      try (Keeper keeper =
          Keeper.connect(dataSource, options().withGrace(Duration.ofSeconds(15)))) {
        Heard<SessionState> states = new Heard<>();
        keeper.onStateChange(states::add);
        keeper.tree().watch("/replayed", WatchMode.PERSISTENT, node::add);
        keeper.tree().watch("/replayed", WatchMode.PERSISTENT_RECURSIVE, tree::add);
        keeper.tree().exists("/replayed/comes", once::add);

        proxy.cut();
        states.await(SessionState.JEOPARDY);
        other.tree().set("/replayed", NOTHING);
        other.tree().delete("/replayed/goes");
        other.tree().create("/replayed/comes", NOTHING);
        other.tree().set("/replayed/stays", NOTHING);
        other.tree().create("/replayed/comes/too", NOTHING);
        // Came and went: nobody needs to know.
        other.tree().create("/replayed/flash", NOTHING);
        other.tree().delete("/replayed/flash");
        proxy.mend();

        states.await(SessionState.HELD);
        once.await(event(EventType.NODE_CREATED, "/replayed/comes"));
        node.await(event(EventType.NODE_CHILDREN_CHANGED, "/replayed"));
        tree.await(event(EventType.NODE_CREATED, "/replayed/comes/too"));
        assertThat(changes(node))
            .containsExactly(
                event(EventType.NODE_DATA_CHANGED, "/replayed"),
                event(EventType.NODE_CHILDREN_CHANGED, "/replayed"));
        assertThat(changes(tree))
            .containsExactlyInAnyOrder(
                event(EventType.NODE_DELETED, "/replayed/goes"),
                event(EventType.NODE_DATA_CHANGED, "/replayed"),
                event(EventType.NODE_CREATED, "/replayed/comes"),
                event(EventType.NODE_DATA_CHANGED, "/replayed/stays"),
                event(EventType.NODE_CREATED, "/replayed/comes/too"));

        // And they are not used up, nor deaf.
        other.tree().create("/replayed/later", NOTHING);
        tree.await(event(EventType.NODE_CREATED, "/replayed/later"));
      }
    }
  }

  private static List<WatchedEvent> changes(Heard<WatchedEvent> heard) {
    return heard.all().stream().filter(event -> event.type() != EventType.NONE).toList();
  }

  /** Registrations are in a table that a crash empties. */
  @Test
  void aClientRegistersAgainWhatTheServerForgot() {
    Heard<SessionState> states = new Heard<>();
    Heard<WatchedEvent> node = new Heard<>();
    Heard<WatchedEvent> tree = new Heard<>();
    try (Keeper keeper = connect();
        Keeper other = connect()) {
      keeper.onStateChange(states::add);
      keeper.tree().exists("/forgotten", node::add);
      keeper.tree().watch("/", WatchMode.PERSISTENT_RECURSIVE, tree::add);
      database.execute("TRUNCATE ${schema}.watch");
      SessionLog.terminateBackendOf(database, keeper.session().id());
      states.await(SessionState.HELD);
      // It registers after it was confirmed.
      Await.until(
          "registered again", () -> registrations(keeper) >= 2 && keeper.session().isHeld());
      other.tree().create("/forgotten", NOTHING);
      node.await(event(EventType.NODE_CREATED, "/forgotten"));
      tree.await(event(EventType.NODE_CREATED, "/forgotten"));
    }
  }

  private static long registrations(Keeper keeper) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.watch WHERE session = " + keeper.session().id());
  }

  @Test
  void whatNobodyWaitsForAnyMoreIsForgottenByTheDatabaseToo() {
    try (Keeper keeper =
            Keeper.connect(database.dataSource(), options().withSweep(Duration.ofMillis(200)));
        Keeper other = connect()) {
      for (int round = 0; round < 2; round++) {
        List<Heard<WatchedEvent>> all = new ArrayList<>();
        List<String> roots = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
          String path = other.tree().create("/used-up-", NOTHING, CreateMode.PERSISTENT_SEQUENTIAL);
          Heard<WatchedEvent> heard = new Heard<>();
          keeper.tree().get(path, heard::add);
          keeper.tree().children(path, heard::add);
          Heard<WatchedEvent> stays = new Heard<>();
          keeper.tree().watch(path, WatchMode.PERSISTENT_RECURSIVE, stays::add);
          all.add(heard);
          all.add(stays);
          roots.add(path);
          other.tree().delete(path);
        }
        all.forEach(heard -> heard.await(told -> told.type() == EventType.NODE_DELETED));
        roots.forEach(path -> keeper.tree().unwatchAll(path, WatchKind.ANY));
        Await.until(
            () -> "no registration left; there are " + registrations(keeper),
            () -> registrations(keeper) == 0);
      }
    }
  }

  /** It may have looked for watchers before the registration was there, which came before it. */
  @Test
  void whoLooksAtASubtreeWaitsForWritersThatBeganBeforeItWasRegistered() throws Exception {
    try (Connection registering = database.connect();
        Connection writing = database.connect()) {
      registering.setAutoCommit(false);
      writing.setAutoCommit(false);
      String begin = "SELECT pg_current_xact_id()";
      registering.createStatement().execute(begin);
      writing.createStatement().execute(begin);
      registering.commit();
      long horizon = database.queryLong("SELECT ${schema}.watch_horizon()");
      String settled = "SELECT ${schema}.watch_is_settled(" + horizon + ")::integer";
      assertThat(database.queryLong(settled)).as("while the writer goes on").isZero();
      writing.commit();
      Await.until("all that began before have ended", () -> database.queryLong(settled) == 1);
    }
  }
}
