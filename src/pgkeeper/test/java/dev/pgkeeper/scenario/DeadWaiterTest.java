package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.lock.Mutex;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The first of those who wait dies while it waits: it is never told that it holds, and those behind
 * it get their turn after its grace, long before its timeout.
 */
class DeadWaiterTest {

  /** Neither can pass for the other, on however slow a machine. */
  private static final KeeperOptions OPTIONS =
      KeeperOptions.defaults()
          .withTimeout(Duration.ofMinutes(10))
          .withGrace(Duration.ofSeconds(1))
          .withSweep(Duration.ofHours(1));

  private TestDatabase database;
  private GrantLog grants;
  private SessionLog sessions;
  private Keeper keeper;
  private Mutex lock;
  private Held held;
  private ChildProcess first;
  private long firstSession;
  private CompletableFuture<Held> next;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
    grants = GrantLog.of(database);
    sessions = SessionLog.of(database);
    keeper =
        Keeper.connect(
            database.dataSource(),
            OPTIONS.withSchema(database.schema()).withGrace(OPTIONS.timeout()));
  }

  /** A holder, the first one that waits, in a process of its own, and the next one. */
  private void line() throws Exception {
    lock = keeper.lock("/wait");
    held = lock.acquire();
    first = ScenarioProcess.start(database, WaitForTheLock.class, OPTIONS, "first", 1, 1, "");
    firstSession = Long.parseLong(first.awaitLine("session ").replace(" .", ""));
    awaitWaiters(1);
    next = lock.acquireAsync();
    awaitWaiters(2);
  }

  @AfterEach
  void drop() {
    if (first != null) {
      first.close();
    }
    keeper.close();
    database.close();
  }

  private void awaitWaiters(int number) {
    Await.until(number + " wait", () -> lock.waiters().size() == number);
  }

  private void awaitEndOfFirst() {
    Await.until("the first one's session ended", () -> sessions.endedAtMicros(firstSession) != 0);
  }

  /** What the database says of the first one. */
  private Contest contestOfFirst() {
    List<Contest> its =
        grants.contests().stream().filter(contest -> contest.session() == firstSession).toList();
    assertThat(its).hasSize(1);
    return its.get(0);
  }

  private void assertNextHolds() throws Exception {
    Held mine = next.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    assertThat(mine.isHeld()).isTrue();
    mine.release();
  }

  @Test
  void aWaiterThatWasKilledIsPassedOver() throws Exception {
    line();
    first.kill9();
    awaitEndOfFirst();
    held.release();
    assertNextHolds();
    assertThat(contestOfFirst().wasGranted()).isFalse();
  }

  @Test
  void aWaiterThatDiesUnnoticedAndIsNextDelaysTheOthersForItsGraceOnly() throws Exception {
    line();
    first.stop();
    held.release();
    assertThat(contestOfFirst().wasGranted()).as("its turn comes").isTrue();
    first.kill9();
    assertNextHolds();
  }

  /** The holder's own death lets in the one behind the dead one. */
  @Test
  void aHolderAndAWaiterThatDieTogetherDelayTheOthersForTheirGraceOnly() throws Exception {
    line();
    try (Keeper other =
        Keeper.connect(database.dataSource(), OPTIONS.withSchema(database.schema()))) {
      CompletableFuture<Held> last = other.lock("/wait").acquireAsync();
      awaitWaiters(3);
      first.kill9();
      database.execute("SELECT ${schema}.session_end(" + keeper.session().id() + ")");
      assertThat(last.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).isHeld()).isTrue();
    }
  }

  @Test
  void theEndOfAHolderWithoutANodeLetsInTheNextOne() throws Exception {
    try (Keeper other =
        Keeper.connect(database.dataSource(), OPTIONS.withSchema(database.schema()))) {
      other.lock("/alone").acquire();
      CompletableFuture<Held> behind = keeper.lock("/alone").acquireAsync();
      Await.until("one waits", () -> keeper.lock("/alone").waiters().size() == 1);
      database.execute("SELECT ${schema}.session_end(" + other.session().id() + ")");
      assertThat(behind.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).isHeld()).isTrue();
    }
  }

  @Test
  void aWaiterWhoseSessionEndsWhileItIsStoppedIsNeverToldThatItHolds() throws Exception {
    line();
    first.stop();
    assertThat(SessionLog.terminateBackendOf(database, firstSession)).isTrue();
    awaitEndOfFirst();
    held.release();
    assertNextHolds();
    first.cont();
    String told = first.awaitLine("");
    while (told.startsWith("waits") || told.startsWith("session") || told.startsWith("over")) {
      told = first.awaitLine("");
    }
    assertThat(told).startsWith("trouble SessionExpired");
    assertThat(contestOfFirst().wasGranted()).isFalse();
  }

  /** What these tests look for is there to be seen: nobody ends dead sessions here. */
  @Test
  void withoutTheReaperADeadWaiterHoldsUpTheNextOne() throws Exception {
    line();
    database.execute("CREATE SEQUENCE ${schema}.turns");
    database.execute(
        "CREATE OR REPLACE PROCEDURE ${schema}.reap(in_most integer, OUT ended integer, OUT holds integer, OUT next_ms bigint)"
            + " LANGUAGE plpgsql AS $$ BEGIN ended := 0; PERFORM nextval('${schema}.turns'); END $$");
    first.kill9();
    held.release();
    Await.until("it is gone", () -> SessionLog.backendOf(database, firstSession) == 0);
    long graceEnds = sessions.nowMicros() + OPTIONS.grace().toMillis() * 1000;
    Await.until("its grace is over", () -> sessions.nowMicros() > graceEnds);
    long turns = turns();
    Await.until("two more turns", () -> turns() >= turns + 2);
    assertThat(next).isNotDone();
  }

  /** How often a client had its turn at ending dead sessions. */
  private long turns() {
    return database.queryLong("SELECT last_value FROM ${schema}.turns");
  }

  /** A waiter that is told what nobody granted says so, and is found. */
  @Test
  void aWaiterThatIsToldALieIsFound() throws Exception {
    line();
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.line_take(in_session bigint, in_paths text[])"
            + " RETURNS TABLE (path text, state text, token bigint) LANGUAGE sql AS $$"
            + " SELECT ${schema}._row_place(p.path, waiting[1][1]), 'h', 1::bigint FROM ${schema}.gathering p WHERE p.path = ANY (in_paths) $$");
    database.execute(
        "SELECT ${schema}._ring_place("
            + firstSession
            + ", path, waiting[1][1], NULL) FROM ${schema}.gathering WHERE path = '/wait'");
    first.awaitLine("holds ");
    assertThat(contestOfFirst().wasGranted()).isFalse();
  }
}
