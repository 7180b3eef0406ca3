package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Something takes longer than the session's timeout, and is no reason to lose the session: a row
 * that somebody holds, a pool that the application has emptied, threads that are all blocked.
 */
class BusyDatabaseTest {
  /** A grace as long as the lease: jeopardy means that it was not renewed, not a slow machine. */
  private static final Duration TIMEOUT = Duration.ofSeconds(12);

  private final List<Object> told = new CopyOnWriteArrayList<>();
  private TestDatabase database;
  private SessionLog sessions;
  private HikariDataSource pool;
  private Keeper reaper;
  private Keeper keeper;
  private Held quick;
  private Held waited;

  @BeforeEach
  void hold() throws Exception {
    database = TestDatabase.fresh();
    sessions = SessionLog.of(database);
    KeeperOptions options =
        KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofMillis(200));
    reaper = Keeper.connect(database.dataSource(), options);
    pool = database.newPool(4);
    pool.setConnectionTimeout(Duration.ofSeconds(10).toMillis());
    keeper = Keeper.connect(pool, options.withTimeout(TIMEOUT).withGrace(TIMEOUT));
    quick = keeper.lock("/busy/quick").acquire();
    waited = afterWaiting(keeper, "/busy/waited");
    keeper.onStateChange(told::add);
    quick.onStateChange(told::add);
    waited.onStateChange(told::add);
  }

  @AfterEach
  void drop() {
    keeper.close();
    reaper.close();
    database.close();
  }

  /** A hold with a node of its own, as those have that had to wait and have data. */
  private Held afterWaiting(Keeper holder, String path) throws InterruptedException {
    try (Held first = reaper.lock(path).acquire()) {
      CompletableFuture<Held> second = holder.lock(path).withData(new byte[] {1}).acquireAsync();
      Await.until("one waits", () -> !reaper.lock(path).waiters().isEmpty());
      first.release();
      return second.join();
    }
  }

  /** Runs while somebody's transaction holds these rows. */
  private void whileHeld(String rows, Runnable meanwhile) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(rows.replace("${schema}", database.schema()));
      meanwhile.run();
      staysHeld();
      connection.rollback();
    }
  }

  /** The session is renewed meanwhile, and nobody is told anything else. */
  private void staysHeld() {
    long since = sessions.nowMicros();
    Await.until("its lease is renewed", () -> renewedMicros() > since);
    assertThat(sessions.endedAtMicros(keeper.session().id())).as("the session's end").isZero();
    assertThat(told).doesNotContain(HoldState.LOST);
    Await.until("both are held", () -> quick.isHeld() && waited.isHeld());
  }

  private long renewedMicros() {
    return database.queryLong(
        "SELECT (extract(epoch FROM renewed) * 1000000)::bigint FROM ${schema}.session WHERE id = "
            + keeper.session().id());
  }

  private long backendsThatWait() {
    return database.queryLong(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${schema}%'");
  }

  @Test
  void aHeldLineDelaysThoseWhoJoinOrLeaveItAndNobodysSession() throws Exception {
    List<CompletableFuture<?>> stuck = new ArrayList<>();
    whileHeld(
        "SELECT FROM ${schema}.gathering WHERE path LIKE '/busy/%' FOR UPDATE",
        () -> {
          stuck.add(CompletableFuture.runAsync(waited::close));
          stuck.add(keeper.lock("/busy/quick").acquireAsync());
          Await.until("somebody waits for the row", () -> backendsThatWait() > 0);
          waited = quick; // for the other one there is nothing to hold on to any more
        });
    stuck.get(0).join();
    stuck.get(1).cancel(true);
  }

  @Test
  void aHeldContenderDelaysItselfAndNobodysSession() throws Exception {
    Held first = reaper.lock("/busy/turn").acquire();
    CompletableFuture<Held> second =
        keeper.lock("/busy/turn").withData(new byte[] {1}).acquireAsync();
    Await.until("one waits", () -> !reaper.lock("/busy/turn").waiters().isEmpty());
    whileHeld(
        "SELECT FROM ${schema}.node WHERE parent = '/busy/turn' FOR UPDATE",
        () -> {
          // Its turn comes, and each sweep finds that it could take it.
          database.execute("DELETE FROM ${schema}.session WHERE id = " + reaper.session().id());
          assertThat(second).isNotDone();
        });
    assertThat(told).as("states").isEmpty();
    assertThat(second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).isHeld()).isTrue();
    assertThat(first.isHeld()).as("the one whose session went").isFalse();
  }

  @Test
  void whatWasReleasedBeforeABreakDelaysNobodysSessionAfterIt() throws Exception {
    Held other = afterWaiting(keeper, "/busy/other");
    other.release();
    keeper.lock("/busy/again").acquire().release();
    whileHeld(
        "SELECT FROM ${schema}.gathering WHERE path IN ('/busy/other', '/busy/again') FOR UPDATE",
        () -> {
          assertThat(SessionLog.terminateBackendOf(database, keeper.session().id())).isTrue();
          Await.until(
              "the session and both holds are told that all is well again",
              () -> told.size() == 6 && keeper.session().isHeld());
          told.clear();
        });
    assertThat(told).as("states").isEmpty();
  }

  @Test
  void aWatchedNodeThatIsHeldDelaysNobodysSession() throws Exception {
    keeper.tree().create("/watched", new byte[0]);
    keeper.tree().get("/watched", event -> {});
    whileHeld("SELECT FROM ${schema}.node WHERE path = '/watched' FOR UPDATE", () -> {});
    assertThat(told).as("states").isEmpty();
  }

  @Test
  void anEmptyPoolFailsTheGuardsAndNobodysSession() throws Exception {
    database.execute("CREATE TABLE ${schema}.done (n int)");
    List<Connection> taken = new ArrayList<>();
    for (int i = 0; i < pool.getMaximumPoolSize(); i++) {
      taken.add(pool.getConnection());
    }
    assertThatThrownBy(() -> quick.inTransaction(this::write))
        .isInstanceOf(KeeperException.ConnectionLoss.class);
    staysHeld();
    assertThat(told).as("states").isEmpty();
    for (Connection connection : taken) {
      connection.close();
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.done")).isZero();
    quick.inTransaction(this::write);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.done")).isEqualTo(1);
  }

  private void write(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO " + database.schema() + ".done VALUES (1)");
    }
  }

  @Test
  void blockedThreadsDelayWhatWaitsForThemAndNobodysSession() throws Exception {
    CountDownLatch free = new CountDownLatch(1);
    for (int i = 0; i < 64; i++) {
      var unused =
          keeper.async(
              tree -> {
                awaitUninterruptibly(free);
                return tree;
              });
    }
    CompletableFuture<Held> later = keeper.lock("/busy/later").acquireAsync();
    staysHeld();
    assertThat(told).as("states").isEmpty();
    assertThat(later).isNotDone();
    try (Held now = keeper.lock("/busy/now").acquire(Await.LIMIT)) {
      assertThat(now.isHeld()).isTrue();
    }
    free.countDown();
    assertThat(later.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).isHeld()).isTrue();
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The server rolls back; whether the driver tells depends on its settings. */
  private static void tryToCommit(Connection connection) {
    try {
      connection.commit();
    } catch (SQLException e) {
      assertThat(e.getMessage()).contains("ROLLBACK");
    }
  }

  /** What guards are for: the session went, and the client does not know yet. */
  @Test
  void guardsFailOnceTheSessionIsOver() throws Exception {
    database.execute("CREATE TABLE ${schema}.done (n int)");
    database.execute("SELECT ${schema}.session_end(" + keeper.session().id() + ")");
    for (Held held : List.of(quick, waited)) {
      assertThatThrownBy(() -> held.inTransaction(this::write))
          .isInstanceOf(KeeperException.NotHeld.class);
      try (Connection connection = database.connect()) {
        connection.setAutoCommit(false);
        write(connection);
        assertThatThrownBy(() -> held.fence(connection))
            .isInstanceOf(KeeperException.NotHeld.class);
        tryToCommit(connection);
      }
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.done")).isZero();
    Await.until("the client knows", () -> quick.state() == HoldState.LOST && !quick.isHeld());
  }
}
