package dev.pgkeeper.fault;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException.ConnectionLoss;
import dev.pgkeeper.KeeperException.OutcomeUnknown;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Tree;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database, or a connection to it, that is not to be had for longer than a caller wants to wait.
 */
class AbsentDatabaseTest {
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final byte[] NOTHING = {};

  private static TestDatabase database;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema()).withOperationTimeout(PATIENCE);
  }

  @Test
  void withoutAPoolEveryCallEndsByTheOperationTimeoutAndWorksAgainAfterwards() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(proxy.through(database.jdbcUrl()));
      callsEndInTime(dataSource, proxy, "/plain");
    }
  }

  private static void callsEndInTime(DataSource dataSource, TcpProxy proxy, String path)
      throws Exception {
    // The patient one would end a session that is cut off for longer than its grace.
    Duration lease = Duration.ofMinutes(10);
    KeeperOptions options = options().withTimeout(lease).withGrace(lease);
    try (Keeper patient = database.keeper();
        Keeper keeper = Insist.on(() -> Keeper.connect(dataSource, options))) {
      patient.tree().create(path, NOTHING);
      Tree tree = keeper.tree();
      proxy.cut();
      for (Runnable call :
          List.<Runnable>of(
              () -> tree.get(path),
              () -> tree.set(path, NOTHING),
              () -> tree.create(path + "-", NOTHING, CreateMode.EPHEMERAL_SEQUENTIAL),
              () -> tree.exists(path, event -> {}))) {
        // Without a timeout it would try for as long as the database is away.
        assertThat(soon(onThread(() -> catchThrowable(call::run))))
            .isInstanceOfAny(ConnectionLoss.class, OutcomeUnknown.class);
      }
      proxy.mend();
      Await.until("held again", () -> keeper.state() == SessionState.HELD);
      int version = patient.tree().stat(path).version();
      assertThat(Insist.on(() -> tree.set(path, NOTHING)).version()).isGreaterThan(version);
    }
  }

  @Test
  void aSessionStaysAliveWhileThePoolIsExhausted() throws Exception {
    Heard<SessionState> states = new Heard<>();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(PATIENCE.toMillis());
    // A grace as long as the lease: on a slow machine too, jeopardy means that it was not renewed.
    Duration lease = Duration.ofSeconds(12);
    try (HikariDataSource pool = new HikariDataSource(config);
        Keeper keeper =
            Insist.on(() -> Keeper.connect(pool, options().withTimeout(lease).withGrace(lease)))) {
      keeper.onStateChange(states::add);
      String path =
          Insist.on(() -> keeper.tree().create("/pool-", NOTHING, CreateMode.EPHEMERAL_SEQUENTIAL));
      List<Connection> borrowed =
          new ArrayList<>(List.of(pool.getConnection(), pool.getConnection()));
      for (int renewals = 0; renewals < 2; renewals++) {
        long since = renewedMicros(keeper);
        Await.until("its lease is renewed", () -> renewedMicros(keeper) > since);
        assertThat(keeper.session().isHeld()).isTrue();
      }
      assertThat(catchThrowable(() -> keeper.tree().get(path))).isInstanceOf(ConnectionLoss.class);
      for (Connection connection : borrowed) {
        connection.close();
      }
      assertThat(Insist.on(() -> keeper.tree().stat(path)).ephemeralOwner())
          .isEqualTo(keeper.session().id());
      assertThat(states.all()).isEmpty();
    }
  }

  /**
   * A pool that is made before this is closed hands out a connection that rested without a look.
   */
  private static AutoCloseable neverAskWhetherAlive() {
    String window = "com.zaxxer.hikari.aliveBypassWindowMs";
    System.setProperty(window, Long.toString(Duration.ofHours(1).toMillis()));
    return () -> System.clearProperty(window);
  }

  private static long renewedMicros(Keeper keeper) {
    return database.queryLong(
        "SELECT (extract(epoch FROM renewed) * 1000000)::bigint FROM ${schema}.session WHERE id = "
            + keeper.session().id());
  }

  /** No error comes back from a network that swallows everything: only a clock can end the call. */
  @Test
  void aCallWhoseReplyNeverComesEndsByTheOperationTimeout() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      config.setMaximumPoolSize(4);
      config.setConnectionTimeout(Duration.ofMinutes(10).toMillis());
      try (AutoCloseable asked = neverAskWhetherAlive();
          HikariDataSource pool = new HikariDataSource(config);
          Keeper patient = database.keeper();
          Keeper keeper = Insist.on(() -> Keeper.connect(pool, options()))) {
        Await.until(
            "connections that need not be opened",
            () -> pool.getHikariPoolMXBean().getIdleConnections() == 4);
        patient.tree().create("/swallowed", NOTHING);
        Tree tree = keeper.tree();
        proxy.stallToClient();
        try {
          assertThat(soon(onThread(() -> catchThrowable(() -> tree.set("/swallowed", NOTHING)))))
              .isInstanceOfAny(ConnectionLoss.class, OutcomeUnknown.class);
        } finally {
          proxy.mend();
        }
      }
    }
  }
}
