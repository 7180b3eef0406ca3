package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Who holds and who waits in the row of a line (R__13_lines.sql), and what happens there when
 * things cross.
 */
class LineRowTest {
  private static final int ROOM = 16;

  private static TestDatabase database;
  private static int lines;

  private String line;
  private long request;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void newLine() {
    line = "/row/" + lines++;
  }

  private static long open() {
    return database.queryLong("SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)");
  }

  /** So many that join one after the other. */
  private long[] joined(int number) {
    long[] sessions = new long[number];
    for (int i = 0; i < number; i++) {
      sessions[i] = open();
      assertThat(database.queryLong(join(sessions[i]))).as("holds").isEqualTo(i == 0 ? 1 : 0);
    }
    return sessions;
  }

  /** 1: it holds, 0: it waits. */
  private String join(long session) {
    return join(session, "");
  }

  private String join(long session, String data) {
    return "SELECT (outcome).granted::integer FROM ${schema}.request_join(%d, 1, %d, '%s', 'mutex', 1, 'lock', false, NULL, '%s', 7)"
        .formatted(session, ++request, line, data);
  }

  private String free(long session) {
    return "SELECT ${schema}.line_free('%s', %d)".formatted(line, token(session));
  }

  private long token(long session) {
    return database.queryLong(
        "SELECT token FROM ${schema}.contenders('" + line + "') WHERE session = " + session);
  }

  private static String end(long session) {
    return "SELECT ${schema}.session_end(" + session + ")";
  }

  /** As a crash may leave it: the session is over, and nobody knows where it was. */
  private static void vanish(long session) {
    database.execute("DELETE FROM ${schema}.session WHERE id = " + session);
    database.execute("DELETE FROM ${schema}.awaited");
  }

  /** Who stands in the row, whether or not its session is there, and behind it with nodes. */
  private String standing() {
    return database.queryString(
        "SELECT concat_ws(' ', 'h' || holder,"
            + " (SELECT string_agg('w' || waiting[i][2], ' ' ORDER BY i) FROM generate_subscripts(waiting, 1) AS i),"
            + " (SELECT string_agg('n' || state::text || owner, ' ' ORDER BY name) FROM ${schema}.node n WHERE n.parent = p.path))"
            + " FROM ${schema}.gathering p WHERE path = '"
            + line
            + "'");
  }

  private static String holds(long holder, long... waiting) {
    return "h"
        + holder
        + Arrays.stream(waiting).mapToObj(each -> " w" + each).collect(Collectors.joining());
  }

  @Test
  void whoLeavesMakesAHolderOfTheNextOneWithTheNumberThatItJoinedWith() {
    long[] sessions = joined(3);
    long token = token(sessions[1]);
    assertThat(token).isBetween(token(sessions[0]), token(sessions[2]));
    database.execute(free(sessions[0]));
    assertThat(standing()).isEqualTo(holds(sessions[1], sessions[2]));
    assertThat(database.queryLong("SELECT token FROM ${schema}.locks WHERE path = '" + line + "'"))
        .isEqualTo(token);
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', session, what, place, since <= clock_timestamp() AND since > clock_timestamp() - interval '1 minute')"
                    + " FROM ${schema}.lock_waiters WHERE path = '"
                    + line
                    + "'"))
        .isEqualTo(sessions[2] + " lock 1 t");
  }

  @Test
  void whoFindsTheRowFullOrContendersWithNodesWaitsBehindThem() {
    long[] sessions = joined(1 + ROOM + 1);
    assertThat(standing()).endsWith("w" + sessions[ROOM] + " nw" + sessions[ROOM + 1]);
    database.execute(free(sessions[0]));
    long last = open();
    assertThat(database.queryLong(join(last))).isZero();
    assertThat(standing()).endsWith(" nw" + sessions[ROOM + 1] + " nw" + last);
    for (int i = 1; i <= ROOM; i++) {
      assertThat(standing()).startsWith("h" + sessions[i]);
      database.execute(free(sessions[i]));
    }
    assertThat(standing()).isEqualTo("nh" + sessions[ROOM + 1] + " nw" + last);
  }

  @Test
  void whoHasDataWaitsWithANodeAndIsNotPassedByThoseWhoHaveNone() {
    long[] sessions = joined(2);
    long data = open();
    long last = open();
    assertThat(database.queryLong(join(data, "Ada"))).isZero();
    assertThat(database.queryLong(join(last))).isZero();
    assertThat(standing()).isEqualTo(holds(sessions[0], sessions[1]) + " nw" + data + " nw" + last);
  }

  @Test
  void aWaiterThatGivesUpLeavesTheOthersWhereTheyAre() {
    long[] sessions = joined(4);
    database.execute(free(sessions[2]));
    assertThat(standing()).isEqualTo(holds(sessions[0], sessions[1], sessions[3]));
  }

  @Test
  void aWaiterThatGivesUpWhileItIsMadeAHolderPassesTheLockOn() throws Exception {
    long[] sessions = joined(3);
    TwoTransactions.cross(database, free(sessions[0]), true, free(sessions[1]));
    assertThat(standing()).isEqualTo(holds(sessions[2]));
  }

  @Test
  void whatWasLeftTwiceWasLeftOnce() {
    long[] sessions = joined(3);
    String again = free(sessions[0]);
    database.execute(again);
    database.execute(again);
    assertThat(standing()).isEqualTo(holds(sessions[1], sessions[2]));
  }

  @Test
  void aPlaceIsThereForItsOwnSessionAndTokenWhetherItHoldsOrWaits() {
    long[] sessions = joined(2);
    long data = open();
    database.queryLong(join(data, "Ada"));
    String node =
        database.queryString("SELECT path FROM ${schema}.node WHERE parent = '" + line + "'");
    assertThat(isThere(sessions[0], line, token(sessions[0]))).as("holds").isTrue();
    assertThat(isThere(sessions[1], line, token(sessions[1]))).as("waits").isTrue();
    assertThat(isThere(data, node, token(data))).as("waits with a node").isTrue();

    long stranger = open();
    assertThat(isThere(stranger, line, token(sessions[0]))).isFalse();
    assertThat(isThere(stranger, line, token(sessions[1]))).isFalse();
    assertThat(isThere(stranger, node, token(data))).isFalse();

    long forgotten = 1;
    assertThat(isThere(sessions[0], line, forgotten)).isFalse();
    assertThat(isThere(sessions[1], line, forgotten)).isFalse();
    assertThat(isThere(data, node, forgotten)).isFalse();

    assertThat(isThere(sessions[1], "/row/other", token(sessions[1]))).isFalse();
    assertThat(isThere(data, node + "-other", token(data))).isFalse();
  }

  private static boolean isThere(long session, String place, long token) {
    return database
        .queryString("SELECT ${schema}.line_flush(%d, '%s', %d)".formatted(session, place, token))
        .equals("t");
  }

  @Test
  void aJoinWhileTheHolderLeavesIsSeenByIt() throws Exception {
    long[] sessions = joined(1);
    long next = open();
    TwoTransactions.cross(database, join(next), true, free(sessions[0]));
    assertThat(standing()).isEqualTo(holds(next));
  }

  @Test
  void theEndOfASessionPassesOnWhatItHeldInTheSameTransaction() throws Exception {
    long[] sessions = joined(3);
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(end(sessions[0]).replace("${schema}", database.schema()));
      try (var row =
          statement.executeQuery(
              "SELECT holder FROM "
                  + database.schema()
                  + ".gathering WHERE path = '"
                  + line
                  + "'")) {
        row.next();
        assertThat(row.getLong(1)).isEqualTo(sessions[1]);
      }
      connection.commit();
    }
    assertThat(standing()).isEqualTo(holds(sessions[1], sessions[2]));
  }

  @Test
  void theEndOfAHolderThatHadWaitedPassesOnToo() {
    long[] sessions = joined(3);
    database.execute(free(sessions[0]));
    database.execute(end(sessions[1]));
    assertThat(standing()).isEqualTo(holds(sessions[2]));
  }

  @Test
  void theEndOfTheOnlyOneInTheRowLetsInWhoHasANode() {
    long[] sessions = joined(1);
    long data = open();
    database.queryLong(join(data, "Ada"));
    database.execute(end(sessions[0]));
    assertThat(standing()).isEqualTo("nh" + data);
  }

  @Test
  void theEndOfAWaiterTakesItOutOfTheRow() {
    long[] sessions = joined(3);
    database.execute(end(sessions[1]));
    assertThat(standing()).isEqualTo(holds(sessions[0], sessions[2]));
  }

  @Test
  void whoIsMadeAHolderWhileItsSessionEndsHoldsNobodyUp() throws Exception {
    long[] sessions = joined(3);
    TwoTransactions.cross(database, free(sessions[0]), true, end(sessions[1]));
    assertThat(standing()).isEqualTo(holds(sessions[2]));
  }

  @Test
  void whoseSessionEndsWhileTheHolderLeavesIsNotMadeAHolder() throws Exception {
    long[] sessions = joined(3);
    TwoTransactions.cross(database, end(sessions[1]), true, free(sessions[0]));
    assertThat(standing()).isEqualTo(holds(sessions[2]));
  }

  /** That end looks at no line that nobody waited for, and would leave this one waiting. */
  @Test
  void nobodyBeginsToWaitForAHolderWhoseSessionIsJustEnding() {
    long[] sessions = joined(1);
    long next = open();
    assertThatThrownBy(() -> TwoTransactions.cross(database, end(sessions[0]), true, join(next)))
        .hasMessageContaining("is just being ended");
    assertThat(database.queryLong(join(next))).as("asked again, it holds").isEqualTo(1);
  }

  @Test
  void whoJoinsWhileTheSessionOfAHolderEndsThatOthersWaitForIsSeenByIt() throws Exception {
    long[] sessions = joined(2);
    database.execute(free(sessions[1]));
    long next = open();
    assertThat(TwoTransactions.cross(database, end(sessions[0]), true, join(next))).isEqualTo("1");
    assertThat(standing()).isEqualTo(holds(next));
  }

  @Test
  void theEndOfAHoldersSessionSeesWhoJustJoinedInTheRow() throws Exception {
    long[] sessions = joined(2);
    database.execute(free(sessions[1]));
    TwoTransactions.cross(database, join(sessions[1]), true, end(sessions[0]));
    assertThat(standing()).isEqualTo(holds(sessions[1]));
  }

  @Test
  void afterACrashAWaiterTakesWhatNobodyPassedOn() {
    long[] sessions = joined(4);
    vanish(sessions[0]);
    vanish(sessions[1]);
    assertThat(taken(sessions[3])).as("it is not its turn").isEqualTo("w");
    assertThat(standing()).isEqualTo(holds(sessions[2], sessions[3]));
    assertThat(taken(sessions[2])).isEqualTo("h");
  }

  private String taken(long session) {
    return database.queryString(
        "SELECT state FROM ${schema}.line_take(" + session + ", ARRAY['" + line + "'])");
  }

  @Test
  void aLookTakesNothingFromAHolder() {
    long[] sessions = joined(2);
    assertThat(taken(sessions[1])).isEqualTo("w");
    assertThat(standing()).isEqualTo(holds(sessions[0], sessions[1]));
  }

  @Test
  void afterACrashWhoJoinsPassesOnToThoseAheadOfIt() {
    long[] sessions = joined(3);
    vanish(sessions[0]);
    vanish(sessions[1]);
    long last = open();
    assertThat(database.queryLong(join(last))).isZero();
    assertThat(standing()).isEqualTo(holds(sessions[2], last));
  }

  @Test
  void afterACrashAWaiterTakesWhatWasPassedOnToNobody() {
    long[] sessions = joined(3);
    vanish(sessions[1]);
    database.execute(free(sessions[0]));
    assertThat(taken(sessions[2])).isEqualTo("h");
    assertThat(standing()).isEqualTo(holds(sessions[2]));
  }

  @Test
  void afterACrashNobodyWithANodeGetsAheadOfTheRow() {
    long[] sessions = joined(2);
    long data = open();
    database.queryLong(join(data, "Ada"));
    vanish(sessions[0]);
    database.execute("SELECT ${schema}._ring_line('" + line + "')");
    database.execute(
        "SELECT ${schema}.line_take(%d, ARRAY(SELECT path FROM ${schema}.node WHERE owner = %d))"
            .formatted(data, data));
    assertThat(standing()).isEqualTo(holds(sessions[0], sessions[1]) + " nw" + data);
    assertThat(database.queryString("SELECT (${schema}.delete('" + line + "')).code"))
        .isEqualTo("not_empty");
  }

  @Test
  void aLineInWhoseRowSomebodyWaitsIsNotEmpty() {
    long[] sessions = joined(2);
    vanish(sessions[0]);
    assertThat(database.queryString("SELECT (${schema}.delete('" + line + "')).code"))
        .isEqualTo("not_empty");
    vanish(sessions[1]);
    assertThat(database.queryString("SELECT (${schema}.delete('" + line + "')).code"))
        .isEqualTo("ok");
  }

  @Test
  void aFenceDelaysTheHoldersLeavingAndNobodyWhoWaits() throws Exception {
    long[] sessions = joined(3);
    database.execute(free(sessions[0])); // the holder has waited, as most have
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(
          "SELECT %s.fence('%s', %d)".formatted(database.schema(), line, token(sessions[1])));
      database.execute(free(sessions[2]));
      database.queryLong(join(sessions[0]));
      assertThat(standing()).isEqualTo(holds(sessions[1], sessions[0]));
      assertThatThrownBy(() -> database.execute(free(sessions[1])))
          .hasStackTraceContaining("lock timeout");
      connection.rollback();
    }
    database.execute(free(sessions[1]));
    assertThat(standing()).isEqualTo(holds(sessions[0]));
  }

  @Test
  void severalAreFreedTogetherWhetherTheyHoldOrWait() {
    long[] sessions = joined(3);
    String first = line;
    long firstToken = token(sessions[0]);
    newLine();
    long[] others = joined(3);
    database.execute(
        "SELECT ${schema}.lines_free(ARRAY['%s', '%s'], ARRAY[%d, %d])"
            .formatted(first, line, firstToken, token(others[1])));
    assertThat(standing()).isEqualTo(holds(others[0], others[2]));
    line = first;
    assertThat(standing()).isEqualTo(holds(sessions[1], sessions[2]));
  }

  @Test
  void whatIsNotedOfTheRowIsTidiedAwayOnceItSaysSoNoMore() {
    long[] sessions = joined(3);
    database.execute("SELECT ${schema}._tidy()");
    assertThat(noted()).as("one holds, two wait").isEqualTo(3);
    database.execute(free(sessions[2]));
    database.execute(free(sessions[0]));
    database.execute("SELECT ${schema}._tidy()");
    assertThat(noted()).isEqualTo(1);
  }

  private long noted() {
    return database.queryLong("SELECT count(*) FROM ${schema}.awaited WHERE line = '" + line + "'");
  }
}
