package dev.pgkeeper.cli;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A database that goes under the shell and the live view, in a real terminal. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LostUnderTerminalTest {

  @TempDir private Path directory;
  private PrivateServer server;
  private TestDatabase database;
  private Tmux terminal;

  @BeforeEach
  void open() throws Exception {
    server = PrivateServer.start();
    database = TestDatabase.freshOn(server);
    terminal = Tmux.open(directory, database.jdbcUrl());
  }

  @AfterEach
  void close() throws Exception {
    if (terminal != null) {
      terminal.close();
    }
    server.close();
  }

  @Test
  void theLiveViewSaysThatWhatItShowsIsOldAndGoesOnWhenTheDatabaseIsBack() throws Exception {
    terminal.type("./pgkeeper top --every 1s --schema " + database.schema());
    terminal.await("sessions 0", "q quits");
    server.stopImmediate();
    terminal.await(
        "this is what was there at ",
        "since then: cannot connect to 127.0.0.1:" + server.port(),
        "sessions 0",
        "q quits");
    server.startAgain();
    Await.until(
        () -> "no trouble on the screen:\n" + terminal.screen(),
        () -> !terminal.screen().contains("this is what was there at "));
    terminal.await("sessions 0", "q quits");
    terminal.keys("q");
    terminal.await("ready>");
  }

  @Test
  void theShellTellsEachCommandAndStaysForTheNextOne() throws Exception {
    terminal.type("./pgkeeper shell --schema " + database.schema());
    terminal.await("/postgres>");
    server.stopImmediate();
    terminal.type("ls /");
    terminal.await("pgkeeper ls: cannot connect to 127.0.0.1:" + server.port());
    server.startAgain();
    terminal.type("create /again");
    terminal.await("\n/again\n");
    terminal.type("quit");
    terminal.await("ready>");
  }
}
