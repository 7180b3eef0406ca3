package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Observer;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who is ended, by whom, and who is not. */
class ReaperTest {
  private static final int MANY = Integer.getInteger("pgkeeper.reaper.sessions", 500);
  private static final int ALIVE = 50;

  private static TestDatabase database;
  private static SessionLog log;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    log = SessionLog.of(database);
    log.putEpochBack();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  private static void openSessions(int number, long timeoutMs, String parent) {
    database.execute("SELECT ${schema}.create('" + parent + "')");
    database.execute(
        "DO $$ BEGIN FOR i IN 1.."
            + number
            + " LOOP PERFORM ${schema}.create('"
            + parent
            + "/e-', '', 'ephemeral', true, ${schema}.session_open("
            + timeoutMs
            + ", "
            + timeoutMs
            + ", false, 'many', 'here', i)); END LOOP; END $$");
  }

  @Test
  void whenManySessionsEndAtOnceAllOfThemGoAndNobodyElse() {
    List<Keeper> keepers = new ArrayList<>();
    Heard<SessionState> states = new Heard<>();
    try {
      for (int i = 0; i < 5; i++) {
        Duration lease = options().timeout();
        Keeper keeper = Keeper.connect(database.dataSource(), options().withGrace(lease));
        keepers.add(keeper);
        keeper.onStateChange(states::add);
        keeper.tree().create(NewNode.at("/keepers/" + i).mode(CreateMode.EPHEMERAL).withParents());
      }
      openSessions(ALIVE, Duration.ofHours(1).toMillis(), "/alive");
      openSessions(MANY, Duration.ofHours(1).toMillis(), "/doomed");
      assertThat(count("/doomed")).isEqualTo(MANY);
      letLeasesPass("/doomed");
      Await.until(
          () -> "all doomed gone; left are " + count("/doomed"), () -> count("/doomed") == 0);
      assertThat(count("/alive")).isEqualTo(ALIVE);
      assertThat(count("/keepers")).isEqualTo(5);
      assertThat(states.all()).isEmpty();
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session")).isEqualTo(ALIVE + 5);
      assertThat(
              database.queryLong("SELECT children FROM ${schema}.gathering WHERE path = '/doomed'"))
          .isZero();
    } finally {
      keepers.forEach(Keeper::close);
    }
  }

  /** As if these clients had been silent for longer than their leases. */
  private static void letLeasesPass(String parent) {
    database.execute(
        "UPDATE ${schema}.session SET renewed = renewed - interval '5 hours'"
            + " WHERE id IN (SELECT owner FROM ${schema}.node WHERE parent = '"
            + parent
            + "')");
  }

  private static long count(String parent) {
    return database.queryLong(
        "SELECT count(*) FROM ${schema}.node WHERE parent = '" + parent + "'");
  }

  @Test
  void oneTickEndsAtMostAsManyAsItWasAskedFor() {
    openSessions(7, 1, "/batch");
    Await.until(
        "their leases over",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM ${schema}.sessions WHERE NOT alive AND client = 'many'")
                == 7);
    assertThat(database.queryLong("CALL ${schema}.reap(5, NULL, NULL, NULL)")).isEqualTo(5);
    assertThat(database.queryLong("CALL ${schema}.reap(5, NULL, NULL, NULL)")).isEqualTo(2);
    assertThat(database.queryLong("CALL ${schema}.reap(5, NULL, NULL, NULL)")).isZero();
  }

  /** What a client ended at one of its turns. */
  private record Turn(int sessions, int holds) {}

  /** The turns that this client takes from now on. */
  private static List<Turn> turnsOf(Keeper keeper) {
    List<Turn> turns = new CopyOnWriteArrayList<>();
    Observation.of(keeper)
        .observe(
            new Observer() {
              @Override
              public void reaped(int sessions, int holds, int nodes) {
                turns.add(new Turn(sessions, holds));
              }
            });
    return turns;
  }

  /** However many there are, the last one does not wait for as many turns as there are batches. */
  @Test
  void aTurnGoesOnAsLongAsItsBatchesAreFull() {
    int several = 180;
    openSessions(several, Duration.ofHours(1).toMillis(), "/at-once");
    try (Keeper keeper = Keeper.connect(database.dataSource(), options())) {
      List<Turn> turns = turnsOf(keeper);
      letLeasesPass("/at-once");
      Await.until(
          () -> "all of them ended in one turn; these were: " + turns,
          () -> turns.stream().anyMatch(turn -> turn.sessions() == several));
    }
    assertThat(count("/at-once")).isZero();
  }

  /** Its client may be stopped, or be one that has only SQL. */
  @Test
  void aHoldThatReachedItsLimitIsEndedWithoutItsClient() {
    try (Keeper keeper = Keeper.connect(database.dataSource(), options())) {
      List<Turn> turns = turnsOf(keeper);
      long session =
          database.queryLong(
              "SELECT ${schema}.session_open(600000, 60000, false, 'limited', 'h', 1)");
      database.execute(
          "SELECT ${schema}.request_join("
              + session
              + ", 1, 1, '/limited', 'mutex', 1, 'lock', false, 1, '', 7)");
      Await.until(
          () -> "the end of one hold, told; these were: " + turns,
          () -> turns.stream().anyMatch(turn -> turn.holds() == 1));
      database.execute("SELECT ${schema}.session_end(" + session + ")");
    }
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.locks WHERE path = '/limited'"))
        .isZero();
    assertThat(database.queryString("SELECT how FROM ${schema}.history WHERE path = '/limited'"))
        .isEqualTo("limit");
  }

  @Test
  void aSessionThatCameBackAndBrokeOffOnceMoreHasItsWholeGraceAgain() throws SQLException {
    long grace = 1500;
    long session;
    try (Connection first = database.connect()) {
      session =
          number(
              first,
              "SELECT ${schema}.session_open(60000, " + grace + ", true, 'twice', 'here', 1)");
    }
    long firstSuspicion = awaitSuspicion(session);
    Await.until("half of the grace", () -> log.nowMicros() > firstSuspicion + grace * 500);
    try (Connection second = database.connect()) {
      assertThat(number(second, "SELECT ${schema}.session_attach(" + session + ")::integer"))
          .isEqualTo(1);
      assertThat(suspectedAtMicros(session)).isZero();
    }
    long secondSuspicion = awaitSuspicion(session);
    assertThat(secondSuspicion).isGreaterThan(firstSuspicion);
    Await.until(
        "ended",
        () -> {
          database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
          return log.endedAtMicros(session) != 0;
        });
    assertThat(log.endedAtMicros(session)).isGreaterThanOrEqualTo(secondSuspicion + grace * 1000);
  }

  /**
   * What was stuck in the network arrives when the client has said since that it goes on by its
   * lease alone. If its connection counted again, the session would end while the client believes.
   */
  @Test
  void aWayThatAClientWentBeforeIsRefusedWhenItComesLate() throws SQLException {
    try (Connection pool = database.connect();
        Connection late = database.connect();
        Connection own = database.connect()) {
      long session =
          number(pool, "SELECT ${schema}.session_open(60000, 1500, true, 'late', 'here', 1)");
      assertThat(number(pool, alone(session, 2))).isEqualTo(1);
      assertThatThrownBy(() -> number(late, attach(session, 1)))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("has gone another way since");
      assertThat(row(session, "direct")).isEqualTo("false");
      assertThat(
              number(
                  late,
                  "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"))
          .as("locks that it left")
          .isZero();
      assertThat(number(own, attach(session, 3))).isEqualTo(1);
      assertThatThrownBy(() -> number(pool, alone(session, 2)))
          .hasMessageContaining("has gone another way since");
      assertThat(row(session, "direct")).isEqualTo("true");
      database.execute("SELECT ${schema}.session_end(" + session + ")");
      assertThat(number(own, attach(session, 4))).as("it has ended").isZero();
      assertThat(number(pool, alone(session, 5))).isZero();
    }
  }

  private static String attach(long session, long way) {
    return "SELECT ${schema}.session_attach(" + session + ", " + way + ")::integer";
  }

  private static String alone(long session, long way) {
    return "SELECT ${schema}.session_renew_alone(" + session + ", " + way + ")::integer";
  }

  private static String row(long session, String column) {
    return database.queryString(
        "SELECT " + column + "::text FROM ${schema}.session WHERE id = " + session);
  }

  /**
   * The database's clock is stepped on: all leases are over at once. A client that was never silent
   * believes for three quarters of its grace yet, and asks meanwhile.
   */
  @Test
  void aLeaseThatIsOverAtOnceLeavesItsClientTheGraceToHearOfIt() throws SQLException {
    long grace = 1500;
    try (Connection own = database.connect()) {
      long session =
          number(
              own, "SELECT ${schema}.session_open(60000, " + grace + ", true, 'step', 'here', 1)");
      database.execute(
          "UPDATE ${schema}.session SET renewed = renewed - interval '5 hours' WHERE id = "
              + session);
      long suspicion = awaitSuspicion(session);
      assertThat(number(own, "SELECT alive::integer FROM ${schema}.session_ping(" + session + ")"))
          .as("what its client hears")
          .isZero();
      assertThat(number(own, "SELECT ${schema}.session_attach(" + session + ")::integer")).isZero();
      Await.until(
          "ended, although its connection stands",
          () -> {
            database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
            return log.endedAtMicros(session) != 0;
          });
      assertThat(log.endedAtMicros(session)).isGreaterThanOrEqualTo(suspicion + grace * 1000);
    }
  }

  /** The verdict is about how it is then, not about a break that was read and made good since. */
  @Test
  void whoseSuspicionIsNotRipeWhenItIsJudgedLivesOn() throws SQLException {
    long session;
    try (Connection first = database.connect()) {
      session =
          number(first, "SELECT ${schema}.session_open(600000, 600000, true, 'young', 'here', 1)");
    }
    awaitSuspicion(session);
    assertThat(database.queryString("SELECT ${schema}._session_judge(" + session + ")::text"))
        .isNull();
    assertThat(database.queryString("SELECT ${schema}.session_end(" + session + ")"))
        .as("it was there")
        .isEqualTo("t");
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      row.next();
      return row.getLong(1);
    }
  }

  private static long awaitSuspicion(long session) {
    Await.until(
        "suspected",
        () -> {
          database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
          return suspectedAtMicros(session) != 0;
        });
    return suspectedAtMicros(session);
  }

  private static long suspectedAtMicros(long session) {
    return database.queryLong(
        "SELECT coalesce(extract(epoch FROM suspected) * 1000000, 0)::bigint FROM ${schema}.session WHERE id = "
            + session);
  }

  /** What the views say does not wait for a reaper. */
  @Test
  void theViewsKnowThatASessionIsOverBeforeAnybodyEndsIt() {
    database.execute("SELECT ${schema}.create('/seen')");
    long session =
        database.queryLong(
            "SELECT ${schema}.session_open(3600000, 3600000, false, 'seen', 'here', 1)");
    database.execute("SELECT ${schema}.create('/seen/e', '', 'ephemeral', false, " + session + ")");
    assertThat(alive("nodes WHERE path = '/seen/e'")).isEqualTo("t");
    // Nobody is there to end it: each keeper of this class is closed.
    letLeasesPass("/seen");
    assertThat(alive("nodes WHERE path = '/seen/e'")).isEqualTo("f");
    assertThat(alive("sessions WHERE session = " + session)).isEqualTo("f");
    assertThat(log.endedAtMicros(session)).isZero();
    database.execute("SELECT ${schema}.session_end(" + session + ")");
  }

  private static String alive(String where) {
    return database.queryString("SELECT alive FROM ${schema}." + where);
  }
}
