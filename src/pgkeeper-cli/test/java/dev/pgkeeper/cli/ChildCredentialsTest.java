package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a command that runs under a hold finds of the connection's credentials. */
class ChildCredentialsTest {
  private static final String[] PRINTS_ITS_ENVIRONMENT = {"--", "env"};

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"lock /child", "lead /leader", "guard job --tick 1"})
  void withoutCredentialsTheCommandFindsNoneOfThem(String line) throws Exception {
    Ran ran = run(line + " --without-credentials");
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    assertThat(ran.out())
        .contains("PGKEEPER_TOKEN=", "PATH=", "OWN=kept")
        .doesNotContain(
            "s3cr3t", "PGPASSWORD", "PGUSER", "PGPASSFILE", "PGSERVICE", "PGKEEPER_URL");
  }

  @ParameterizedTest
  @ValueSource(strings = {"lock /child", "lead /leader", "guard other --tick 1"})
  void elseItFindsThemAsPgkeeperDid(String line) throws Exception {
    Ran ran = run(line);
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out())
        .contains("PGPASSWORD=s3cr3t", "PGUSER=", "PGKEEPER_URL=jdbc:postgresql:", "OWN=kept");
  }

  @Test
  void theHelpSaysSo() {
    for (String command : List.of("lock", "lead", "guard")) {
      assertThat(Ran.here(Map.of(), command, "--help").out())
          .as(command)
          .contains("--without-credentials", "PGPASSWORD", "PGKEEPER_URL");
    }
  }

  /** The URL has the credentials that work; those of the variables are what is looked for. */
  private static Ran run(String line) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(line.split(" ")));
    arguments.addAll(List.of("--schema", database.schema()));
    arguments.addAll(List.of(PRINTS_ITS_ENVIRONMENT));
    return Ran.toItsEnd(
        Ran.command(
            Map.of(
                "PGKEEPER_URL", database.jdbcUrl(),
                "PGPASSWORD", "s3cr3t",
                "PGUSER", "s3cr3t-role",
                "PGPASSFILE", "/s3cr3t",
                "PGSERVICEFILE", "/s3cr3t",
                "OWN", "kept"),
            arguments.toArray(String[]::new)));
  }
}
