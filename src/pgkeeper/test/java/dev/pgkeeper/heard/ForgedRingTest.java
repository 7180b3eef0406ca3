package dev.pgkeeper.heard;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.line.Attendance;
import dev.pgkeeper.lock.ReadWriteLock;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * PostgreSQL lets every role of a database ring every session of it, with whatever it likes. What
 * was not rung by pgkeeper ends nothing, grants nothing, and costs little.
 */
class ForgedRingTest {
  private static final Duration LONG = Duration.ofMinutes(10);

  /** More than may be kept, whatever they are. */
  private static final int FLOOD = 30_000;

  /** What a client may keep of a flood. */
  private static final int MOST_KEPT = 12_000;

  private TestDatabase database;
  private Stranger stranger;
  private HikariDataSource pool;
  private Keeper keeper;

  @BeforeEach
  void open() throws SQLException {
    database = TestDatabase.fresh();
    stranger = new Stranger(database);
    pool = database.newPool(1);
    keeper = Keeper.connect(pool, database.keeperOptions().withTimeout(LONG).withGrace(LONG));
  }

  @AfterEach
  void close() throws SQLException {
    keeper.close();
    stranger.close();
    database.close();
  }

  /** Returns once the client has heard all that was rung before, without its pool. */
  private static void awaitHeard(Stranger by, Keeper whom, CountDownLatch marker)
      throws SQLException {
    by.ring(whom, MARKER);
    Await.until("it is heard", () -> marker.getCount() == 0);
  }

  private static final String MARKER = "/marker";

  private static CountDownLatch marker(Keeper of) {
    CountDownLatch heard = new CountDownLatch(1);
    of.tree().hints(Scope.NODE, MARKER, hint(heard::countDown));
    return heard;
  }

  private static HintListener hint(Runnable told) {
    return new HintListener() {
      @Override
      public void somewhere(String path) {
        told.run();
      }

      @Override
      public void anywhere() {}
    };
  }

  private static List<String> flood(IntFunction<String> payload) {
    return IntStream.range(0, FLOOD).mapToObj(payload).toList();
  }

  @Test
  void whoKnowsASessionsNumberHearsNothingOfIt() throws SQLException {
    CountDownLatch heard = marker(keeper);
    stranger.listenAt(
        database.schema() + ":" + keeper.session().id(),
        database.schema() + ":" + Long.toHexString(keeper.session().id()),
        database.schema());
    keeper.tree().create(NewNode.at(MARKER));
    Await.until("its own client hears of the change", () -> heard.getCount() == 0);
    assertThat(stranger.heard()).isEmpty();
    assertThatThrownBy(() -> stranger.askForChannel(keeper))
        .hasMessageContaining("permission denied");
  }

  @Test
  void whatIsNotUnderstoodBreaksNoConnection() throws SQLException {
    List<SessionState> states = new CopyOnWriteArrayList<>();
    keeper.onStateChange(states::add);
    long backend = SessionLog.backendOf(database, keeper.session().id());
    for (String payload :
        List.of(
            "meeting x",
            "meeting ",
            "meeting 1",
            "meeting x over",
            "sync:",
            "sync:x",
            "sync:99999999999999999999",
            "queue ",
            "/",
            "//",
            "/a//",
            "/a//x\n",
            "/a\n",
            "\n",
            "ended ",
            "closed")) {
      stranger.ring(keeper, payload);
      keeper.tree().sync();
      assertThat(SessionLog.backendOf(database, keeper.session().id()))
          .as(payload)
          .isEqualTo(backend);
    }
    assertThat(states).isEmpty();
  }

  @Test
  void aForgedEndIsNotBelieved() throws SQLException {
    stranger.ring(keeper, "ended");
    keeper.tree().sync();
    assertThat(keeper.state()).isEqualTo(SessionState.HELD);
    assertThat(keeper.session().isHeld()).isTrue();
  }

  /** Its own ring is stuck in the network: whoever guessed would end the sync before it. */
  @Test
  void aSyncIsNotEndedByAGuess() throws Exception {
    try (TcpProxy network = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(network.through(database.jdbcUrl()));
      try (Keeper client =
          Keeper.connect(
              pool,
              database
                  .keeperOptions()
                  .withTimeout(LONG)
                  .withGrace(LONG)
                  .withOperationTimeout(Duration.ofSeconds(5))
                  .withListener(source::getConnection))) {
        CountDownLatch marker = marker(client);
        CompletableFuture<Boolean> synced;
        try (Connection only = pool.getConnection()) {
          assertThat(only.isValid(5)).isTrue();
          synced =
              onThread(
                  () -> {
                    client.tree().sync();
                    return true;
                  });
          Await.until(
              "it is about to ring",
              () -> pool.getHikariPoolMXBean().getThreadsAwaitingConnection() == 1);
          stranger.ring(client, IntStream.range(0, 1000).mapToObj(i -> "sync:" + i).toList());
          awaitHeard(stranger, client, marker);
          network.stallToClient();
        }
        assertThatThrownBy(() -> soon(synced))
            .isInstanceOf(KeeperException.ConnectionLoss.class)
            .hasMessageContaining("heard nothing of its own ring");
        network.mend();
        client.tree().sync();
      }
    }
  }

  @Test
  void namesOfQueuesThatNobodyHereUsesAreForgotten() throws SQLException {
    keeper.tree().sync();
    long before = Kept.by(keeper);
    stranger.ring(
        keeper, IntStream.range(0, 3000).mapToObj(i -> "queue " + "q".repeat(7000) + i).toList());
    keeper.tree().sync();
    assertThat(Kept.by(keeper)).isLessThan(before + 10);
  }

  /** What was overheard when a round began does not say that it is over. */
  @Test
  void whatWasRungForTheBeginningOfARoundDoesNotEndIt() throws Exception {
    try (Keeper other = database.keeper()) {
      stranger.listen(keeper);
      Attendance first = keeper.meeting("/meeting", 2).come();
      Attendance second = other.meeting("/meeting", 2).come();
      assertThat(first.awaitBeginning(Await.LIMIT)).isTrue();
      assertThat(second.awaitBeginning(Await.LIMIT)).isTrue();
      List<String> overheard = new CopyOnWriteArrayList<>();
      Await.until(
          "the ring is overheard",
          () -> {
            try {
              overheard.addAll(stranger.heard());
            } catch (SQLException e) {
              throw new IllegalStateException(e);
            }
            return overheard.stream().anyMatch(payload -> payload.startsWith("meeting "));
          });
      for (String ring : overheard) {
        if (ring.startsWith("meeting ")) {
          stranger.ring(keeper, ring, ring.replace("begun", "over"), ring + " over");
        }
      }
      keeper.tree().sync();
      CompletableFuture<Boolean> left = onThread(() -> first.leave(Await.LIMIT));
      Await.until(
          "it waits for the other one",
          () -> database.queryLong("SELECT has_left FROM ${schema}.double_barriers") == 1);
      assertThat(left).as("the other one is inside").isNotDone();
      second.leaveAlone();
      assertThat(soon(left)).isTrue();
    }
  }

  /** No node can be there, and the look at it would fail again and again. */
  @Test
  void aRingForWhatIsNoPathDoesNotKeepACacheFromFollowing() throws Exception {
    keeper.tree().create("/cached", new byte[0], CreateMode.PERSISTENT);
    try (NodeCache cache = keeper.cache("/cached", Scope.SUBTREE)) {
      soon(cache.initialised());
      stranger.ring(keeper, "/cached/", "/cached//x", "/cached/..", "/cached/\u0001");
      keeper.tree().create("/cached/made", new byte[0], CreateMode.PERSISTENT);
      Await.until("it is followed", () -> cache.get("/cached/made").isPresent());
    }
  }

  /** Rings while nobody looks, because the pool is exhausted, and says what is kept of that. */
  private long keptOf(IntFunction<String> payload) throws SQLException {
    CountDownLatch marker = marker(keeper);
    try (Connection only = pool.getConnection()) {
      assertThat(only.isValid(5)).isTrue();
      stranger.ring(keeper, payload.apply(FLOOD));
      Await.until(
          "it is about to look",
          () -> pool.getHikariPoolMXBean().getThreadsAwaitingConnection() == 1);
      long before = Kept.by(keeper);
      stranger.ring(keeper, flood(payload));
      awaitHeard(stranger, keeper, marker);
      return Kept.by(keeper) - before;
    }
  }

  @Test
  void pathsBelowAWatchedOneAreNotKeptWithoutBound() throws SQLException {
    keeper.tree().create("/watched", new byte[0], CreateMode.PERSISTENT);
    keeper.tree().watch("/watched", WatchMode.PERSISTENT_RECURSIVE, event -> {});
    assertThat(keptOf(i -> "/watched/" + i)).isLessThan(MOST_KEPT);
    String made = keeper.tree().create("/watched/made", new byte[0], CreateMode.PERSISTENT);
    assertThat(keeper.tree().exists(made)).isPresent();
    keeper.tree().sync();
  }

  @Test
  void hintsAreNotKeptWithoutBoundForAListenerThatIsBusy() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    CountDownLatch everything = new CountDownLatch(1);
    keeper
        .tree()
        .hints(
            Scope.SUBTREE,
            "/hinted",
            new HintListener() {
              @Override
              public void somewhere(String path) {
                told.countDown();
                try {
                  goesOn.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }

              @Override
              public void anywhere() {
                everything.countDown();
              }
            });
    try (Keeper other = database.keeper();
        Held held = other.lock("/lock").acquire(Await.LIMIT)) {
      CompletableFuture<Held> waits = keeper.lock("/lock").acquireAsync();
      Await.until("it waits", () -> other.lock("/lock").waiters().size() == 1);
      stranger.ring(keeper, "/hinted/first");
      Await.until("it is busy", () -> told.getCount() == 0);
      long before = Kept.by(keeper);
      stranger.ring(keeper, flood(i -> "/hinted/" + i));
      stranger.ring(keeper, flood(i -> "/elsewhere/" + i));
      held.close();
      soon(waits).close(); // this ring came after all the others
      assertThat(Kept.by(keeper) - before).isLessThan(MOST_KEPT);
    }
    goesOn.countDown();
    Await.until("it looks at everything", () -> everything.getCount() == 0);
  }

  @Test
  void ringsForPlacesThatAreNotKnownYetAreNotKeptWithoutBound() throws Exception {
    CountDownLatch marker = marker(keeper);
    CompletableFuture<Held> joins;
    try (Connection only = pool.getConnection()) {
      assertThat(only.isValid(5)).isTrue();
      joins = onThread(() -> keeper.lock("/lock").acquire(Await.LIMIT));
      Await.until(
          "it is about to join",
          () -> pool.getHikariPoolMXBean().getThreadsAwaitingConnection() == 1);
      long before = Kept.by(keeper);
      stranger.ring(keeper, flood(i -> "/lock//" + i));
      awaitHeard(stranger, keeper, marker);
      assertThat(Kept.by(keeper) - before).isLessThan(MOST_KEPT);
    }
    soon(joins).close();
  }

  @Test
  void ringsForOnePlaceAreOneLook() throws Exception {
    try (Keeper other = database.keeper();
        Held held = other.lock("/lock").acquire(Await.LIMIT)) {
      CompletableFuture<Held> waits = keeper.lock("/lock").acquireAsync();
      Await.until("it waits", () -> other.lock("/lock").waiters().size() == 1);
      CountDownLatch marker = marker(keeper);
      long token =
          database.queryLong("SELECT waiting[1][1] FROM ${schema}.gathering WHERE path = '/lock'");
      try (Connection only = pool.getConnection()) {
        assertThat(only.isValid(5)).isTrue();
        stranger.ring(keeper, "/lock//" + token);
        Await.until(
            "it is about to look",
            () -> pool.getHikariPoolMXBean().getThreadsAwaitingConnection() == 1);
        // each with a key, since PostgreSQL delivers equal ones of one transaction once
        long before = Kept.by(keeper);
        stranger.ring(keeper, flood(i -> "/lock//" + token + "\n" + i));
        awaitHeard(stranger, keeper, marker);
        assertThat(Kept.by(keeper) - before).isLessThan(10);
      }
      assertThat(waits).isNotDone();
      held.close();
      soon(waits).close();
    }
  }

  @Test
  void ringsForAQueueAtWhichNobodyWaitsArePassedOnTogether() throws Exception {
    var queue = keeper.queue("mails", Codec.text());
    queue.enqueue("one");
    long before;
    CountDownLatch marker = marker(keeper);
    try (Connection only = pool.getConnection()) {
      assertThat(only.isValid(5)).isTrue();
      before = Kept.by(keeper);
      for (int i = 0; i < 300; i++) {
        stranger.ring(keeper, "queue mails");
      }
      awaitHeard(stranger, keeper, marker);
      assertThat(Kept.by(keeper) - before).isLessThan(10);
    }
  }

  /** The read is not there before the write has become it, so a look would find nothing. */
  @Test
  void aRingForAReadThatAWriteIsJustBecomingTakesNothingAway() throws Exception {
    try (Keeper client =
            Keeper.connect(
                database.newPool(4), database.keeperOptions().withTimeout(LONG).withGrace(LONG));
        Held before = keeper.lock("/next").acquire(Await.LIMIT)) {
      ReadWriteLock lock = client.readWriteLock("/rw");
      CompletableFuture<Held> next =
          client.lock("/next").atMost(LONG).acquireAsync(); // which asks when it is rung
      Await.until("it waits", () -> keeper.lock("/next").waiters().size() == 1);
      CompletableFuture<Boolean> becomes;
      try (Connection other = database.connect();
          Statement row = other.createStatement()) {
        Held write = lock.write().acquire(Await.LIMIT);
        String node = "/rw/" + keeper.tree().children("/rw").get(0);
        other.setAutoCommit(false);
        row.execute(
            "SELECT FROM " + database.schema() + ".gathering WHERE path = '/rw' FOR UPDATE");
        becomes = onThread(() -> lock.downgrade(write).isHeld());
        Await.until(
            "it waits for the row",
            () -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1);
        stranger.ring(client, node, node.replaceAll("write$", "read"));
        client.tree().sync();
        before.close();
        soon(next).close(); // it was looked at before, or together
        other.rollback();
      }
      assertThat(soon(becomes)).isTrue();
    }
  }
}
