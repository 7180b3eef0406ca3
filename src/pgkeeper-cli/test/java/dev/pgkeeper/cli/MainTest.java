package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.migration.Migrations;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void theVersionNamesTheSchemasToo() {
    Ran version = Ran.here(Map.of(), "--version");
    assertThat(version.out())
        .matches("pgkeeper \\S.*, schema version " + Migrations.latest() + ", Java \\d+\\R");
    assertThat(version.status()).isZero();
  }

  @Test
  void helpNamesTheCommandsAndTheExitStatuses() {
    Ran help = Ran.here(Map.of(), "--help");
    assertThat(help.out())
        .contains("demo", "migrate", "guard", "lock", "lead", "Exit status:", "2   not understood");
    assertThat(help.status()).isZero();
    assertThat(Ran.here(Map.of(), "migrate", "--help").out())
        .contains("--url", "PGKEEPER_URL", "PGPASSWORD", "~/.pgpass", "--print");
  }

  @Test
  void withoutACommandItSaysSo() {
    misunderstood(Ran.here(Map.of()), "pgkeeper: no command was given; see pgkeeper --help");
  }

  @Test
  void anUnknownCommandIsNamedAndTheLikelyOneToo() {
    misunderstood(
        Ran.here(Map.of(), "demmo"),
        "pgkeeper: unknown command \"demmo\" (did you mean demo?); see pgkeeper --help");
  }

  @Test
  void anUnknownOptionIsNamed() {
    Ran ran = Ran.here(Map.of(), "migrate", "--prind");
    assertThat(ran.err())
        .startsWith("pgkeeper migrate: unknown argument \"--prind\"")
        .contains("--print")
        .hasLineCount(1);
    assertThat(ran.status()).isEqualTo(2);
  }

  static void misunderstood(Ran ran, String line) {
    assertThat(ran.err()).isEqualTo(line + System.lineSeparator());
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(2);
  }
}
