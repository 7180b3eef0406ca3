package dev.pgkeeper.proof.part;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.check.BankCheck;
import dev.pgkeeper.proof.check.EphemeralCheck;
import dev.pgkeeper.proof.check.Evidence;
import dev.pgkeeper.proof.check.SessionEndCheck;
import dev.pgkeeper.proof.check.WatchCheck;
import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.proof.history.History.Account;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What those checks say that ask the database, of what is known to be good or bad there. */
class LedgerChecksTest {
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

  private Evidence evidence(String... lines) {
    return new Evidence(
        database,
        History.of(List.of(new Account("c0.1", List.of(lines)))),
        List.of(),
        List.of(),
        0,
        List.of(),
        List.of(),
        100);
  }

  @Test
  void aSumThatIsNotWhatItWasIsFoundInAReadAndInTheEnd() {
    Evidence right = evidence("call 1 total /bank  10", "answer 1 ok 500 11");
    Evidence wrong = evidence("call 1 total /bank  10", "answer 1 ok 499 11");
    assertThat(BankCheck.examine(right).violations()).isEmpty();
    assertThat(BankCheck.examine(right).examined()).isOne();
    assertThat(BankCheck.examine(wrong).violations()).hasSize(1);
    database.execute("SELECT ${schema}.set('/bank/0', '99')");
    assertThat(BankCheck.examine(right).violations())
        .singleElement()
        .asString()
        .contains("499 in the end");
  }

  @Test
  void whatAWatcherOrACacheDoesNotKnowOrKnowsWronglyIsFound() throws Exception {
    database.execute("SELECT ${schema}.create('/watched/n1', 'a')");
    String watched = "watched /watched/n1 a";
    String cached = "cached /watched/n1 a";
    assertThat(watching(watched, cached)).isEmpty();
    assertThat(watching(cached)).hasSize(1);
    assertThat(watching(watched, "cached /watched/n1 b")).hasSize(1);
    assertThat(watching(watched, cached, "cached /watched/n2 a")).hasSize(1);
    assertThat(WatchCheck.examine(evidence(cached)).examined())
        .as("one that never told is no watcher")
        .isZero();
  }

  private List<String> watching(String... known) throws Exception {
    String[] lines = new String[known.length + 1];
    lines[0] = "follower c0.1";
    System.arraycopy(known, 0, lines, 1, known.length);
    return WatchCheck.examine(evidence(lines)).violations();
  }

  @Test
  void anEphemeralNodeThatGoesWithItsSessionIsRightAndOneThatItsOwnerMissesIsFound()
      throws Exception {
    long session = openSession();
    createEphemeral(session);
    database.execute("SELECT ${schema}.session_end(" + session + ")");
    assertThat(EphemeralCheck.examine(evidence()).violations()).isEmpty();
    assertThat(EphemeralCheck.examine(evidence()).examined()).isOne();
    assertThat(EphemeralCheck.examine(evidence("missing /ephemeral/e")).violations()).hasSize(1);
  }

  @Test
  void anEphemeralNodeThatOutlivesItsSessionIsFoundAlsoIfItGoesLater() throws Exception {
    long session = openSession();
    createEphemeral(session);
    database.execute("DELETE FROM ${schema}.session WHERE id = " + session);
    assertThat(EphemeralCheck.examine(evidence()).violations())
        .hasSize(2)
        .anySatisfy(found -> assertThat(found).contains("outlived it: gone never"))
        .anySatisfy(found -> assertThat(found).contains("is there, and its session is not"));
    database.execute("DELETE FROM ${schema}.node WHERE path = '/ephemeral/e'");
    assertThat(EphemeralCheck.examine(evidence()).violations())
        .singleElement()
        .asString()
        .contains("outlived it: gone 2");
  }

  private void createEphemeral(long session) {
    database.execute(
        "SELECT ${schema}.create('/ephemeral/e', '', 'ephemeral', false, " + session + ")");
  }

  @Test
  void aSessionThatEndsBeforeItsTimeIsFoundUnlessItsClientClosesIt() throws Exception {
    long session = openSession();
    database.execute("SELECT ${schema}.session_end(" + session + ")");
    assertThat(ending("session " + session)).hasSize(1);
    assertThat(ending("session " + session, "closing " + session)).isEmpty();
    assertThat(SessionEndCheck.examine(evidence()).examined())
        .as("no client said that it had this session")
        .isZero();
  }

  @Test
  void aSessionThatEndsAfterItsLeaseIsRight() throws Exception {
    long session = openSession();
    database.execute(
        "UPDATE ${schema}.epoch SET began = began - interval '1 day';"
            + " UPDATE ${schema}.session SET renewed = renewed - interval '5 hours'");
    database.execute("SELECT ${schema}.session_end(" + session + ")");
    assertThat(ending("session " + session)).isEmpty();
    assertThat(SessionEndCheck.examine(evidence("session " + session)).examined()).isOne();
  }

  private List<String> ending(String... lines) throws Exception {
    return SessionEndCheck.examine(evidence(lines)).violations();
  }

  private long openSession() {
    return database.queryLong(
        "SELECT ${schema}.session_open(60000, 60000, false, 'c0.1', 'here', 1)");
  }
}
