package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class PrivateServerTest {

  @Test
  void whatWasCommittedIsThereAfterEveryWayToStop() throws SQLException {
    try (PrivateServer server = PrivateServer.start(Map.of("work_mem", "5MB"))) {
      int port = server.port();
      execute(server, "CREATE TABLE survivor (way text)");

      execute(server, "INSERT INTO survivor VALUES ('fast')");
      server.stopFast();
      assertThat(server.isRunning()).isFalse();
      assertThatThrownBy(() -> DriverManager.getConnection(server.jdbcUrl()))
          .isInstanceOf(SQLException.class);
      server.startAgain();

      execute(server, "INSERT INTO survivor VALUES ('immediate')");
      server.stopImmediate();
      server.startAgain();

      try (Connection busy = DriverManager.getConnection(server.jdbcUrl());
          Statement statement = busy.createStatement()) {
        statement.execute("INSERT INTO survivor VALUES ('killed')");
        server.kill9();
      }
      assertThat(server.isRunning()).isFalse();
      server.startAgain();

      assertThat(query(server, "SELECT string_agg(way, ' ' ORDER BY way) FROM survivor"))
          .isEqualTo("fast immediate killed");
      assertThat(query(server, "SHOW work_mem")).isEqualTo("5MB");
      assertThat(server.port()).isEqualTo(port);
      for (String durable : new String[] {"fsync", "synchronous_commit", "full_page_writes"}) {
        assertThat(query(server, "SHOW " + durable)).as(durable).isEqualTo("on");
      }
    }
  }

  @Test
  void aCrashIsToldInTheEnd() throws SQLException {
    PrivateServer server = PrivateServer.start();
    try (Connection connection = DriverManager.getConnection(server.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
      row.next();
      PrivateServer.signal("SEGV", row.getLong(1));
      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(60)"))
          .isInstanceOf(SQLException.class);
    }
    assertThatThrownBy(server::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has crashed")
        .hasMessageContaining("signal 11");
    assertThat(server.dataDirectory()).doesNotExist();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aKilledServerLeavesNoSharedMemoryBehind() throws IOException {
    try (PrivateServer server = PrivateServer.start()) {
      String segment =
          Files.readAllLines(server.dataDirectory().resolve("postmaster.pid"))
              .get(6)
              .strip()
              .split(" +")[1];
      server.kill9();
      assertThat(sharedMemory()).as("what only its lock file names").contains(segment);
      server.close();
      assertThat(sharedMemory()).doesNotContain(segment);
    }
  }

  /** The segments of the whole machine, by their numbers. */
  private static List<String> sharedMemory() throws IOException {
    try (Stream<String> segments = Files.lines(Path.of("/proc/sysvipc/shm"))) {
      return segments.map(segment -> segment.strip().split(" +")[1]).toList();
    }
  }

  @Test
  void aChildProcessStoppedInItsTracksGoesOnWhereItWas() throws Exception {
    try (ChildProcess child = ChildProcess.start(Echo.class)) {
      child.awaitLine("ready");
      child.stop();
      child.send("hello");
      assertThatThrownBy(() -> child.awaitLine("heard ", Duration.ofMillis(300)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("No line \"heard …\" within PT0.3S");
      child.cont();
      assertThat(child.awaitLine("heard ")).isEqualTo("hello");
      child.kill9();
      assertThat(child.isAlive()).isFalse();
    }
  }

  /** Run as a process of its own. */
  static final class Echo {
    public static void main(String[] arguments) throws IOException {
      System.out.println("ready");
      var in = new BufferedReader(new InputStreamReader(System.in));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        System.out.println("heard " + line);
      }
    }
  }

  private static void execute(PrivateServer server, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(server.jdbcUrl());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String query(PrivateServer server, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(server.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }
}
