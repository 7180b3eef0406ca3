package dev.pgkeeper.cli.embedded;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A PostgreSQL of this process's own, gone with it, data included. As durable as one in production;
 * on the loopback address only, with a password that is made up for it.
 */
public final class EmbeddedServer implements AutoCloseable {
  private static final Duration LONGEST_START = Duration.ofSeconds(60);
  private static final int PORTS_TRIED = 5;

  private static final List<String> SETTINGS =
      List.of(
          "fsync=on",
          "synchronous_commit=on",
          "full_page_writes=on",
          "shared_buffers=64MB",
          "timezone=UTC",
          "listen_addresses=127.0.0.1",
          "unix_socket_directories=");

  private final Path home;
  private final Guard guard;
  private final PGSimpleDataSource dataSource = new PGSimpleDataSource();
  private final String password = newPassword();

  private EmbeddedServer(Path home) throws IOException {
    this.home = home;
    this.guard = new Guard(home);
  }

  /** Starts one and waits until it takes connections. */
  public static EmbeddedServer start() {
    try {
      Unprivileged user = Unprivileged.find();
      Path temporary =
          TrustedDirectory.check(
              user.directory(), "set -Djava.io.tmpdir in JAVA_TOOL_OPTIONS to another directory");
      EmbeddedServer server =
          new EmbeddedServer(Files.createTempDirectory(temporary, "pgkeeper-server-"));
      try {
        user.letThrough(server.home);
        Path programs = Programs.forServer(user, server.home).resolve("bin");
        server.initialize(user, programs);
        server.launch(user, programs);
        return server;
      } catch (IOException | RuntimeException e) {
        server.close();
        throw e;
      }
    } catch (IOException e) {
      throw new Failure("PostgreSQL could not be started: " + e.getMessage(), e);
    }
  }

  /** The URL, without credentials. */
  public String url() {
    return "jdbc:postgresql://127.0.0.1:" + port() + "/postgres";
  }

  public String user() {
    return "postgres";
  }

  public String password() {
    return password;
  }

  public int port() {
    return dataSource.getPortNumbers()[0];
  }

  /** Opens a connection each time. */
  public PGSimpleDataSource dataSource() {
    return dataSource;
  }

  /** Where its data is, for as long as it runs. */
  public Path directory() {
    return home;
  }

  /** Stops the server and removes its data. May be called more than once. */
  @Override
  public void close() {
    guard.close();
  }

  /**
   * The directory stays this user's, and the server's user gets what it needs in it: else that user
   * could lead by a link elsewhere what is written here.
   */
  private void initialize(Unprivileged user, Path programs) throws IOException {
    Path passwordFile = newFile("password");
    Files.writeString(passwordFile, password);
    user.handOver(passwordFile);
    user.handOver(
        Files.createDirectory(
            home.resolve("data"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))));
    newFile("log");
    Process initdb =
        user.command(
                List.of(
                    programs.resolve("initdb").toString(),
                    "--auth=scram-sha-256",
                    "--username=" + user(),
                    "--pwfile=" + passwordFile,
                    "--encoding=UTF8",
                    "--no-locale",
                    "--pgdata=" + home.resolve("data")))
            .redirectOutput(log().toFile())
            .start();
    guard.watchOver(initdb);
    try {
      if (!initdb.waitFor(LONGEST_START.toSeconds(), TimeUnit.SECONDS) || initdb.exitValue() != 0) {
        throw new IOException("initdb: " + lastLine());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted during initdb", e);
    }
    Files.delete(passwordFile);
  }

  /** A port that is free now may be taken a moment later; then another one is tried. */
  private void launch(Unprivileged user, Path programs) throws IOException {
    for (int tries = 1; ; tries++) {
      int port = freePort();
      List<String> arguments = new ArrayList<>();
      arguments.add(programs.resolve("postgres").toString());
      arguments.addAll(List.of("-D", home.resolve("data").toString(), "-p", "" + port));
      SETTINGS.forEach(setting -> arguments.addAll(List.of("-c", setting)));
      Process postmaster = user.command(arguments).redirectOutput(log().toFile()).start();
      guard.watchOver(postmaster);
      dataSource.setServerNames(new String[] {"127.0.0.1"});
      dataSource.setPortNumbers(new int[] {port});
      dataSource.setDatabaseName("postgres");
      dataSource.setUser(user());
      dataSource.setPassword(password);
      if (takesConnections(postmaster)) {
        return;
      } else if (tries == PORTS_TRIED
          || !Files.readString(log()).contains("Address already in use")) {
        throw new IOException(lastLine());
      }
    }
  }

  /** Asks until it does; false if it ended instead. */
  private boolean takesConnections(Process postmaster) throws IOException {
    long deadline = System.nanoTime() + LONGEST_START.toNanos();
    while (System.nanoTime() - deadline < 0) {
      try (Connection connection = dataSource.getConnection()) {
        return connection.isValid(5);
      } catch (SQLException e) {
        try {
          if (postmaster.waitFor(20, TimeUnit.MILLISECONDS)) {
            return false;
          }
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted while the server started", interrupted);
        }
      }
    }
    throw new IOException(
        "it took no connections within " + LONGEST_START.toSeconds() + " seconds");
  }

  private Path newFile(String name) throws IOException {
    return Files.createFile(
        home.resolve(name),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  private static String newPassword() {
    byte[] bytes = new byte[16];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Path log() {
    return home.resolve("log");
  }

  private String lastLine() throws IOException {
    List<String> lines = Files.readAllLines(log()).stream().filter(l -> !l.isBlank()).toList();
    return lines.isEmpty() ? "it said nothing" : lines.get(lines.size() - 1).strip();
  }
}
