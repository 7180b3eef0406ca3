package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Four checkers look at what became of contended locks. Each finds nothing where a lock is as it
 * should be, and finds what it must where the lock is made to be wrong. Many processes that contend
 * while they are stopped, killed and cut off are the proof's part {@code mixed}.
 */
class ContendedLockTest {
  private static final String LOCK = "/lock/0";

  /**
   * No client that is cut off stops believing before the test has looked. Each looks often whose
   * turn it is.
   */
  private static final KeeperOptions PATIENT =
      KeeperOptions.defaults()
          .withTimeout(Duration.ofMinutes(10))
          .withGrace(Duration.ofMinutes(10))
          .withSweep(Duration.ofMillis(100));

  private final TestDatabase database = TestDatabase.fresh();
  private final TcpProxy proxy = TcpProxy.before(database.jdbcUrl());
  private final GrantLog log = GrantLog.of(database);
  private final MutexHistory told = new MutexHistory();
  private Keeper first;
  private Keeper second;

  @BeforeEach
  void connect() {
    KeeperOptions options = PATIENT.withSchema(database.schema());
    first =
        Keeper.connect(
            database.dataSource(),
            options.withListener(
                () -> DriverManager.getConnection(proxy.through(database.jdbcUrl()))));
    second = Keeper.connect(database.dataSource(), options);
  }

  @AfterEach
  void close() {
    proxy.mend();
    first.close();
    second.close();
    proxy.close();
    database.close();
  }

  /** Holds with and without a node, one that gave up, and one whose session was ended. */
  @Test
  void fourCheckersFindNothingWrongWithALockThatIsHandedOnInEveryWay() throws Exception {
    Grant one = take(first);
    CompletableFuture<Held> two = waitFor(second, new byte[0], 1);
    CompletableFuture<Held> three = waitFor(first, new byte[1], 2);
    CompletableFuture<Held> four = waitFor(second, new byte[1], 3);
    assertThat(four.cancel(true)).isTrue();
    awaitWaiters(2);
    CompletableFuture<Held> five = waitFor(second, new byte[1], 3);
    one.giveBack();
    granted(two).giveBack();
    Grant middle = granted(three);
    long believed = middle.believed();
    database.execute("SELECT ${schema}.session_end(" + first.session().id() + ")");
    told.lost(LOCK, middle.held.token(), believed);
    granted(five).giveBack();

    List<Contest> decided = log.contests();
    assertThat(decided).hasSize(5).filteredOn(contest -> !contest.wasGranted()).hasSize(1);
    assertThat(told.got()).hasSize(4);
    assertThat(MutexChecker.violations(told)).isEmpty();
    assertThat(OverlapChecker.violations(decided)).isEmpty();
    assertThat(OverlapChecker.violations(log.remembered())).isEmpty();
    assertThat(FairnessChecker.violations(decided)).isEmpty();
    assertThat(beliefs()).isEmpty();
    assertThat(log.remembered().stream().map(ContendedLockTest::whose))
        .containsExactlyInAnyOrderElementsOf(
            decided.stream().filter(Contest::wasGranted).map(ContendedLockTest::whose).toList());
  }

  /** The second is granted the lock at a moment at which the first has it. */
  @Test
  void aLockThatTwoHaveAtATimeIsFoundByWhatTheyWereToldByTheGrantsAndByTheHistory()
      throws Exception {
    whoseTurnItIs("true");
    Grant one = take(first);
    Grant other = take(second);
    one.giveBack();
    other.giveBack();
    assertThat(MutexChecker.violations(told)).singleElement().asString().contains("told before");
    assertThat(OverlapChecker.violations(log.contests())).hasSize(1);
    assertThat(log.remembered()).hasSize(2);
    assertThat(OverlapChecker.violations(log.remembered())).hasSize(1);
  }

  @Test
  void aContenderThatGetsAheadOfOneThatWaitsIsFound() throws Exception {
    take(first);
    whoseTurnItIs("false");
    CompletableFuture<Held> next = waitFor(second, new byte[0], 1);
    CompletableFuture<Held> last = waitFor(first, new byte[0], 2);
    assertThat(FairnessChecker.violations(log.contests())).isEmpty();
    whoseTurnItIs("n.name = (SELECT max(m.name) FROM ${schema}.node m WHERE m.parent = in_line)");
    granted(last);
    assertThat(FairnessChecker.violations(log.contests()))
        .singleElement()
        .asString()
        .contains("got ahead of");
    assertThat(next.cancel(true)).isTrue();
  }

  /** The database ends the session of a holder that hears nothing of it. */
  @Test
  void aBeliefThatLastsLongerThanItsHoldIsFound() throws Exception {
    Grant one = take(first);
    proxy.stallToClient();
    assertThat(beliefs()).isEmpty();
    database.execute("SELECT ${schema}.session_end(" + first.session().id() + ")");
    told.lost(LOCK, one.held.token(), one.believed());
    assertThat(beliefs()).singleElement().asString().contains("was believed in until");
  }

  /** A hold, and when it was asked for and told. */
  private final class Grant {
    final Held held;

    Grant(Held held, long invoked) {
      this.held = held;
      told.got(LOCK, invoked, Client.nowMicros(), held.token());
    }

    long believed() {
      long now = Client.nowMicros();
      assertThat(held.isHeld()).isTrue();
      return now;
    }

    void giveBack() {
      long believed = believed();
      long invoked = Client.nowMicros();
      held.release();
      told.gave(LOCK, held.token(), invoked, Client.nowMicros(), believed);
    }
  }

  private Grant take(Keeper keeper) throws InterruptedException {
    long invoked = Client.nowMicros();
    return new Grant(keeper.lock(LOCK).tryAcquire(Await.LIMIT).orElseThrow(), invoked);
  }

  /** Returns once so many wait. One with data waits with a node. */
  private CompletableFuture<Held> waitFor(Keeper keeper, byte[] data, int waiters) {
    CompletableFuture<Held> coming =
        data.length == 0
            ? keeper.lock(LOCK).acquireAsync()
            : keeper.lock(LOCK).withData(data).acquireAsync();
    awaitWaiters(waiters);
    return coming;
  }

  private void awaitWaiters(int number) {
    Await.until(
        number + " wait",
        () -> {
          try {
            return second.lock(LOCK).waiters().size() == number;
          } catch (KeeperException.NoNode e) {
            return number == 0;
          }
        });
  }

  private Grant granted(CompletableFuture<Held> coming) throws Exception {
    long invoked = Client.nowMicros();
    return new Grant(coming.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS), invoked);
  }

  /** All wait with nodes from now on, and it is the turn of those of whom this is true. */
  private void whoseTurnItIs(String condition) throws SQLException {
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}._row_join(in_session bigint, in_line text, in_recipe text,"
            + " in_try boolean, in_key bigint) RETURNS ${schema}.outcome"
            + " LANGUAGE sql AS $$ SELECT NULL::${schema}.outcome $$");
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}._due(in_line text) RETURNS SETOF text"
            + " LANGUAGE sql VOLATILE AS $$ SELECT n.path FROM ${schema}.node n WHERE n.parent = in_line AND "
            + condition
            + " $$");
  }

  private List<String> beliefs() {
    return BeliefChecker.violations(
        told, log.contests(), Scenario.databaseClockAheadMicros(database));
  }

  private static String whose(Contest hold) {
    return hold.line() + " token " + hold.token() + " session " + hold.session();
  }
}
