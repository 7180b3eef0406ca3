package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PgBouncer;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.WatchedEvent;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** What a keeper can do through a real PgBouncer. */
class BehindPgBouncerTest {

  /** More than the driver's prepareThreshold. */
  private static final int OFTEN = 20;

  private static PrivateServer server;
  private static TestDatabase database;

  @BeforeAll
  static void open() {
    server = PrivateServer.start();
    database = TestDatabase.freshOn(server);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static HikariDataSource pool(String url) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setMaximumPoolSize(3);
    return new HikariDataSource(config);
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  private static boolean isConnected(Keeper keeper) {
    return database.queryLong(
            "SELECT count(*) FROM ${schema}.sessions WHERE connected AND session = "
                + keeper.session().id())
        == 1;
  }

  @Test
  void inSessionModeItHearsRingsAndItsConnectionCountsAsItsOwn() throws Exception {
    try (PgBouncer bouncer = PgBouncer.start(server, "session");
        HikariDataSource pool = pool(bouncer.jdbcUrl());
        Keeper keeper = Keeper.connect(pool, options().withSweep(Duration.ofHours(1)))) {
      assertThat(isConnected(keeper)).isTrue();
      hearsAndLocks(keeper, "/session");
    }
  }

  @Test
  void inTransactionModeItPollsAndDoesEverythingElse() throws Exception {
    try (PgBouncer bouncer = PgBouncer.start(server, "transaction");
        HikariDataSource pool = pool(bouncer.jdbcUrl() + "&prepareThreshold=0");
        Keeper keeper = Keeper.connect(pool, options().withSweep(Duration.ofSeconds(1)))) {
      assertThat(isConnected(keeper)).isFalse();
      hearsAndLocks(keeper, "/transaction");
    }
  }

  @Test
  void inTransactionModeWithADirectConnectionForListeningItHearsRings() throws Exception {
    PGSimpleDataSource direct = database.plainDataSource();
    try (PgBouncer bouncer = PgBouncer.start(server, "transaction");
        HikariDataSource pool = pool(bouncer.jdbcUrl() + "&prepareThreshold=0");
        Keeper keeper =
            Keeper.connect(
                pool,
                options().withSweep(Duration.ofHours(1)).withListener(direct::getConnection))) {
      assertThat(isConnected(keeper)).isTrue();
      hearsAndLocks(keeper, "/direct");
    }
  }

  private static void hearsAndLocks(Keeper keeper, String path) throws Exception {
    CompletableFuture<WatchedEvent> heard = new CompletableFuture<>();
    keeper.tree().create(path, new byte[0]);
    keeper.tree().get(path, heard::complete);
    database.execute("SELECT ${schema}.set('" + path + "', 'new')");
    assertThat(heard.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).path()).isEqualTo(path);
    for (int i = 0; i < OFTEN; i++) {
      keeper.tree().set(path, new byte[] {(byte) i}, -1);
      try (Held held = keeper.lock(path + "-lock").acquire(Await.LIMIT)) {
        held.inTransaction(connection -> connection.createStatement().execute("SELECT 1"));
      }
    }
  }
}
