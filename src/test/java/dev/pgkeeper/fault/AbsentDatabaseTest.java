package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.CreateMode;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException.ConnectionLoss;
import dev.pgkeeper.KeeperException.OutcomeUnknown;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Tree;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
  private static final Duration ABOUT = Duration.ofSeconds(4);
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
  void withoutAPoolEveryCallEndsWithinAboutTheOperationTimeoutAndWorksAgainAfterwards() {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource dataSource = new PGSimpleDataSource();
      dataSource.setUrl(proxy.through(database.jdbcUrl()));
      callsEndInTime(dataSource, proxy, "/plain");
    }
  }

  private static void callsEndInTime(DataSource dataSource, TcpProxy proxy, String path) {
    try (Keeper keeper = Keeper.connect(dataSource, options())) {
      Tree tree = keeper.tree();
      tree.create(path, NOTHING);
      proxy.cut();
      for (Runnable call :
          List.<Runnable>of(
              () -> tree.get(path),
              () -> tree.set(path, NOTHING),
              () -> tree.create(path + "-", NOTHING, CreateMode.EPHEMERAL_SEQUENTIAL),
              () -> tree.exists(path, event -> {}))) {
        long began = System.nanoTime();
        Throwable thrown = catchThrowable(call::run);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(ABOUT);
        assertThat(thrown).isInstanceOfAny(ConnectionLoss.class, OutcomeUnknown.class);
      }
      proxy.mend();
      Await.until("held again", () -> keeper.state() == SessionState.HELD);
      int version = tree.stat(path).version();
      assertThat(tree.set(path, NOTHING).version()).isEqualTo(version + 1);
    }
  }

  @Test
  void aSessionStaysAliveWhileThePoolIsExhausted() throws Exception {
    Heard<SessionState> states = new Heard<>();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Duration.ofSeconds(1).toMillis());
    try (HikariDataSource pool = new HikariDataSource(config);
        Keeper keeper =
            Keeper.connect(
                pool,
                options().withTimeout(Duration.ofSeconds(2)).withGrace(Duration.ofMillis(800)))) {
      keeper.onStateChange(states::add);
      keeper.tree().create("/exhausted", NOTHING, CreateMode.EPHEMERAL);
      List<Connection> borrowed =
          new ArrayList<>(List.of(pool.getConnection(), pool.getConnection()));
      // Two leases long.
      long end = System.nanoTime() + Duration.ofMillis(5500).toNanos();
      while (System.nanoTime() - end < 0) {
        assertThat(keeper.isHeld()).isTrue();
        Await.pause(Duration.ofMillis(20));
      }
      assertThat(catchThrowable(() -> keeper.tree().get("/exhausted")))
          .isInstanceOf(ConnectionLoss.class);
      for (Connection connection : borrowed) {
        connection.close();
      }
      assertThat(keeper.tree().stat("/exhausted").ephemeralOwner()).isEqualTo(keeper.sessionId());
      assertThat(states.all()).isEmpty();
    }
  }

  /** No error comes back from a network that swallows everything: only a clock can end the call. */
  @Test
  void aCallWhoseReplyNeverComesEndsWithinAboutTheOperationTimeout() throws Exception {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      config.setMaximumPoolSize(4);
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper keeper = Keeper.connect(pool, options())) {
        Tree tree = keeper.tree();
        tree.create("/swallowed", NOTHING);
        proxy.stallToClient();
        CompletableFuture<Throwable> ended =
            CompletableFuture.supplyAsync(
                () -> catchThrowable(() -> tree.set("/swallowed", NOTHING)));
        try {
          assertThat(ended.get(ABOUT.toMillis(), TimeUnit.MILLISECONDS))
              .isInstanceOfAny(ConnectionLoss.class, OutcomeUnknown.class);
        } finally {
          proxy.mend();
        }
      }
    }
  }
}
