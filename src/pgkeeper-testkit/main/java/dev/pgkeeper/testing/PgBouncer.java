package dev.pgkeeper.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** A PgBouncer of the test's own in front of a server: Debian's package {@code pgbouncer}. */
public final class PgBouncer implements AutoCloseable {

  private final Path home;
  private final int port;
  private final Process process;

  private PgBouncer(PrivateServer server, String mode, int poolSize) throws IOException {
    Path program = Installed.need("pgbouncer");
    PostgresBinaries binaries = PostgresBinaries.get();
    home = RunDirectory.newDirectory("pgbouncer");
    port = PrivateServer.freePort();
    Path users = Files.writeString(home.resolve("users"), "");
    Path settings =
        Files.writeString(
            home.resolve("ini"),
            """
            [databases]
            * = host=127.0.0.1 port=%d user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = %d
            unix_socket_dir =
            auth_type = any
            admin_users = postgres
            auth_file = %s
            pool_mode = %s
            default_pool_size = %d
            ignore_startup_parameters = extra_float_digits
            """
                .formatted(server.port(), port, users, mode, poolSize));
    for (Path path : List.of(home, users, settings)) {
      binaries.handOver(path);
    }
    process =
        binaries
            .unprivileged(program, settings.toString())
            .redirectErrorStream(true)
            .redirectOutput(home.resolve("log").toFile())
            .start();
  }

  /** Whether this machine has the program. */
  public static boolean isInstalled() {
    return Installed.find("pgbouncer").isPresent();
  }

  /**
   * A running one.
   *
   * @param mode session, transaction or statement
   */
  public static PgBouncer start(PrivateServer server, String mode) {
    return start(server, mode, 20);
  }

  /** Starts one with this many connections to the server. */
  public static PgBouncer start(PrivateServer server, String mode, int poolSize) {
    try {
      PgBouncer bouncer = new PgBouncer(server, mode, poolSize);
      try {
        Await.until(bouncer::log, bouncer::takesConnections);
        return bouncer;
      } catch (AssertionError e) {
        bouncer.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String jdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres";
  }

  /**
   * Something that its console does, as {@code RECONNECT}. By {@code psql}: the console knows no
   * SET, and the driver begins with one.
   */
  public void command(String command) throws IOException, InterruptedException {
    String psql = Installed.need("psql").toString();
    Process console =
        new ProcessBuilder(
                psql, "-h127.0.0.1", "-p" + port, "-Upostgres", "-c" + command, "pgbouncer")
            .redirectErrorStream(true)
            .start();
    String said = new String(console.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (console.waitFor() != 0) {
      throw new IOException("PgBouncer's console: " + said);
    }
  }

  private boolean takesConnections() {
    try (Connection connection = DriverManager.getConnection(jdbcUrl() + "&connectTimeout=60")) {
      return connection.isValid(5);
    } catch (SQLException e) {
      return false;
    }
  }

  private String log() {
    try {
      return "PgBouncer takes no connections:\n" + Files.readString(home.resolve("log"));
    } catch (IOException e) {
      return "PgBouncer takes no connections: " + e;
    }
  }

  @Override
  public void close() {
    try {
      process.destroyForcibly().waitFor();
      TestFiles.deleteRecursively(home);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
