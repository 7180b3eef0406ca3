package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Roles whose rights to connect change while their clients run. */
class CredentialsTest {
  private TestDatabase database;
  private PrivateServer server;
  private String role;
  private HikariDataSource pool;

  @BeforeEach
  void open() throws IOException {
    server = PrivateServer.start();
    database = TestDatabase.freshOn(server);
    role = "rotated";
    database.execute("CREATE ROLE " + role + " LOGIN PASSWORD 'first'");
    database.execute("CALL ${schema}.grant_application('" + role + "')");
    askForItsPassword();
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.urlOfNobody());
    config.setUsername(role);
    config.setPassword("first");
    config.setMaximumPoolSize(4);
    pool = new HikariDataSource(config);
  }

  @AfterEach
  void close() {
    pool.close();
    database.close();
    server.close();
  }

  /** Servers of tests trust everybody. */
  private void askForItsPassword() throws IOException {
    Path rules = Path.of(database.queryString("SHOW hba_file"));
    Files.writeString(
        rules, "host all rotated 127.0.0.1/32 scram-sha-256\n" + Files.readString(rules));
    database.execute("SELECT pg_reload_conf()");
    Await.until(
        "the password counts",
        () -> {
          try (Connection unasked =
              DriverManager.getConnection(database.urlOfNobody(), role, "wrong")) {
            return !unasked.isValid(1);
          } catch (SQLException e) {
            return "28P01".equals(e.getSQLState());
          }
        });
  }

  private KeeperOptions options() {
    return KeeperOptions.defaults()
        .withSchema(database.schema())
        .withTimeout(Duration.ofMinutes(5))
        .withGrace(Duration.ofMinutes(5));
  }

  private boolean isDirect(Keeper keeper) {
    return database
        .queryString("SELECT direct FROM ${schema}.session WHERE id = " + keeper.session().id())
        .equals("t");
  }

  /** The pool is told of the new one; nobody tells pgkeeper. */
  @Test
  void aPasswordThatWasChangedIsUsedForTheNextConnectionOfItsOwn() {
    try (Keeper keeper = Keeper.connect(pool, options())) {
      database.execute("ALTER ROLE " + role + " PASSWORD 'second'");
      pool.getHikariConfigMXBean().setPassword("second");
      SessionLog.reconnect(database, keeper);
      Await.until("held again", () -> keeper.state() == SessionState.HELD);
      assertThat(isDirect(keeper)).isTrue();
    }
  }

  /**
   * A limit of connections, a firewall between two of its networks, a password for the pool alone.
   */
  @Test
  void whoCannotOpenAConnectionOfItsOwnGoesOnByItsLease() throws Exception {
    boolean[] refused = {false};
    KeeperOptions options =
        options()
            .withListener(
                () -> {
                  if (refused[0]) {
                    throw new SQLException("too many connections for role", "53300");
                  }
                  return database.connect();
                });
    try (Keeper keeper = Keeper.connect(pool, options);
        Keeper other = database.keeper();
        Held held = keeper.lock("/kept").acquire()) {
      refused[0] = true;
      SessionLog.terminateBackendOf(database, keeper.session().id());
      Await.until("only its lease counts", () -> !isDirect(keeper));
      Await.until(
          "held again", () -> keeper.state() == SessionState.HELD && keeper.session().isHeld());
      database.execute("CALL ${schema}.reap()");
      assertThat(held.isHeld()).isTrue();
      held.inTransaction(connection -> {});
      keeper.tree().create("/watched", new byte[0]);
      CountDownLatch told = new CountDownLatch(1);
      keeper.tree().get("/watched", event -> told.countDown());
      other.tree().set("/watched", new byte[1]);
      assertThat(told.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).as("polled for").isTrue();
      refused[0] = false;
      Await.until("its own connection is back", () -> isDirect(keeper));
      Await.until("held", () -> keeper.state() == SessionState.HELD && keeper.session().isHeld());
    }
  }
}
