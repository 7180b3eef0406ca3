package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.look.LookCommand;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The commands that show views, as an inspector runs them who may do nothing else. */
class LookCommandTest {
  private static KnownState state;

  /**
   * What a command has to show.
   *
   * @param line of the command
   * @param headings the first ones
   * @param row what is in one of the rows, in this order
   * @param json of one of the objects, a part
   * @param rows how many there are
   */
  private record Shown(String line, String headings, String row, String json, int rows) {
    @Override
    public String toString() {
      return line;
    }
  }

  @BeforeAll
  static void fill() throws Exception {
    state = new KnownState();
  }

  @AfterAll
  static void close() {
    state.close();
  }

  static List<Shown> shown() {
    long pid = ProcessHandle.current().pid();
    return List.of(
        new Shown(
            "sessions orders",
            "session client host pid opened ends alive connected",
            "orders .* " + pid + " .* yes +yes",
            "{'client': 'orders', 'alive': true, 'timeout': '00:00:30'}",
            1),
        new Shown(
            "locks /locks",
            "path what client",
            "/locks/a +lock +orders .* yes",
            "{'path': '/locks/a', 'recipe': 'mutex', 'client': 'orders', 'pid': " + pid + "}",
            1),
        new Shown(
            "waiters /locks/a",
            "path place what client",
            "/locks/a +1 +lock +mails .* yes",
            "{'path': '/locks/a', 'place': 1, 'client': 'mails'}",
            1),
        new Shown(
            "leaders /leader",
            "path identity client",
            "/leader +ada +orders ",
            "{'path': '/leader', 'identity': 'ada'}",
            1),
        new Shown(
            "candidates",
            "path place identity leads",
            "/leader +2 +bob +no +mails",
            "{'identity': 'bob', 'leads': false, 'place': 2}",
            2),
        new Shown(
            "queues mails",
            "queue ready behind delayed retrying claimed dead waiting_since sleeping paused",
            "mails +1 +0 +0 +0 +1 +1 .*20\\d\\d-.* 0 +20\\d\\d-",
            "{'queue': 'mails', 'ready': 1, 'claimed': 1, 'dead': 1, 'most_tries': 10}",
            1),
        new Shown(
            "consumers ma*",
            "queue client",
            "mails +orders .* 1 ",
            "{'queue': 'mails', 'client': 'orders', 'claimed': 1}",
            1),
        new Shown(
            "in-flight mails",
            "queue id try key client",
            "mails +\\d+ +1 +- +orders ",
            "{'queue': 'mails', 'try': 1, 'client': 'orders'}",
            1),
        new Shown(
            "dead-letters mails",
            "queue id died tries key bytes reason error",
            "mails +\\d+ .* 1 +- +6 .*",
            "{'queue': 'mails', 'bytes': 6, 'tries': 1}",
            1),
        new Shown(
            "jobs rep*",
            "job schedule paused running last_tick last_state",
            "report +- +- +0 +2026-11-21 +done ",
            "{'job': 'report', 'last_tick': '2026-11-21', 'last_state': 'done'}",
            1),
        new Shown(
            "runs report",
            "job tick state attempt",
            "report +2026-11-21 +done +1 .* orders ",
            "{'job': 'report', 'state': 'done', 'client': 'orders'}",
            1),
        new Shown(
            "watchers /watched",
            "path kind client",
            "/watched +persistent +orders ",
            "{'path': '/watched', 'kind': 'persistent'}",
            1),
        new Shown(
            "registry /services",
            "path version data_length registered client",
            "/services/web +0 +7 .* orders .* yes",
            "{'path': '/services/web', 'place': '/services', 'data_length': 7}",
            1),
        new Shown(
            "settings /config",
            "path key version data_length changes changed changed_by",
            " colour +0 +5 +1 ",
            "{'key': 'colour', 'place': '/config', 'changes': 1}",
            1),
        new Shown(
            "history /locks",
            "path what client host session token since until how ended_by why",
            "/locks/past +lock +orders .* released ",
            "{'path': '/locks/past', 'kind': 'lock', 'how': 'released'}",
            1),
        new Shown(
            "held-at /locks/a",
            "path what client",
            "/locks/a +lock +orders .* - +-",
            "{'path': '/locks/a', 'client': 'orders', 'until': null}",
            1),
        new Shown(
            "operations mails",
            "number at who what target why result",
            "[0-9]+ .* pause_queue +mails +a test +paused",
            "{'what': 'pause_queue', 'target': 'mails', 'why': 'a test'}",
            1));
  }

  @ParameterizedTest
  @MethodSource("shown")
  void aTableShowsWhatIsThere(Shown shown) {
    Ran ran = state.asInspector(shown.line().split(" "));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    List<String> lines = ran.out().lines().toList();
    assertThat(lines.get(0).replaceAll(" +", " ").strip()).startsWith(shown.headings());
    assertThat(lines).hasSize(shown.rows() + 1);
    assertThat(lines.stream().skip(1)).anyMatch(line -> line.matches(".*" + shown.row() + ".*"));
    assertThat(ran.out()).as("colours where there is no terminal").doesNotContain("\u001b");
  }

  @ParameterizedTest
  @MethodSource("shown")
  void jsonHasEveryColumnUnderItsName(Shown shown) {
    Ran ran = state.asInspector((shown.line() + " --json").split(" "));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    String json = "$json$" + ran.out() + "$json$::jsonb";
    String part = "'" + shown.json().replace('\'', '"') + "'";
    assertThat(count("jsonb_array_elements(" + json + ")")).isEqualTo(shown.rows());
    assertThat(count("jsonb_array_elements(" + json + ") AS e (e) WHERE e @> " + part))
        .as(ran.out())
        .isEqualTo(1);
  }

  private static long count(String from) {
    return state.database.queryLong("SELECT count(*) FROM " + from);
  }

  static Stream<String> nothings() {
    return shown().stream().map(Shown::line).filter(line -> !line.equals("candidates"));
  }

  @ParameterizedTest
  @MethodSource("nothings")
  void whereThereIsNothingItSaysSo(String line) {
    String command = line.split(" ")[0];
    String absent = line.contains("/") ? "/absent" : "absent";
    Ran plain = state.asInspector(command, absent);
    assertThat(plain.out()).matches("(no [a-z ]+|nobody held /absent)\\R");
    assertThat(plain.status()).isZero();
    assertThat(state.asInspector(command, absent, "--json").out()).isEqualTo("[]\n");
  }

  @Test
  void ofOneRowAllIsShownOneBelowTheOther() {
    Ran health = state.asInspector("health");
    assertThat(health.err()).isEmpty();
    assertThat(health.out())
        .containsPattern("(?m)^sessions +2$")
        .containsPattern("(?m)^locks_held +2$")
        .containsPattern("(?m)^queues_paused +1$")
        .containsPattern("(?m)^standby +no$");
    assertThat(state.asInspector("epochs").out()).containsPattern("(?m)^current +yes$");
    assertThat(state.asInspector("health", "--json").out()).contains("\"queues_paused\":1");
  }

  @Test
  void endedSessionsAreShownByClient() {
    state.database.keeper().close();
    assertThat(state.asInspector("past-sessions", "pgkeeper").out())
        .containsPattern("pgkeeper .* closed");
  }

  @Test
  void aPathShowsWhatIsBelowItAndNotWhatOnlyBeginsSo() {
    assertThat(state.asInspector("locks", "/locks").out()).doesNotContain("/locks-other");
    assertThat(state.asInspector("locks", "/").out()).contains("/locks-other", "/locks/a");
    assertThat(state.asInspector("locks").out()).contains("/locks-other", "/locks/a");
  }

  @Test
  void aSessionsOwnAreShown() {
    String mails = "" + state.mails.session().id();
    assertThat(state.asInspector("candidates", "--session", mails).out())
        .contains("bob")
        .doesNotContain("ada");
    assertThat(state.asInspector("sessions", "--session", mails, "--json").out())
        .contains("\"client\":\"mails\"")
        .doesNotContain("orders");
  }

  @Test
  void aLimitIsKeptAndToldInATable() {
    Ran plain = state.asInspector("candidates", "--limit", "1");
    assertThat(plain.out().lines())
        .hasSize(3)
        .last()
        .asString()
        .isEqualTo("… and more: the first 1 are shown, --limit shows others");
    assertThat(state.asInspector("candidates", "--limit", "2").out().lines()).hasSize(3);
    assertThat(state.asInspector("candidates", "--limit", "1", "--json").out().lines()).hasSize(3);
  }

  @Test
  void lookingOpensNoSession() {
    long before = count(state.database.schema() + ".session");
    state.asInspector("sessions");
    state.asInspector("ls", "/");
    assertThat(count(state.database.schema() + ".session")).isEqualTo(before);
  }

  @Test
  void whatAClientCalledItselfDoesNothingToTheTerminal() {
    var options = state.database.keeperOptions().withClientName("red\u001b[31m\nnext");
    try (var keeper = dev.pgkeeper.Keeper.connect(state.database.dataSource(), options)) {
      assertThat(state.asInspector("sessions", "--session", "" + keeper.session().id()).out())
          .contains("red\\u001b[31m\\nnext")
          .hasLineCount(2);
    }
  }

  @Test
  void everyViewOfTheSchemaIsShown() {
    String views =
        state.database.queryString(
            "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views WHERE schemaname = '${schema}'"
                + " AND viewname NOT IN ('nodes', 'holds')");
    Context context =
        new Context(Map.of(), java.io.InputStream.nullInputStream(), System.out, null);
    String shown =
        LookCommand.all(context).values().stream()
            .map(command -> command.get().usageMessage().description()[1])
            .map(text -> text.replaceAll("This is the view (\\w+) .*", "$1"))
            .collect(Collectors.toCollection(TreeSet::new))
            .stream()
            .collect(Collectors.joining(" "));
    assertThat(shown).isEqualTo(views);
  }
}
