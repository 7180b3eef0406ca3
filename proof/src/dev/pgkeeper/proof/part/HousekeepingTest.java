package dev.pgkeeper.proof.part;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.client.CreateInSequence;
import dev.pgkeeper.proof.client.UseTheRegisters;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is put away in a long run, and what is left alone. */
class HousekeepingTest {
  private static final Duration HISTORY = Duration.ofMinutes(6);

  private static PrivateServer server;

  private TestDatabase database;

  @BeforeAll
  static void start() {
    server = PrivateServer.start(Ledger.SERVER_SETTINGS);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void open() {
    database = TestDatabase.freshOn(server);
    Ledger.open(database);
  }

  @AfterEach
  void drop() {
    database.close();
  }

  private void create(String path, int ageSeconds) {
    database.execute("SELECT ${schema}.create('" + path + "')");
    database.execute(
        "UPDATE ${schema}.node SET ctime = clock_timestamp() - interval '%d s' WHERE path = '%s'"
            .formatted(ageSeconds, path));
  }

  private String children(String parent) {
    return database.queryString(
        "SELECT string_agg(name, ' ' ORDER BY name) FROM ${schema}.node WHERE parent = '"
            + parent
            + "'");
  }

  @Test
  void registersAndNumbersThatNobodyUsesAnyMoreAreDeletedAndNothingElse() throws Exception {
    String last = CreateInSequence.parent(CreateInSequence.parents() - 1);
    for (String parent : new String[] {UseTheRegisters.ROOT, last, "/bank"}) {
      create(parent + "/new", 20);
      create(parent + "/old", 60);
    }
    try (Housekeeping keeping = Housekeeping.begin(database, HISTORY)) {
      keeping.tidy();
    }
    assertThat(children(UseTheRegisters.ROOT)).isEqualTo("new");
    assertThat(children(last)).isEqualTo("new");
    assertThat(children("/bank")).endsWith("new old");
  }

  @Test
  void whatIsOldStaysUntilTheServerIsBack() throws Exception {
    create(UseTheRegisters.ROOT + "/new", 20);
    create(UseTheRegisters.ROOT + "/old", 60);
    try (Housekeeping keeping = Housekeeping.begin(database, HISTORY)) {
      server.stopFast();
      keeping.tidy();
      server.startAgain();
      assertThat(children(UseTheRegisters.ROOT)).isEqualTo("new old");
      keeping.tidy();
    }
    assertThat(children(UseTheRegisters.ROOT)).isEqualTo("new");
  }

  @Test
  void historyIsKeptForSoLong() throws Exception {
    Housekeeping.begin(database, HISTORY).close();
    assertThat(
            database.queryLong(
                "SELECT extract(epoch FROM keep)::bigint FROM ${schema}.history_settings"))
        .isEqualTo(HISTORY.toSeconds());
  }
}
