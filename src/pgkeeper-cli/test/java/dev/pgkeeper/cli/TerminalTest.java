package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The shell and the live view in a real terminal. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class TerminalTest {

  @TempDir private Path directory;
  private TestDatabase database;
  private Tmux terminal;

  @BeforeEach
  void open() throws Exception {
    database = TestDatabase.fresh();
    terminal = Tmux.open(directory, database.jdbcUrl());
  }

  @AfterEach
  void close() throws Exception {
    if (terminal != null) {
      terminal.close();
    }
    database.close();
  }

  private void begin(String command) throws Exception {
    terminal.type("./pgkeeper " + command + " --schema " + database.schema());
  }

  private String prompt() {
    return database.jdbcUrl().replaceFirst(".*(/[^?]*)[?].*", "$1>");
  }

  /**
   * Between two prompts, Ctrl-C discards what was typed, and Ctrl-D is no key but the end of a
   * line.
   */
  private void awaitPrompt() {
    Await.until(
        () -> "a prompt on the screen:\n" + terminal.screen(),
        () -> terminal.screen().stripTrailing().endsWith(prompt()));
  }

  private void awaitNoSession() {
    Await.until(
        "the end of all sessions",
        () -> database.queryLong("SELECT count(*) FROM ${schema}.session") == 0);
  }

  @Test
  void theShellCompletesRemembersAndKeepsOneSession() throws Exception {
    database.execute("SELECT ${schema}.create('/shop', 'open')");
    database.execute("SELECT ${schema}.create('/shop/sign', 'closed')");
    begin("shell");
    terminal.await(prompt());

    terminal.keys("-l", "get /sh");
    terminal.keys("Tab");
    terminal.await("> get /shop");
    terminal.keys("-l", "/");
    terminal.keys("Tab", "Enter");
    terminal.await("> get /shop/sign", "\nclosed\n");
    awaitPrompt();

    terminal.keys("-l", "cand");
    terminal.keys("Tab");
    terminal.await("> candidates");
    terminal.keys("C-c");
    awaitPrompt();

    terminal.type("create -e /shop/till 'two words'");
    terminal.await("\n/shop/till\n");
    terminal.type("get /shop/till");
    terminal.await("\ntwo words\n");
    terminal.type("create -e /shop/till2");
    terminal.await("\n/shop/till2\n");
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session")).isEqualTo(1);

    terminal.type("set /nowhere x");
    terminal.await("pgkeeper set: /nowhere: there is no such node");
    terminal.type("lss");
    terminal.await("unknown command \"lss\" (did you mean ls?)");

    awaitPrompt();
    terminal.keys("C-d");
    terminal.await("ready>");
    awaitNoSession();
    Path history = directory.resolve("history");
    assertThat(Files.readString(history)).contains("get /shop/sign");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(history)))
        .isEqualTo("rw-------");
  }

  @Test
  void interruptingEndsWhatRunsInTheShellAndNotTheShell() throws Exception {
    begin("shell");
    terminal.await(prompt());
    terminal.type("watch /w");
    Await.until(
        "a watcher", () -> database.queryLong("SELECT count(*) FROM ${schema}.watchers") == 1);
    database.execute("SELECT ${schema}.create('/w')");
    database.execute("SELECT ${schema}.set('/w', 'x')");
    terminal.keys("C-c");
    Await.until(
        "no watcher", () -> database.queryLong("SELECT count(*) FROM ${schema}.watchers") == 0);
    awaitPrompt();
    terminal.type("ls /");
    terminal.await("> ls /\nw\n");
    terminal.type("quit");
    terminal.await("ready>");
    awaitNoSession();
  }

  @Test
  void theLiveViewFollowsResizesAndLeavesTheTerminalAsItWas() throws Exception {
    terminal.type("echo before");
    begin("top");
    terminal.await("sessions 0", "nothing is there", "q quits");
    try (Keeper keeper =
        Keeper.connect(database.dataSource(), database.keeperOptions().withClientName("orders"))) {
      keeper.lock("/locks/a").acquireAsync().join();
      terminal.await("locks 1", "LOCKS", "/locks/a", "orders", "SESSIONS");
      assertThat(terminal.colouredScreen()).contains("\u001b[1m");
      terminal.resize(60, 12);
      String small = terminal.await("q quits", "/locks/a");
      assertThat(small.lines()).allMatch(line -> line.length() <= 60).hasSizeLessThanOrEqualTo(12);
      terminal.resize(120, 40);
    }
    terminal.await("locks 0");
    terminal.keys("q");
    assertThat(terminal.await("before", "ready>")).doesNotContain("SESSIONS");
    assertTerminalIsSane();
  }

  /** No look comes through. */
  @Test
  void theLiveViewTellsHowOldItIsOnceItIs() throws Exception {
    begin("top --every 1s");
    terminal.await("q quits");
    try (Connection kept = database.connect();
        Statement statement = kept.createStatement()) {
      kept.setAutoCommit(false);
      statement.execute("LOCK TABLE " + database.schema() + ".job");
      terminal.await(" s old  ");
      assertThat(terminal.colouredScreen()).contains("\u001b[33mpgkeeper");
    }
    Await.until("it is young again", () -> !terminal.screen().contains(" s old  "));
    terminal.keys("q");
    terminal.await("ready>");
  }

  @Test
  void aKilledLiveViewLeavesTheTerminalAsItWas() throws Exception {
    begin("top");
    terminal.await("q quits");
    terminal.command().destroy();
    Await.until(
        () -> "a prompt on the screen:\n" + terminal.screen(),
        () -> terminal.screen().stripTrailing().endsWith("ready>"));
    assertThat(terminal.screen()).doesNotContain("q quits");
    assertTerminalIsSane();
  }

  @Test
  void theLiveViewShowsNoColourWhereNoneIsWanted() throws Exception {
    terminal.type("export NO_COLOR=1");
    begin("top");
    terminal.await("q quits");
    assertThat(terminal.colouredScreen()).doesNotContain("\u001b[1m", "\u001b[2m");
    terminal.keys("C-c");
    terminal.await("ready>");
  }

  private void assertTerminalIsSane() throws Exception {
    terminal.type("clear; stty -a | tr ' ;' '\\n\\n' | grep -x -e -icanon -e -echo; echo so=$?");
    terminal.await("so=1");
  }
}
