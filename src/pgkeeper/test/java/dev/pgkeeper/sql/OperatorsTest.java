package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.util.PSQLException;

/** What operators do (R__27_operators.sql), by a role that may do nothing else. */
class OperatorsTest {

  private static TestDatabase database;
  private static String operator;
  private static int lines;

  private String line;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
    operator = database.roleName("operator");
    database.execute("CREATE ROLE " + operator + " LOGIN PASSWORD 'secret'");
    database.execute("CALL ${schema}.grant_operator('" + operator + "')");
    database.execute("SELECT ${schema}.queue_create('mails')");
    database.execute("SELECT ${schema}.job_register('nightly', 'daily', clock_timestamp())");
  }

  @AfterAll
  static void drop() {
    database.execute("DROP OWNED BY " + operator);
    database.execute("DROP ROLE " + operator);
    database.close();
  }

  @BeforeEach
  void newLine() {
    line = "/operators/" + lines++;
  }

  private static Connection connect() throws SQLException {
    PGSimpleDataSource dataSource = database.plainDataSource();
    dataSource.setUser(operator);
    dataSource.setPassword("secret");
    return dataSource.getConnection();
  }

  /** What the operator's call of a function answers. */
  private static String operate(String call) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                ("SELECT ${schema}." + call).replace("${schema}", database.schema()))) {
      row.next();
      return row.getString(1);
    }
  }

  private static PSQLException refused(String call) {
    return catchThrowableOfType(PSQLException.class, () -> operate(call));
  }

  private static void assertRefused(String call, String state, String message, String hint) {
    PSQLException refused = refused(call);
    assertThat(refused == null ? "nothing" : refused.getSQLState()).as(call).isEqualTo(state);
    assertThat(refused.getServerErrorMessage().getMessage()).contains(message);
    assertThat(refused.getServerErrorMessage().getHint()).contains(hint);
  }

  private static String lastOperation() {
    return database.queryString(
        "SELECT concat_ws(' | ', who, what, target, why, result, at <= clock_timestamp())"
            + " FROM ${schema}.operations ORDER BY number DESC LIMIT 1");
  }

  private static void assertNoted(String whatTargetWhyResult) {
    assertThat(lastOperation()).isEqualTo(operator + " | " + whatTargetWhyResult + " | t");
  }

  private String history(String columns) {
    return database.queryString(
        "SELECT string_agg(concat_ws(' ', %s), ', ' ORDER BY token) FROM ${schema}.history WHERE path = '%s'"
            .formatted(columns, line));
  }

  private String holders() {
    return database.queryString(
        "SELECT string_agg(client, ', ' ORDER BY token) FROM ${schema}.held_at('" + line + "')");
  }

  private static SqlClient open(String name) {
    return SqlClient.open(database, name);
  }

  private static Keeper keeper(String name) {
    return Keeper.connect(database.dataSource(), database.keeperOptions().withClientName(name));
  }

  @Test
  void anEndedSessionIsGoneWithEverythingItOwned() throws SQLException {
    SqlClient client = open("stuck");
    long token = client.lock(line);
    long next = open("next").lock(line);
    operate("end_session(" + client.session() + ", ' host is gone ')");
    assertNoted("end_session | " + client.session() + " | host is gone | ended");
    assertThat(history("token, client, how, ended_by, why"))
        .isEqualTo(token + " stuck revoked " + operator + " host is gone");
    assertThat(holders()).isEqualTo("next");
    assertThat(next).isGreaterThan(token);
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', how, ended_by, why) FROM ${schema}.past_sessions WHERE session = "
                    + client.session()))
        .isEqualTo("revoked " + operator + " host is gone");
  }

  @Test
  void holdsOfAnEndedSessionAreToldAsRevokedWhereverTheyWere() throws SQLException {
    SqlClient client = open("stuck");
    client.lock(line);
    client.join(line + "-n", "semaphore", 2, "1", "NULL", "''");
    database.queryLong(
        "SELECT token FROM ${schema}.job_claim(%d, '%s-job', 'tick')"
            .formatted(client.session(), line));
    operate("end_session(" + client.session() + ", 'test')");
    database.execute("SELECT ${schema}.mark_abandoned_runs()");
    for (String path : new String[] {line, line + "-n", line + "-job"}) {
      line = path;
      assertThat(history("how, ended_by, why")).isEqualTo("revoked " + operator + " test");
    }
  }

  @Test
  void aClientIsToldThatAnOperatorEndedItsSession() throws Exception {
    try (Keeper keeper = keeper("told")) {
      CompletableFuture<SessionState> lost = new CompletableFuture<>();
      keeper.onStateChange(
          state -> {
            if (state == SessionState.LOST) {
              lost.complete(state);
            }
          });
      Session session = keeper.session();
      Held held = keeper.lock(line).acquire();
      operate("end_session(" + session.id() + ", 'the host is to be replaced')");
      lost.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(held.isHeld()).isFalse();
      Await.until(
          "the reason is told",
          () ->
              catchThrowableOfType(
                      KeeperException.SessionExpired.class, () -> session.tree().exists("/"))
                  .getMessage()
                  .contains("the operator " + operator + " ended it: the host is to be replaced"));
    }
  }

  @Test
  void aBrokenLockIsRefusedByFencesAndHeldByTheNextOne() throws Exception {
    try (Keeper stuck = keeper("stuck");
        Keeper next = keeper("next");
        Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      Held held = stuck.lock(line).acquire();
      held.fence(connection);
      connection.commit();
      CompletableFuture<Held> waiting = next.lock(line).acquireAsync();
      Await.until("one waits", () -> !next.lock(line).waiters().isEmpty());

      assertThat(operate("break_lock('" + line + "', 'stuck since noon')")).isEqualTo("1");

      assertThatThrownBy(() -> held.fence(connection)).isInstanceOf(KeeperException.NotHeld.class);
      connection.rollback();
      Held then = waiting.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      then.fence(connection);
      connection.commit();
      assertThat(then.token()).isGreaterThan(held.token());
      Await.until("the former holder is told", () -> held.state() == HoldState.LOST);
      assertNoted(
          "break_lock | " + line + " | stuck since noon | taken from 1: token " + held.token());
      assertThat(history("token, client, how, ended_by, why"))
          .isEqualTo(held.token() + " stuck revoked " + operator + " stuck since noon");
      assertThat(stuck.state()).as("the session goes on").isEqualTo(SessionState.HELD);
    }
  }

  @Test
  void whoeverIsNextHoldsABrokenLockAtOnce() throws SQLException {
    SqlClient stuck = open("stuck");
    long token = stuck.lock(line);
    open("next").lock(line);
    open("last").lock(line);
    operate("break_lock('" + line + "', 'test')");
    assertThat(holders()).isEqualTo("next");
    assertThat(history("token, how")).isEqualTo(token + " revoked");
    stuck.free(line, token);
    assertThat(holders()).as("a late release changes nothing").isEqualTo("next");
  }

  @Test
  void aLockThatIsHeldWithANodeIsBrokenToo() throws Exception {
    try (Keeper stuck = keeper("stuck");
        Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      Held held = stuck.lock(line).withData(new byte[] {1}).acquire();
      open("next").join(line, "mutex", 1, "lock", "NULL", "'x'");
      operate("break_lock('" + line + "', 'test')");
      assertThatThrownBy(() -> held.fence(connection)).isInstanceOf(KeeperException.NotHeld.class);
      Await.until("the former holder is told", () -> held.state() == HoldState.LOST);
      assertThat(holders()).isEqualTo("next");
      assertThat(history("client, how")).isEqualTo("stuck revoked");
    }
  }

  @Test
  void permitsAreTakenFromAllOrFromOne() throws SQLException {
    SqlClient client = open("permits");
    long one = client.join(line, "semaphore", 3, "1", "NULL", "''");
    long two = client.join(line, "semaphore", 3, "1", "NULL", "''");
    long three = client.join(line, "semaphore", 3, "1", "NULL", "''");
    SqlClient waits = open("waits");
    waits.join(line, "semaphore", 3, "2", "NULL", "''");
    assertThat(operate("break_lock('%s', 'test', %d)".formatted(line, two))).isEqualTo("1");
    assertThat(holders()).isEqualTo("permits, permits");
    assertThat(operate("break_lock('" + line + "', 'test')")).isEqualTo("2");
    assertThat(holders()).as("who was next is not taken away too").isEqualTo("waits");
    assertThat(history("token, how"))
        .isEqualTo("%d revoked, %d revoked, %d revoked".formatted(one, two, three));
    assertThat(
            database.queryLong("SELECT children FROM ${schema}.nodes WHERE path = '" + line + "'"))
        .isEqualTo(1);
  }

  @Test
  void aFencedHoldIsWaitedForAndThenKept() throws Exception {
    database.execute(
        "ALTER FUNCTION ${schema}.break_lock(text, text, bigint) SET lock_timeout = '100ms'");
    SqlClient client = open("fenced");
    long token = client.lock(line);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT %s.fence('%s', %d)".formatted(database.schema(), line, token));
      assertRefused(
          "break_lock('" + line + "', 'test')", "55P03", line + " is kept", "pg_stat_activity");
      connection.commit();
    }
    assertThat(holders()).isEqualTo("fenced");
    assertThat(operate("break_lock('" + line + "', 'test')")).isEqualTo("1");
  }

  @Test
  void leadershipMovesToTheNamedCandidateAndTheOthersStandAgainBehindIt() throws Exception {
    try (Keeper keeper = keeper("candidates")) {
      Candidacy a = stand(keeper, "a");
      Candidacy b = stand(keeper, "b");
      Candidacy c = stand(keeper, "c");
      long before = leaderToken();

      long token = Long.parseLong(operate("move_leadership('" + line + "', 'c', 'a is slow')"));

      assertThat(token).isGreaterThan(before);
      Await.until("c leads", () -> c.leadership().isPresent());
      assertThat(c.leadership().orElseThrow().token()).isEqualTo(token);
      Await.until("a knows that it does not lead", () -> a.leadership().isEmpty());
      assertNoted(
          "move_leadership | %s | a is slow | to c: token %d, 2 before it taken out"
              .formatted(line, token));
      assertThat(history("token, what, how, ended_by, why"))
          .isEqualTo(before + " a revoked " + operator + " a is slow");
      Await.until("all stand", () -> candidates().length() == 5);
      assertThat(candidates()).startsWith("c").contains("a", "b");
      assertThat(operate("move_leadership('" + line + "', 'c', 'again')")).isEqualTo("" + token);
      assertThat(lastOperation()).contains("c led before: token " + token);
      c.close();
      Await.until(
          "another one leads", () -> a.leadership().isPresent() || b.leadership().isPresent());
      a.close();
      b.close();
    }
  }

  private Candidacy stand(Keeper keeper, String identity) {
    Candidacy candidacy =
        keeper
            .election(line)
            .withIdentity(identity)
            .requeueing()
            .run(leadership -> new CountDownLatch(1).await());
    Await.until(identity + " stands", () -> candidates().contains(identity));
    return candidacy;
  }

  private String candidates() {
    return String.valueOf(
        database.queryString(
            "SELECT string_agg(identity, ',' ORDER BY place) FROM ${schema}.candidates WHERE path = '"
                + line
                + "'"));
  }

  private long leaderToken() {
    Await.until("somebody leads", () -> holders() != null);
    return database.queryLong("SELECT token FROM ${schema}.leaders WHERE path = '" + line + "'");
  }

  @Test
  void leadershipMovesPastWhoeverStandsInTheRow() throws SQLException {
    SqlClient first = open("first");
    long token = first.join(line, "election", 1, "candidate", "NULL", "''");
    open("second").join(line, "election", 1, "candidate", "NULL", "''");
    SqlClient named = open("named");
    long number = named.stand(line, "x");
    assertThat(operate("move_leadership('" + line + "', 'x', 'test')")).isEqualTo("" + number);
    assertThat(holders()).isEqualTo("named");
    assertThat(history("token, how")).isEqualTo(token + " revoked");
    assertThat(lastOperation()).contains("2 before it taken out");
  }

  @Test
  void queuesArePausedAndResumed() throws SQLException {
    assertThat(operate("pause_queue('mails', 'smtp is down')")).isEqualTo("t");
    assertNoted("pause_queue | mails | smtp is down | paused");
    assertThat(database.queryString("SELECT ${schema}.is_paused('mails')")).isEqualTo("t");
    assertThat(operate("pause_queue('mails', 'smtp is down')")).isEqualTo("f");
    assertNoted("pause_queue | mails | smtp is down | was paused before");
    assertThat(operate("resume_queue('mails', 'it is back')")).isEqualTo("t");
    assertNoted("resume_queue | mails | it is back | resumed");
    assertThat(operate("resume_queue('mails', 'it is back')")).isEqualTo("f");
    assertThat(database.queryString("SELECT ${schema}.is_paused('mails')")).isEqualTo("f");
  }

  @Test
  void jobsArePausedResumedAndTriggered() throws SQLException {
    assertThat(operate("pause_job('nightly', 'migration')")).isEqualTo("t");
    assertNoted("pause_job | nightly | migration | paused");
    assertThat(operate("pause_job('nightly', 'migration')")).isEqualTo("f");
    assertThat(
            database.queryString("SELECT paused IS NULL FROM ${schema}.jobs WHERE job = 'nightly'"))
        .isEqualTo("f");
    assertThat(operate("resume_job('nightly', 'done')")).isEqualTo("t");
    assertNoted("resume_job | nightly | done | resumed");
    assertThat(operate("resume_job('nightly', 'done')")).isEqualTo("f");
    String tick = operate("trigger_job('nightly', 'test')");
    assertNoted("trigger_job | nightly | test | " + tick);
    assertThat(
            database.queryString(
                "SELECT state FROM ${schema}.job_runs WHERE job = 'nightly' AND tick = '"
                    + tick
                    + "'"))
        .isEqualTo("requested");
  }

  @Test
  void messagesAreRedrivenDiscardedAndPurged() throws SQLException {
    database.execute("SELECT ${schema}.queue_create('dead', in_most_tries => 1)");
    for (int i = 0; i < 3; i++) {
      database.execute("SELECT ${schema}.enqueue('dead', 'x')");
      database.execute(
          "SELECT ${schema}.nack(claim, id) FROM ${schema}.take_leased('dead', 1, '1 h')");
    }
    String dead = "SELECT count(*) FROM ${schema}.dead_letters WHERE queue = 'dead'";
    assertThat(database.queryLong(dead)).isEqualTo(3);
    long id = database.queryLong("SELECT min(id) FROM ${schema}.dead_letters WHERE queue = 'dead'");
    assertThat(operate("discard_dead_letters('dead', 'test', ARRAY[%d])".formatted(id)))
        .isEqualTo("1");
    assertNoted("discard_dead_letters | dead | test | 1 deleted");
    assertThat(operate("redrive_queue('dead', 'fixed', in_older => '1 hour')")).isEqualTo("0");
    assertThat(operate("redrive_queue('dead', 'fixed')")).isEqualTo("2");
    assertNoted("redrive_queue | dead | fixed | 2 wait again");
    assertThat(database.queryLong(dead)).isZero();
    assertThat(operate("purge_queue('dead', 'test')")).isEqualTo("2");
    assertNoted("purge_queue | dead | test | 2 deleted");
    assertThat(database.queryLong("SELECT ready FROM ${schema}.queues WHERE queue = 'dead'"))
        .isZero();
  }

  /** Each of what waits for a row, or a lock, that a client's transaction keeps. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pause_queue('mails', 'test')                 | queue       | the queue mails",
        "resume_queue('mails', 'test')                | queue       | the queue mails",
        "pause_job('nightly', 'test')                 | job         | the job nightly",
        "resume_job('nightly', 'test')                | job         | the job nightly",
        "trigger_job('nightly', 'test')               | job         | the job nightly",
        "redrive_queue('mails', 'test')               | dead_letter | something of the queue mails",
        "purge_queue('mails', 'test')                 | message     | something of the queue mails",
        "discard_dead_letters('mails', 'test')        | dead_letter | something of the queue mails",
        "prune('history', '7 days', 'test')           | past_hold   | something of history",
        "configure_history('test', in_keep => '1 day') | history_bound | the setting of the history"
      })
  void whatIsKeptIsWaitedForFiveSecondsAtMost(String call, String table, String kept)
      throws SQLException {
    try (Connection keeping = database.connect();
        Statement statement = keeping.createStatement()) {
      keeping.setAutoCommit(false);
      statement.execute("LOCK TABLE %s.%s IN EXCLUSIVE MODE".formatted(database.schema(), table));
      assertRefused(call, "55P03", kept + " is kept by a transaction", "Ask again");
      keeping.rollback();
    }
  }

  @Test
  void whatIsOldIsPruned() throws SQLException {
    SqlClient client = open("old");
    client.free(line, client.lock(line));
    database.execute(
        "UPDATE ${schema}.past_hold SET until = until - interval '2 days' WHERE path = '"
            + line
            + "'");
    client.free(line, client.lock(line));
    assertThat(operate("prune('history', '1 day', 'disk is full')")).isEqualTo("1");
    assertNoted("prune | history | disk is full | 1 older than 1 day");
    assertThat(history("client")).isEqualTo("old");
    assertThat(operate("prune('runs', '1 day', 'test')")).isEqualTo("0");
    database.execute(
        "INSERT INTO ${schema}.operation (number, at, who, what, why, result) VALUES (1, now() - interval '32 days', 'x', 'x', 'x', 'x')");
    assertThat(operate("prune('operations', '31 days', 'test')")).isEqualTo("1");
    assertRefused("prune('operations', '29 days', 'test')", "22023", "30 days", "owner");
    // A span that is equal to 30 days, and leads to a moment that is yet to come.
    for (String what : List.of("operations", "history")) {
      assertRefused(
          "prune('" + what + "', '-1200 months 36030 days', 'test')", "22023", "how old", "7 days");
    }
    assertRefused("prune('nodes', '1 day', 'test')", "PK004", "'nodes'", "history, runs");
    assertRefused("prune('history', NULL, 'test')", "22023", "how old", "7 days");
    assertRefused("prune('history', '-1 day', 'test')", "22023", "how old", "7 days");
  }

  @Test
  void historyIsConfigured() throws SQLException {
    operate("configure_history('test', in_keep => '7 days', in_most_rows => 500)");
    assertNoted("configure_history | test | on, keep 7 days, at most 500 rows");
    operate("configure_history('quiet', in_enabled => false)");
    assertNoted("configure_history | quiet | off, keep 7 days, at most 500 rows");
    operate("configure_history('test', true, '30 days', 1000000)");
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', enabled, keep, most_rows) FROM ${schema}.history_settings"))
        .isEqualTo("t 30 days 1000000");
    assertRefused("configure_history('test', in_keep => '0')", "22023", "some time", "in_enabled");
    assertRefused(
        "configure_history('test', in_keep => '-1200 months 36030 days')",
        "22023",
        "some time",
        "in_enabled");
    assertRefused("configure_history('test', in_most_rows => 0)", "22023", "a row", "in_enabled");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "end_session(%1$d, %2$s)",
        "break_lock('%3$s', %2$s)",
        "move_leadership('%3$s-e', 'x', %2$s)",
        "pause_queue('mails', %2$s)",
        "resume_queue('mails', %2$s)",
        "pause_job('nightly', %2$s)",
        "resume_job('nightly', %2$s)",
        "trigger_job('nightly', %2$s)",
        "redrive_queue('mails', %2$s)",
        "purge_queue('mails', %2$s)",
        "discard_dead_letters('mails', %2$s)",
        "prune('history', '1 day', %2$s)",
        "configure_history(%2$s)"
      })
  void everyOperationNeedsAReason(String call) {
    SqlClient client = open("reason");
    client.lock(line);
    client.stand(line + "-e", "x");
    String before = lastOperation();
    for (String blank : new String[] {"NULL", "''", "E' \\t\\n'"}) {
      assertRefused(
          call.formatted(client.session(), blank, line), "22023", "needs a reason", "Say why");
    }
    assertThat(holders()).as("nothing was done").isEqualTo("reason");
    assertThat(lastOperation()).isEqualTo(before);
  }

  @Test
  void unknownThingsAreNamedWithWhereToLook() {
    SqlClient client = open("known");
    long token = client.lock(line);
    client.stand(line + "-e", "x");
    database.execute("SELECT ${schema}.create('/plain')");
    assertRefused("end_session(17, 'test')", "PK004", "no session 17", "sessions");
    assertRefused("end_session(NULL, 'test')", "PK004", "no session", "sessions");
    assertRefused("break_lock('/none', 'test')", "PK004", "'/none' is no lock", "locks");
    assertRefused("break_lock(NULL, 'test')", "PK004", "null is no lock", "locks");
    assertRefused("break_lock('/plain', 'test')", "PK004", "'/plain' is no lock", "locks");
    assertRefused(
        "break_lock('%s', 'test', %d)".formatted(line, token + 1),
        "PK004",
        "nobody holds " + line + " with token " + (token + 1),
        "locks");
    assertRefused("move_leadership('/none', 'x', 'test')", "PK004", "no election", "candidates");
    assertRefused(
        "move_leadership('%s', 'x', 'test')".formatted(line), "PK004", "no election", "candidates");
    assertRefused(
        "move_leadership('%s-e', 'y', 'test')".formatted(line),
        "PK004",
        "is called 'y'",
        "Those who stand: x");
    for (String of :
        new String[] {
          "pause_queue", "resume_queue", "redrive_queue", "purge_queue", "discard_dead_letters"
        }) {
      assertRefused(of + "('none', 'test')", "PK004", "no queue 'none'", "queues");
    }
    for (String of : new String[] {"pause_job", "resume_job", "trigger_job"}) {
      assertRefused(of + "('none', 'test')", "PK004", "no job 'none'", "jobs");
    }
    client.free(line, token);
    assertRefused("break_lock('" + line + "', 'test')", "PK004", "nobody holds", "locks");
  }
}
