package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SettableClockTest {
  /** The start of a process, and whole seconds. */
  private static final Duration RIGHT = Duration.ofSeconds(10);

  private PrivateServer server;
  private SettableClock clock;

  @BeforeEach
  void start() throws Exception {
    server = PrivateServer.start();
    server.stopFast();
    clock = SettableClock.right(Installed.need("faketime", SettableClock.library()));
    clock.environment().forEach(server::environment);
    server.startAgain();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void aRunningServerTakesTheClockThatIsSet() throws Exception {
    try (Connection connection = DriverManager.getConnection(server.jdbcUrl())) {
      assertThat(ahead(connection).abs()).isLessThan(RIGHT);
      clock.set(3600);
      assertThat(ahead(connection).minusHours(1).abs()).isLessThan(RIGHT);
      clock.set(-3600);
      assertThat(ahead(connection).plusHours(1).abs()).isLessThan(RIGHT);
    }
  }

  private static Duration ahead(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
      row.next();
      return Duration.between(Instant.now(), row.getObject(1, OffsetDateTime.class).toInstant());
    }
  }
}
