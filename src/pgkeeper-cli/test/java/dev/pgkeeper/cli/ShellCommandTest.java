package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shell, and the live view, without a terminal. What they are at one is in TerminalTest. */
class ShellCommandTest {
  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static Ran run(String script, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--url", database.jdbcUrl(), "--schema", database.schema()));
    return Ran.here(Map.of(), script.getBytes(StandardCharsets.UTF_8), all.toArray(String[]::new));
  }

  @Test
  void aScriptsCommandsHaveOneSession() {
    Ran ran =
        run(
            """
            # a comment, and an empty line

            create -e '/two words' "it's"
            get '/two words'
            set '/two words' ''
            ls /\s
            sessions --json
            quit
            ls /not-reached
            """,
            "shell");
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out()).startsWith("/two words\nit's\nversion 1\ntwo words\n[\n").hasLineCount(7);
    assertThat(ran.status()).isZero();
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session")).isZero();
  }

  @Test
  void aScriptEndsAtTheFirstCommandThatFails() {
    Ran ran = run("get /absent\nls /\n", "shell");
    assertThat(ran.err()).isEqualTo("pgkeeper get: /absent: there is no such node\n");
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
    assertThat(run("nonsense\n", "shell").status()).isEqualTo(2);
    assertThat(run("ls 'open\n", "shell").err())
        .isEqualTo("pgkeeper shell: a quote is not closed in: ls 'open\n");
  }

  @Test
  void theShellHasOneConnectionAndNoStandardInputForData() {
    assertThat(run("ls / --url jdbc:postgresql://h/d\n", "shell").err())
        .contains("unknown argument \"--url\"");
    assertThat(run("create /a -\n", "shell").err())
        .contains("the shell has no standard input for data; use DATA or --file");
    assertThat(run("lock /a\n", "shell").status()).isEqualTo(2);
  }

  @Test
  void helpListsTheCommandsThatTheShellKnows() {
    Ran ran = run("help\nhelp queue\n", "shell");
    assertThat(ran.out())
        .contains("candidates", "Usage: pgkeeper queue")
        .doesNotContain("  guard ", "  demo ");
    assertThat(ran.status()).isZero();
  }

  @Test
  void theLiveViewPrintsOnceWhatIsThere() {
    try (var keeper = database.keeper()) {
      keeper.lock("/once").acquireAsync().join();
      Ran ran = run("", "top", "--once");
      assertThat(ran.err()).isEmpty();
      assertThat(ran.out())
          .startsWith("pgkeeper  ")
          .contains("slowest waits 0  locks 1  leaders 0  queues 0  jobs 0  sessions 1\n")
          .containsPattern("\nLOCKS\npath +what +client .*\n/once +lock +pgkeeper ")
          .containsPattern("\nSESSIONS\n");
      Ran json = run("", "top", "--json");
      assertThat(
              database.queryString(
                  "SELECT string_agg(key || ' ' || jsonb_array_length(value), ', ' ORDER BY key)"
                      + " FROM jsonb_each($json$"
                      + json.out()
                      + "$json$)"))
          .isEqualTo("jobs 0, leaders 0, locks 1, queues 0, sessions 1, slowest_waits 0");
    }
  }

  @Test
  void withoutATerminalTheLiveViewSaysWhatToUse() {
    Ran ran = run("", "top");
    assertThat(ran.err())
        .isEqualTo("pgkeeper top: there is no terminal to show it on; use --once or --json\n");
    assertThat(ran.status()).isEqualTo(1);
  }
}
