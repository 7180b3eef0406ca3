package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Stat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A server that comes back, or another one in its place, begins a new epoch. */
class RestartTest {
  private static final byte[] NOTHING = {};

  private static PrivateServer server;

  @BeforeAll
  static void open() {
    server = PrivateServer.start();
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static KeeperOptions options(TestDatabase database) {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  @Test
  void aServerThatWasDownForLongerThanTheTimeoutExpiresNobody() {
    try (TestDatabase database = TestDatabase.freshOn(server)) {
      KeeperOptions options = options(database).withTimeout(Duration.ofSeconds(10));
      List<Keeper> keepers = new ArrayList<>();
      List<Heard<SessionState>> states = new ArrayList<>();
      try {
        for (int i = 0; i < 6; i++) {
          Keeper keeper =
              Keeper.connect(
                  database.plainDataSource(), i % 3 == 2 ? options.withLeaseOnly() : options);
          Heard<SessionState> heard = new Heard<>();
          keeper.onStateChange(heard::add);
          keepers.add(keeper);
          states.add(heard);
          keeper.tree().create(NewNode.at("/up/" + i).mode(CreateMode.EPHEMERAL).withParents());
        }
        List<Stat> before = stats(keepers);

        server.stopFast();
        states.forEach(heard -> heard.await(SessionState.JEOPARDY));
        // Longer than the lease.
        Await.pause(options.timeout().plusSeconds(2));
        keepers.forEach(keeper -> assertThat(keeper.session().isHeld()).isFalse());
        server.startAgain();

        states.forEach(heard -> heard.await(SessionState.HELD));
        // When one ends that is silent from now on, a lease is over, and the reaper has had its
        // turn.
        long silent =
            database.queryLong(
                "SELECT ${schema}.session_open("
                    + options.timeout().toMillis()
                    + ", 2000, false, 'silent', 'here', 1)");
        Await.until("the silent one's end", () -> sessions(database, silent) == 0);
        keepers.forEach(
            keeper -> Await.until("held", () -> keeper.session().isHeld() || isLost(keeper)));
        assertThat(stats(keepers)).isEqualTo(before);
        assertThat(states).allSatisfy(h -> assertThat(h.all()).doesNotContain(SessionState.LOST));
      } finally {
        keepers.forEach(Keeper::close);
      }
    }
  }

  private static long sessions(TestDatabase database, long session) {
    return database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + session);
  }

  private static boolean isLost(Keeper keeper) {
    return keeper.state() == SessionState.LOST;
  }

  private static List<Stat> stats(List<Keeper> keepers) {
    List<Stat> stats = new ArrayList<>();
    for (int i = 0; i < keepers.size(); i++) {
      stats.add(keepers.get(i).tree().stat("/up/" + i));
    }
    return stats;
  }

  @Test
  void nobodyWaitsForTheTransactionThatBeganAnEpoch() throws Exception {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Connection first = database.connect();
        Connection second = database.connect();
        Statement one = first.createStatement();
        Statement other = second.createStatement()) {
      String number = "SELECT %s._next_zxid()".formatted(database.schema());
      database.execute(
          "UPDATE ${schema}.epoch SET server_started = server_started - interval '1 day'");
      first.setAutoCommit(false);
      long least = number(one, number);
      other.execute("SET lock_timeout = '20s'");
      long next = number(other, number);
      assertThat(next).isGreaterThan(least);
      assertThat(number(one, number)).isGreaterThan(next);
      first.commit();
      assertThat(database.queryString("SELECT current FROM ${schema}.epochs")).isEqualTo("t");
    }
  }

  private static long number(Statement statement, String sql) throws SQLException {
    try (ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  @Test
  void tokensGrowAcrossAServerThatWasKilled() {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper keeper = Keeper.connect(database.plainDataSource(), options(database))) {
      long last = 0;
      for (int restarts = 0; restarts < 3; restarts++) {
        long token = token(keeper, "/token");
        assertThat(token).isGreaterThan(last);
        last = burn(database, 40);
        assertThat(last).isGreaterThan(token);
        if (restarts < 2) {
          server.kill9();
          server.startAgain();
        }
      }
    }
  }

  @Test
  void whoWaitsInALinesRowWaitsOnThroughACrash() throws Exception {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper one = Keeper.connect(database.plainDataSource(), options(database));
        Keeper two = Keeper.connect(database.plainDataSource(), options(database));
        Keeper three = Keeper.connect(database.plainDataSource(), options(database))) {
      Held first = one.lock("/line").acquire();
      CompletableFuture<Held> second = waiting(two, 1);
      CompletableFuture<Held> third = waiting(three, 2);
      server.kill9();
      server.startAgain();
      Await.until("all are back", () -> isHeld(one) && isHeld(two) && isHeld(three));
      first.release();
      second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).ensureHeld();
      two.close();
      third.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).ensureHeld();
    }
  }

  @Test
  void aReleaseThatTheServerForgotIsRepeatedAndTheNextOneHoldsOn() throws Exception {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper one = Keeper.connect(database.plainDataSource(), options(database));
        Keeper two = Keeper.connect(database.plainDataSource(), options(database))) {
      Held first = one.lock("/line").acquire();
      CompletableFuture<Held> second = waiting(two, 1);
      database.execute("CREATE TABLE ${schema}.before AS SELECT * FROM ${schema}.gathering");
      first.release();
      Held held = second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      database.execute(
          "UPDATE ${schema}.gathering p SET holder = b.holder, token = b.token, waiting = b.waiting"
              + " FROM ${schema}.before b WHERE b.path = p.path AND p.path = '/line'");
      server.kill9();
      server.startAgain();
      Await.until(
          "the one who left has left again",
          () ->
              isHeld(two)
                  && database.queryLong(
                          "SELECT count(*) FROM ${schema}.locks WHERE token = " + held.token())
                      == 1);
      held.inTransaction(connection -> {});
      held.release();
    }
  }

  private static boolean isHeld(Keeper keeper) {
    return keeper.state() == SessionState.HELD;
  }

  private static CompletableFuture<Held> waiting(Keeper keeper, int place) {
    CompletableFuture<Held> held = keeper.lock("/line").acquireAsync();
    Await.until("it waits", () -> keeper.lock("/line").waiters().size() == place);
    return held;
  }

  /** Hands out this many numbers and returns the last. */
  private static long burn(TestDatabase database, int numbers) {
    return database.queryLong(
        "SELECT max(${schema}._next_zxid()) FROM generate_series(1, " + numbers + ")");
  }

  /** The number of a new node of this path, which is gone again afterwards. */
  private static long token(Keeper keeper, String path) {
    long token = keeper.tree().create(NewNode.at(path)).stat().czxid();
    keeper.tree().delete(path);
    return token;
  }

  /**
   * The primary dies, and what takes its place knows nothing of the last changes: no token repeats,
   * who was lost with the end is told, and who was not goes on.
   */
  @Test
  void aPromotedStandbyThatLostTheEndRepeatsNoToken() throws Exception {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper early = Keeper.connect(database.plainDataSource(), options(database))) {
      early.tree().create("/early", NOTHING, CreateMode.EPHEMERAL);
      token(early, "/token");
      Path data = server.dataDirectory();
      Path standby = data.resolveSibling("standby");
      server.stopFast();
      run("cp", "-a", data.toString(), standby.toString());
      server.startAgain();

      Heard<SessionState> earlyStates = new Heard<>();
      Heard<SessionState> lateStates = new Heard<>();
      try (Keeper late = Keeper.connect(database.plainDataSource(), options(database))) {
        late.onStateChange(lateStates::add);
        early.onStateChange(earlyStates::add);
        burn(database, 300);
        long last = token(late, "/token");

        server.kill9();
        Files.move(data, data.resolveSibling("dead"));
        Files.move(standby, data);
        Files.createFile(data.resolve("standby.signal"));
        server.startAgain();
        assertThatIllegalStateException()
            .isThrownBy(() -> Keeper.connect(database.plainDataSource(), options(database)))
            .withMessageContaining("standby");
        assertThat(database.queryLong("SELECT pg_promote(true, 60)::integer")).isEqualTo(1);

        lateStates.await(SessionState.LOST);
        earlyStates.await(SessionState.HELD);
        long timeline =
            database.queryLong(
                "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer");
        assertThat(timeline).isGreaterThan(1);
        long token = token(early, "/token");
        assertThat(token).isGreaterThan(last);
        assertThat(early.tree().stat("/early").ephemeralOwner()).isEqualTo(early.session().id());
        assertThat(earlyStates.all()).doesNotContain(SessionState.LOST);
      }
    }
  }

  /**
   * Without recovery.signal nothing tells the server that it is not the original: same cluster,
   * same timeline.
   */
  @Test
  void aBaseBackupThatIsStartedAsIfItWereTheOriginalRepeatsNoToken() throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server);
        Keeper early = Keeper.connect(database.plainDataSource(), options(database))) {
      token(early, "/token");
      Path data = server.dataDirectory();
      Path backup = data.resolveSibling("backup");
      backUp(database, data, backup);
      burn(database, 300);
      long last = token(early, "/token");

      server.kill9();
      Files.move(data, data.resolveSibling("lost"));
      Files.move(backup, data);
      server.startAgain();
      assertThat(
              database.queryLong(
                  "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"))
          .as("the timeline")
          .isEqualTo(1);
      try (Keeper late = Keeper.connect(database.plainDataSource(), options(database))) {
        assertThat(token(late, "/other-token")).isGreaterThan(last);
      }
    }
  }

  /** As pg_basebackup does, with the functions that are there for it. */
  private static void backUp(TestDatabase database, Path data, Path backup) throws Exception {
    int major = PrivateServer.major();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          major < 15
              ? "SELECT pg_start_backup('test', true, false)"
              : "SELECT pg_backup_start('test', true)");
      run("cp", "-a", data.toString(), backup.toString());
      String label;
      try (ResultSet row =
          statement.executeQuery(
              major < 15
                  ? "SELECT labelfile FROM pg_stop_backup(false, false)"
                  : "SELECT labelfile FROM pg_backup_stop(false)")) {
        row.next();
        label = row.getString(1);
      }
      Path file = Files.writeString(backup.resolve("backup_label"), label);
      run("chown", "--reference=" + backup, file.toString());
      run("cp", "-a", data.resolve("pg_wal").toString(), backup.toString());
      Files.delete(backup.resolve("postmaster.pid"));
    }
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
  }
}
