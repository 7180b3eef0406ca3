package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Names and errors that another client chose, on the terminal of whoever looks: one that clears the
 * screen, sets its title, turns the text round or begins a line that seems to be pgkeeper's.
 */
class HostileTextTest {
  /** Escape sequences of seven and of eight bits, bidi controls, and all that ends a line. */
  private static final String HOSTILE =
      "evil\u001b[2J\u001b]0;title\u0007\u009b31m\u202egnp\u2066\u200f\u061c\u007f\b"
          + "\npgkeeper: forged\rpgkeeper: forged\u0085pgkeeper: forged\u2028pgkeeper: forged";

  /** What a path may have of it. */
  private static final String HOSTILE_PATH = "/locks/\u202egnp\u2066";

  private static final String SHOWN = "evil\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u202egnp";

  private TestDatabase database;
  private Keeper hostile;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    hostile =
        Keeper.connect(
            database.dataSource(),
            database.keeperOptions().withClientName(HOSTILE).withLeaseOnly());
    database.execute("UPDATE ${schema}.session SET host = client");
  }

  @AfterEach
  void close() {
    hostile.close();
    database.close();
  }

  @Test
  void whoHoldsALockIsNamedInOneHarmlessLine() throws Exception {
    try (Held held = hostile.lock("/locks/a").acquire()) {
      assertThat(held.isHeld()).isTrue();
      Ran ran = run("lock", "/locks/a", "--wait", "0s", "--", "true");
      assertThat(ran.err()).contains("/locks/a is held by " + SHOWN).hasLineCount(1);
      assertHarmless(ran);
      assertThat(ran.status()).isEqualTo(75);
    }
  }

  @Test
  void anErrorOfTheDatabaseIsOneHarmlessLine() throws Exception {
    database.execute(
        """
        CREATE FUNCTION ${schema}.hostile() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
          RAISE EXCEPTION USING MESSAGE = (SELECT client FROM ${schema}.session LIMIT 1),
            HINT = (SELECT client FROM ${schema}.session LIMIT 1);
        END
        $body$
        """);
    assertErrorsAreHarmless("node", "lock /locks/b -- true", "create /node");
    assertErrorsAreHarmless(
        "session", "lock /locks/b -- true", "lead /leader -- true", "guard job --tick 1 -- true");
  }

  private void assertErrorsAreHarmless(String table, String... commands) throws Exception {
    database.execute(
        "CREATE TRIGGER hostile BEFORE INSERT ON ${schema}."
            + table
            + " FOR EACH ROW EXECUTE FUNCTION ${schema}.hostile()");
    for (String command : commands) {
      Ran ran = run(command.split(" "));
      assertThat(ran.err()).as(command).startsWith("pgkeeper ").contains(SHOWN).hasLineCount(1);
      assertHarmless(ran);
    }
  }

  @Test
  void anErrorThatNobodyExpectedIsHarmlessInItsStackTraceToo() {
    Ran ran = Ran.failing(new IllegalStateException(HOSTILE));
    assertThat(ran.err())
        .contains(SHOWN, "\tat dev.pgkeeper.")
        .doesNotContain("\npgkeeper: forged");
    assertHarmless(ran);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lock", "lead", "guard"})
  void aNameOnTheCommandLineIsHarmlessInWhatIsTold(String command) {
    List<String> arguments = new ArrayList<>(List.of(command, HOSTILE_PATH));
    if (command.equals("guard")) {
      arguments.addAll(List.of("--tick", "1"));
    }
    arguments.addAll(List.of("--", "/not/there"));
    Ran ran = here(arguments.toArray(String[]::new));
    assertThat(ran.err()).startsWith("pgkeeper " + command).hasLineCount(1);
    assertHarmless(ran);
    Ran misused = here(command, HOSTILE, "--grace", "soon" + HOSTILE, "--", "true");
    assertThat(misused.err()).contains(SHOWN).hasLineCount(1);
    assertHarmless(misused);
  }

  @Test
  void theReasonOfAnOperatorIsHarmlessInTheLog() throws Exception {
    String script = "echo \"$PGKEEPER_TOKEN\"; while :; do sleep 0.05; done";
    ProcessBuilder builder =
        Ran.command(Map.of(), all("lock", "/locks/c", "--", "sh", "-c", script));
    builder.command().add(1, "-Dorg.slf4j.simpleLogger.log.dev.pgkeeper=warn");
    Process lock = builder.start();
    try (var out = lock.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isNotNull();
      database.execute(
          "SELECT ${schema}.end_session(session, (SELECT min(client) FROM ${schema}.session WHERE client LIKE 'evil%'))"
              + " FROM ${schema}.locks WHERE path = '/locks/c'");
      assertThat(lock.waitFor()).isEqualTo(143);
    }
    byte[] err = lock.getErrorStream().readAllBytes();
    assertThat(new String(err, StandardCharsets.UTF_8)).contains("WARN", SHOWN);
    assertHarmless(new Ran(143, "", new String(err, StandardCharsets.UTF_8)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sessions --json", "locks --json", "top --json", "top --once", "locks"})
  void whatIsPrintedIsHarmlessAndJsonKeepsTheName(String line) throws Exception {
    try (Held held = hostile.lock(HOSTILE_PATH).acquire()) {
      assertThat(held.isHeld()).isTrue();
      Ran ran = run(line.split(" "));
      assertThat(ran.err()).isEmpty();
      assertHarmless(ran);
      assertThat(ran.out()).contains("evil\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u202egnp");
      if (line.endsWith("--json")) {
        assertThat(
                database.queryLong(
                    "SELECT count(*) FROM jsonb_path_query($json$"
                        + ran.out()
                        + "$json$::jsonb, '$.**.client') j WHERE j #>> '{}' = (SELECT min(client) FROM ${schema}.session)"))
            .isPositive();
      }
    }
  }

  /** Nothing but characters that stay where they are, tabs and the ends of pgkeeper's own lines. */
  private static void assertHarmless(Ran ran) {
    for (String text : List.of(ran.out(), ran.err())) {
      assertThat(text.codePoints().filter(HostileTextTest::acts).mapToObj(Integer::toHexString))
          .as(text)
          .isEmpty();
      assertThat(text.lines()).noneMatch(line -> line.startsWith("pgkeeper: forged"));
    }
  }

  private static boolean acts(int c) {
    int type = Character.getType(c);
    return c != '\n'
        && c != '\t'
        && (type == Character.CONTROL
            || type == Character.FORMAT
            || type == Character.LINE_SEPARATOR
            || type == Character.PARAGRAPH_SEPARATOR);
  }

  private String[] all(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(1, List.of("--url", database.jdbcUrl(), "--schema", database.schema()));
    return all.toArray(String[]::new);
  }

  private Ran here(String... arguments) {
    return Ran.here(Map.of(), all(arguments));
  }

  private Ran run(String... arguments) throws Exception {
    return Ran.toItsEnd(Ran.command(Map.of(), all(arguments)));
  }
}
