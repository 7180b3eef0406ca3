package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.doctor.Clinic;
import dev.pgkeeper.migration.Migrations;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
  private static final String VERSIONS =
      "PostgreSQL \\d.*, schema version %1$d, library version %1$d: \\d\\d checks, "
          .formatted(Migrations.latest());

  private static Clinic clinic;

  @BeforeAll
  static void open() {
    clinic = Clinic.open();
  }

  @AfterAll
  static void close() {
    clinic.close();
  }

  private static Ran doctor(String url, String role, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("doctor", "--url", url, "--user", role, "--schema", schema()));
    arguments.addAll(List.of(more));
    return Ran.here(Map.of(), arguments.toArray(String[]::new));
  }

  private static String schema() {
    return clinic.database().schema();
  }

  @Test
  void whereNothingIsWrongItSaysSoInOneLine() {
    Ran ran = doctor(clinic.goodUrl(), Clinic.APPLICATION);
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out()).matches(VERSIONS + "nothing wrong found\\.\\R");
    assertThat(ran.status()).isZero();
    Ran json = doctor(clinic.goodUrl(), Clinic.APPLICATION, "--json");
    assertThat(json.out()).isEqualToNormalizingNewlines("[]\n");
    assertThat(json.status()).isZero();
  }

  @Test
  void whatItFindsItTellsWithWhatToDoAndWithAStatusOfItsOwn() {
    Ran ran = doctor(clinic.server().jdbcUrl(), Clinic.APPLICATION);
    assertThat(ran.out())
        .containsPattern(
            "(?m)^warning  client_keepalives\\R  found: connections are opened with neither .*\\R"
                + "  to do: Add tcpKeepAlive=true to the URL, or .*\\R\\R"
                + VERSIONS
                + "1 found something\\.$");
    assertThat(ran.status()).isEqualTo(3);
    Ran json = doctor(clinic.server().jdbcUrl(), Clinic.APPLICATION, "--json");
    assertThat(json.out())
        .startsWith(
            "[{\"severity\": \"warning\", \"name\": \"client_keepalives\", \"found\": \"connections are opened")
        .contains("\"advice\": \"Add tcpKeepAlive=true to the URL")
        .hasLineCount(1);
    assertThat(json.status()).isEqualTo(3);
  }

  @Test
  void whatARoleMayNotAskIsToldAndIsNoFault() {
    clinic.role("onlooker");
    clinic.database().execute("CALL ${schema}.grant_inspector('onlooker')");
    Ran ran = doctor(clinic.goodUrl(), "onlooker");
    assertThat(ran.out())
        .contains("unknown  idle_in_transaction", "unknown  long_transactions")
        .containsPattern(VERSIONS + "nothing wrong found, 2 could not be made\\.");
    assertThat(ran.status()).isZero();
  }

  @Test
  void whatIsTooLongCanBeSaid() throws Exception {
    try (var idle = clinic.database().connect();
        var statement = idle.createStatement()) {
      idle.setAutoCommit(false);
      statement.execute("SELECT 1");
      assertThat(doctor(clinic.goodUrl(), Clinic.APPLICATION).status()).isZero();
      Ran ran = doctor(clinic.goodUrl(), Clinic.APPLICATION, "--longest", "0s");
      assertThat(ran.out()).startsWith("warning  idle_in_transaction");
      assertThat(ran.status()).isEqualTo(3);
    }
    MainTest.misunderstood(
        doctor(clinic.goodUrl(), Clinic.APPLICATION, "--longest", "soon"),
        "pgkeeper doctor: Invalid value for option '--longest': \"soon\" is no span of time; write 500ms, 30s, 10m, 2h"
            + " or 1d; see pgkeeper doctor --help");
  }

  @Test
  void aDatabaseThatCannotBeAskedIsToldInOneLine() {
    Ran ran = doctor("jdbc:postgresql://127.0.0.1:1/app", "app");
    assertThat(ran.err())
        .startsWith("pgkeeper doctor: cannot connect to 127.0.0.1:1/app: ")
        .hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  @Test
  void itsStatusesAreInItsHelp() {
    assertThat(Ran.here(Map.of(), "doctor", "--help").out())
        .contains(
            "0   nothing is wrong",
            "1   the database could not be asked",
            "3   something was found");
  }
}
