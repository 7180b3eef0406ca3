package dev.pgkeeper.testing;

import dev.pgkeeper.migration.Migrations;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A PostgreSQL server of the test's own, from the embedded binaries, to be stopped, killed and
 * started again on the same port and data. Settings are as in production: what was committed
 * survives a kill. It ends with this process, see {@link RunDirectory}.
 *
 * <p>Its data is a copy of a cluster that is made once, which has this jar's schema already: to
 * make one takes seconds. A server that has to be another one than all others is made {@link
 * #startFromScratch from scratch}.
 */
public final class PrivateServer implements AutoCloseable {

  private static final List<String> INITDB =
      List.of("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync");

  /** By a signal that nobody sent: SIGILL, SIGABRT, SIGBUS, SIGFPE or SIGSEGV. */
  private static final Pattern CRASH = Pattern.compile("was terminated by signal (?:4|6|7|8|11):");

  private static final Pattern SHARED_MEMORY = Pattern.compile("(?m)^ *\\d+ +(\\d+) *$");

  private final PostgresBinaries binaries = PostgresBinaries.get();
  private final Map<String, String> settings = new LinkedHashMap<>();
  private final Map<String, String> environment = new LinkedHashMap<>();
  private final Path home;
  private final int port;
  private boolean hasCopiedSchema;
  private @Nullable Process postmaster;

  private PrivateServer(Map<String, String> ownSettings, Filling filling) throws IOException {
    settings.put("fsync", "on");
    settings.put("synchronous_commit", "on");
    settings.put("full_page_writes", "on");
    settings.put("max_connections", "300");
    settings.put("shared_buffers", "128MB");
    settings.put("timezone", "UTC");
    settings.put("listen_addresses", "127.0.0.1");
    settings.put("unix_socket_directories", "");
    if (RunDirectory.isInMemory()) {
      // A killed server leaves this memory behind. So it goes with the data.
      settings.put("dynamic_shared_memory_type", "mmap");
      // Else each of its processes resolves the same symbols and copies the pages that have them.
      environment.put("LD_BIND_NOW", "1");
    }
    settings.putAll(ownSettings);
    home = RunDirectory.newDirectory("server");
    binaries.handOver(home);
    port = freePort();
    filling.fill(this);
  }

  /** Makes a data directory. */
  @FunctionalInterface
  private interface Filling {
    void fill(PrivateServer server) throws IOException;
  }

  /** A running server with the settings of production. */
  public static PrivateServer start() {
    return start(Map.of());
  }

  /** A running server with these settings on top, as in {@code postgresql.conf}. */
  public static PrivateServer start(Map<String, String> settings) {
    PrivateServer server = start(settings, copy -> copy.copy(cluster()));
    server.hasCopiedSchema = true;
    return server;
  }

  /** A running server with an identifier of its own and nothing in it. */
  public static PrivateServer startFromScratch(Map<String, String> settings) {
    return start(settings, PrivateServer::initialize);
  }

  /** The data of a server that was stopped, with this jar's schema. */
  private static Path cluster() {
    return Prepared.get(
        "cluster",
        version() + INITDB + Migrations.script(TestDatabase.COPIED_SCHEMA),
        "",
        path -> {
          try (PrivateServer made = startFromScratch(Map.of("fsync", "off"))) {
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl(made.jdbcUrl());
            Migrations.migrate(source, TestDatabase.COPIED_SCHEMA);
            made.stopFast();
            TestFiles.copyRecursively(made.dataDirectory(), path);
          }
        });
  }

  /** Whether the copied schema is there and nobody has it yet. */
  boolean takeCopiedSchema() {
    boolean isFree = hasCopiedSchema;
    hasCopiedSchema = false;
    return isFree;
  }

  /** A standby of a server, with the same settings. That is stopped and started again for it. */
  public static PrivateServer standbyOf(PrivateServer primary, String name) {
    primary.stopFast();
    Map<String, String> settings = new LinkedHashMap<>(primary.settings);
    settings.put(
        "primary_conninfo",
        "host=127.0.0.1 port=%d user=postgres application_name=%s".formatted(primary.port, name));
    PrivateServer standby =
        start(
            settings,
            server -> {
              server.copy(primary.dataDirectory());
              server.binaries.handOver(
                  Files.createFile(server.dataDirectory().resolve("standby.signal")));
            });
    primary.startAgain();
    return standby;
  }

  private static PrivateServer start(Map<String, String> settings, Filling filling) {
    try {
      PrivateServer server = new PrivateServer(settings, filling);
      try {
        server.startAgain();
      } catch (RuntimeException e) {
        server.close();
        throw e;
      }
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException("The server could not be started", e);
    }
  }

  /** The version that all servers of this kind have, as {@code 18.6}. */
  public static String version() {
    return PostgresBinaries.get().version();
  }

  /** Returns the version up to the first dot. */
  public static int major() {
    return Integer.parseInt(version().split("\\.")[0]);
  }

  public String jdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres";
  }

  public int port() {
    return port;
  }

  public Path dataDirectory() {
    return home.resolve("data");
  }

  /** The postmaster's process id. */
  public long pid() {
    return postmaster.pid();
  }

  public boolean isRunning() {
    return postmaster != null && postmaster.isAlive();
  }

  /** Changes a setting from the next start on. */
  public void setting(String name, String value) {
    settings.put(name, value);
  }

  /** Rolls open transactions back, ends every connection, writes a checkpoint, stops. */
  public void stopFast() {
    stop("INT");
  }

  /** Ends at once and leaves the recovery to the next start. */
  public void stopImmediate() {
    stop("QUIT");
  }

  /** {@code kill -9} to the postmaster and to every process of its own. */
  public void kill9() {
    ProcessHandle handle = postmaster.toHandle();
    List<ProcessHandle> all = new ArrayList<>();
    all.add(handle);
    // The postmaster first stops forking; what it had forked until then is complete.
    signal("STOP", handle.pid());
    handle.descendants().forEach(all::add);
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(process -> awaitExit(process.onExit()));
    awaitExit(postmaster.onExit());
  }

  /**
   * Stops every process of the server in its tracks, as a machine that hangs; {@link #resume} lets
   * it go on.
   */
  public void freeze() {
    ProcessHandle handle = postmaster.toHandle();
    signal("STOP", handle.pid());
    handle.descendants().forEach(child -> signal("STOP", child.pid()));
  }

  /** Ends a {@link #freeze}. */
  public void resume() {
    ProcessHandle handle = postmaster.toHandle();
    handle.descendants().forEach(child -> signal("CONT", child.pid()));
    signal("CONT", handle.pid());
  }

  /**
   * Starts the stopped or killed server on the same port and data, and waits until it takes
   * connections.
   */
  public void startAgain() {
    if (isRunning()) {
      throw new IllegalStateException("The server on port " + port + " is running");
    }
    Path log = home.resolve("log");
    long deadline = System.nanoTime() + Await.LIMIT.toNanos();
    try {
      launch(log);
      while (true) {
        try (Connection connection =
            DriverManager.getConnection(jdbcUrl() + "&connectTimeout=60")) {
          return;
        } catch (SQLException e) {
          if (System.nanoTime() > deadline) {
            throw new IllegalStateException(
                "The server did not take connections within " + Await.LIMIT + ":\n" + tail(log), e);
          }
        }
        if (!postmaster.isAlive()) {
          String said = tail(log);
          if (!said.contains("shared memory block") || System.nanoTime() > deadline) {
            throw new IllegalStateException("The server did not start:\n" + said);
          }
          // A child of the killed server has not ended yet.
          launch(log);
        }
        Thread.sleep(20);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the server started", e);
    }
  }

  /** All that the server has said since it was started. */
  public Path logFile() {
    return home.resolve("log");
  }

  /** The end of the server's log. */
  public String log() {
    return tail(home.resolve("log"));
  }

  /**
   * Stops the server and removes its data. If a process of the server has crashed, that is told: no
   * test and no fault does that, and its clients only hear that the server is in recovery.
   */
  @Override
  public void close() {
    try (Closeable data = this::removeAll) {
      if (isRunning()) {
        resume();
        stopImmediate();
      }
      tellCrashes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void removeAll() throws IOException {
    removeSharedMemory();
    TestFiles.deleteRecursively(home);
  }

  private void tellCrashes() throws IOException {
    if (!Files.exists(logFile())) {
      return;
    }
    List<String> said = Files.readAllLines(logFile(), StandardCharsets.ISO_8859_1);
    for (int i = 0; i < said.size(); i++) {
      if (CRASH.matcher(said.get(i)).find()) {
        // The next lines say what it was at.
        List<String> told = said.subList(i, Math.min(i + 3, said.size()));
        throw new IllegalStateException(
            "A process of the server has crashed:\n" + String.join("\n", told));
      }
    }
  }

  /** What a killed server has left: its lock file names it, on the line "key id". */
  private void removeSharedMemory() throws IOException {
    Path lockFile = dataDirectory().resolve("postmaster.pid");
    if (Files.exists(lockFile)) {
      Matcher segment = SHARED_MEMORY.matcher(Files.readString(lockFile));
      if (segment.find()) {
        run("ipcrm", "-m", segment.group(1));
      }
    }
  }

  /** Takes a cold copy of a stopped server's data. */
  private void copy(Path stopped) throws IOException {
    for (Path copy : TestFiles.copyRecursively(stopped, dataDirectory())) {
      binaries.handOver(copy);
    }
  }

  private void initialize() throws IOException {
    Path log = home.resolve("initdb.log");
    List<String> arguments = new ArrayList<>(INITDB);
    arguments.add("--pgdata=" + dataDirectory());
    Process initdb =
        binaries
            .command("initdb", arguments.toArray(String[]::new))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!initdb.waitFor(2, TimeUnit.MINUTES) || initdb.exitValue() != 0) {
        throw new IOException("initdb failed:\n" + tail(log));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted during initdb", e);
    }
  }

  /** Sets a variable of the server's environment from the next start on. */
  public void environment(String name, String value) {
    environment.put(name, value);
  }

  private void launch(Path log) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.add("-D");
    arguments.add(dataDirectory().toString());
    arguments.add("-p");
    arguments.add(Integer.toString(port));
    settings.forEach(
        (name, value) -> {
          arguments.add("-c");
          arguments.add(name + "=" + value);
        });
    Files.deleteIfExists(log);
    postmaster =
        binaries
            .command(environment, "postgres", arguments.toArray(String[]::new))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
  }

  private void stop(String signal) {
    signal(signal, postmaster.pid());
    awaitExit(postmaster.onExit());
  }

  /** Sends a signal, by its name without SIG. */
  public static void signal(String signal, long pid) {
    try {
      run("kill", "-" + signal, Long.toString(pid));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command, whatever comes of it. */
  private static void run(String... command) throws IOException {
    try {
      new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted during " + command[0], e);
    }
  }

  /** A process counts as running until its own future is done, which may be after its handle's. */
  private static void awaitExit(CompletableFuture<?> exit) {
    try {
      exit.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the server stopped", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("The server did not stop within " + Await.LIMIT, e);
    }
  }

  /**
   * None of those that Linux gives to outgoing connections, from 32768 on: a client could have it
   * while the server is down.
   */
  static int freePort() throws IOException {
    BindException last = null;
    for (int attempt = 0; attempt < 100; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(16_384, 32_768);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        last = taken;
      }
    }
    throw new IOException("No free port was found", last);
  }

  private static String tail(Path log) {
    try {
      if (!Files.exists(log)) {
        return "";
      }
      List<String> lines = Files.readAllLines(log);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
    } catch (IOException e) {
      return e.toString();
    }
  }
}
