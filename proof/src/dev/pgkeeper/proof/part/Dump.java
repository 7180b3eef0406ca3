package dev.pgkeeper.proof.part;

import dev.pgkeeper.testing.PrivateServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What {@code pg_dump} wrote down of the clients' database, which {@code pg_restore} puts in its
 * place again, on this or another server: beside it first, so that nobody meets half of it.
 */
final class Dump implements AutoCloseable {
  /** The database that clients connect to. */
  private static final String CLIENTS = "postgres";

  private static final String BESIDE = "restored";

  private final Path file;

  private Dump(Path file) {
    this.file = file;
  }

  /**
   * Whether this machine's programs know the servers.
   *
   * @throws Part.Unavailable if they are missing, or older
   */
  static void check(String server) throws Part.Unavailable, InterruptedException {
    String said = Command.run("pg_dump", "--version").strip();
    if (major(said.replaceAll("[^0-9]*([0-9.]+).*", "$1")) < major(server)) {
      throw new Part.Unavailable(
          said
              + " does not read PostgreSQL "
              + server
              + ": apt-get install postgresql-client-"
              + major(server)
              + ", or try it with --postgres on an older one");
    }
  }

  private static int major(String version) {
    return Integer.parseInt(version.replaceAll("\\..*", ""));
  }

  static Dump of(PrivateServer server) throws IOException, InterruptedException {
    Dump dump = new Dump(Files.createTempFile("pgkeeper-proof-", ".dump"));
    run("pg_dump", "--format=custom", "--file=" + dump.file, at(server, CLIENTS));
    return dump;
  }

  /** Takes the clients' database away: whoever connects is told that there is none. */
  static void takeAway(PrivateServer server) throws SQLException {
    administrate(server, "ALTER DATABASE " + CLIENTS + " ALLOW_CONNECTIONS false");
    administrate(
        server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + CLIENTS + "'");
    administrate(server, "ALTER DATABASE " + CLIENTS + " RENAME TO lost");
  }

  /**
   * Puts what was dumped where the clients' database was taken away.
   *
   * @param step what is done before any client can connect
   */
  void restoreInto(PrivateServer server, String step) throws SQLException, InterruptedException {
    administrate(server, "CREATE DATABASE " + BESIDE + " TEMPLATE template0");
    run("pg_restore", "--exit-on-error", "--dbname=" + at(server, BESIDE), file.toString());
    if (!step.isEmpty()) {
      execute(server, BESIDE, step);
    }
    administrate(server, "ALTER DATABASE " + BESIDE + " RENAME TO " + CLIENTS);
  }

  private static String at(PrivateServer server, String database) {
    return "host=127.0.0.1 port=%d user=postgres dbname=%s".formatted(server.port(), database);
  }

  /** The programs are there: what they do not do is wrong. */
  private static void run(String... command) throws InterruptedException {
    try {
      Command.run(command);
    } catch (Part.Unavailable e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static void administrate(PrivateServer server, String sql) throws SQLException {
    execute(server, "template1", sql);
  }

  private static void execute(PrivateServer server, String database, String sql)
      throws SQLException {
    try (Connection connection =
            DriverManager.getConnection(
                server.jdbcUrl().replace("/" + CLIENTS + "?", "/" + database + "?"));
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() throws IOException {
    Files.delete(file);
  }
}
