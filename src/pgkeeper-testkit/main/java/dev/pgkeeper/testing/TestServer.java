package dev.pgkeeper.testing;

import dev.pgkeeper.migration.Migrations;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.postgresql.ds.PGSimpleDataSource;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * The one PostgreSQL server that all tests of this JVM share. {@code -Dpgkeeper.test.server} says
 * where it comes from, as {@link Origin}; otherwise it is the first that there is.
 */
final class TestServer {

  /** Where the server comes from, in the order in which they are tried. */
  enum Origin {
    /** Named by {@code PGKEEPER_TEST_URL}, as a system property or in the environment. */
    URL,
    /** A container of Testcontainers, where a Docker engine answers. */
    CONTAINER,
    /** The embedded binaries, as {@link PrivateServer}. */
    BINARIES
  }

  private static String url;
  private static final KeptConnections connections =
      new KeptConnections(() -> DriverManager.getConnection(url()));

  private static String template;

  private TestServer() {}

  /** The JDBC URL of a superuser's connection, credentials included. */
  static synchronized String url() {
    if (url == null) {
      url = provide();
    }
    return url;
  }

  /** Makes a database with a schema of this jar's version, and returns its URL. */
  static synchronized String createDatabase(String name) {
    url(); // one that is started has a template at once
    if (template == null) {
      template = createTemplate();
    }
    administrate("CREATE DATABASE " + name + " TEMPLATE " + template);
    return TestDatabase.urlOf(url(), name);
  }

  /** Drops a database, whoever is still connected to it. */
  static void dropDatabase(String name) {
    administrate("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
  }

  /** To copy a database takes a third of what it takes to migrate one. */
  private static String createTemplate() {
    String name = templateName();
    administrate("CREATE DATABASE " + name + " TEMPLATE template0");
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(TestDatabase.urlOf(url(), name));
    Migrations.migrate(source, TestDatabase.COPIED_SCHEMA);
    if (isGiven()) {
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> dropDatabase(name), "drop-test-template"));
    }
    return name;
  }

  private static String templateName() {
    return "t_template_" + ProcessHandle.current().pid();
  }

  private static void administrate(String sql) {
    try {
      connections.with(
          connection -> {
            try (Statement statement = connection.createStatement()) {
              return statement.execute(sql);
            }
          });
    } catch (SQLException e) {
      throw new IllegalStateException(sql + ": " + e.getMessage(), e);
    }
  }

  /** Whether the server is one that was there before, whatever its version. */
  static boolean isGiven() {
    return origin() == Origin.URL;
  }

  private static Origin origin() {
    return choose(System.getProperty("pgkeeper.test.server"), given(), TestServer::dockerAnswers);
  }

  /** One that was asked for has to be there; nothing else takes its place. */
  static Origin choose(String asked, String given, BooleanSupplier engineAnswers) {
    if (asked == null || asked.isBlank()) {
      if (given != null) {
        return Origin.URL;
      }
      return engineAnswers.getAsBoolean() ? Origin.CONTAINER : Origin.BINARIES;
    }
    return switch (asked) {
      case "url" -> {
        if (given == null) {
          throw new IllegalStateException(
              "pgkeeper.test.server is url, but there is no PGKEEPER_TEST_URL; set it to the JDBC URL"
                  + " of a superuser's connection");
        }
        yield Origin.URL;
      }
      case "container" -> {
        if (!engineAnswers.getAsBoolean()) {
          throw new IllegalStateException(
              "pgkeeper.test.server is container, but no Docker engine answers; start one, set"
                  + " DOCKER_HOST to where it listens, or use containers/run");
        }
        yield Origin.CONTAINER;
      }
      case "binaries" -> Origin.BINARIES;
      default ->
          throw new IllegalArgumentException(
              "pgkeeper.test.server is '" + asked + "'; it can be url, container or binaries");
    };
  }

  private static String given() {
    String given = System.getProperty("PGKEEPER_TEST_URL", System.getenv("PGKEEPER_TEST_URL"));
    return given == null || given.isBlank() ? null : given;
  }

  private static String provide() {
    return switch (origin()) {
      case URL -> given();
      case CONTAINER -> container();
      case BINARIES -> embedded();
    };
  }

  /** Its database has the schema from the beginning: the template is a copy of it. */
  private static String embedded() {
    PrivateServer server = PrivateServer.start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop-test-server"));
    TestDatabase.copied(server.jdbcUrl()).reconnect();
    url = server.jdbcUrl();
    String name = templateName();
    // Only a database that nobody is connected to can be copied.
    try (Connection connection =
            DriverManager.getConnection(TestDatabase.urlOf(url(), "template1"));
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name + " TEMPLATE postgres");
    } catch (SQLException e) {
      throw new IllegalStateException("The template could not be made: " + e.getMessage(), e);
    }
    template = name;
    return url;
  }

  @SuppressWarnings("resource") // Testcontainers' own reaper stops it with this process
  private static String container() {
    PostgreSQLContainer container =
        new PostgreSQLContainer(
            "postgres:" + System.getProperty("pgkeeper.test.postgres.major", "18"));
    container.setCommand(
        "postgres",
        "-c",
        "fsync=on",
        "-c",
        "synchronous_commit=on",
        "-c",
        "full_page_writes=on",
        "-c",
        "max_connections=300");
    container.start();
    return container.getJdbcUrl()
        + (container.getJdbcUrl().contains("?") ? "&" : "?")
        + "user="
        + container.getUsername()
        + "&password="
        + container.getPassword();
  }

  /** Asks before Testcontainers does, which takes long to find out and writes pages about it. */
  private static boolean dockerAnswers() {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    Thread probe = new Thread(() -> answer.complete(anyEngineAnswers()), "docker-probe");
    probe.setDaemon(true);
    probe.start();
    try {
      return answer.get(3, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static boolean anyEngineAnswers() {
    List<URI> engines = new ArrayList<>();
    String host = System.getenv("DOCKER_HOST");
    if (host != null && !host.isBlank()) {
      engines.add(URI.create(host));
    } else {
      engines.add(URI.create("unix:///var/run/docker.sock"));
      String run = System.getenv("XDG_RUNTIME_DIR");
      if (run != null) {
        engines.add(URI.create("unix://" + run + "/docker.sock"));
      }
      engines.add(
          URI.create("unix://" + System.getProperty("user.home") + "/.docker/run/docker.sock"));
    }
    return engines.stream().anyMatch(TestServer::answers);
  }

  private static boolean answers(URI engine) {
    try {
      if ("unix".equals(engine.getScheme())) {
        if (!Files.exists(Path.of(engine.getPath()))) {
          return false;
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
          channel.connect(UnixDomainSocketAddress.of(engine.getPath()));
          return ping(channel, channel);
        }
      }
      if ("tcp".equals(engine.getScheme())) {
        try (Socket socket = new Socket()) {
          socket.connect(new InetSocketAddress(engine.getHost(), engine.getPort()), 2000);
          // Behind TLS only Testcontainers can ask; that somebody listens at the address given is
          // enough.
          return true;
        }
      }
      return false;
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  private static boolean ping(WritableByteChannel out, ReadableByteChannel in) throws IOException {
    out.write(StandardCharsets.US_ASCII.encode("GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"));
    ByteBuffer reply = ByteBuffer.allocate(64);
    while (reply.position() < 12 && in.read(reply) >= 0) {
      // until the status line is complete
    }
    return new String(reply.array(), 0, reply.position(), StandardCharsets.US_ASCII)
        .matches("(?s)HTTP/1\\.\\d 200.*");
  }
}
