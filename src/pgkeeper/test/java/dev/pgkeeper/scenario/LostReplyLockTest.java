package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.lock.Mutex;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The connection breaks around the commit of a join, a grant, a release or a renewal: there is one
 * grant for one attempt, its client knows of it, and nothing is left behind. The part {@code
 * replies} of the proof breaks connections at random.
 */
class LostReplyLockTest {
  /** With data and without. */
  private static final int ROUNDS = 2;

  private static TestDatabase database;
  private static GrantLog grants;
  private static TcpProxy proxy;
  private static HikariDataSource pool;
  private static Keeper keeper;
  private static Keeper other;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    grants = GrantLog.of(database);
    proxy = TcpProxy.before(database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(database.jdbcUrl()));
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    pool = new HikariDataSource(config);
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withOperationTimeout(Await.LIMIT)
            .withSweep(Duration.ofMillis(500));
    // What is renewed there has a test of its own.
    keeper = Keeper.connect(pool, options.withListener(database::connect));
    other = Keeper.connect(database.dataSource(), options);
  }

  @AfterAll
  static void close() {
    proxy.decideBy(() -> Fate.PASSES);
    keeper.close();
    other.close();
    pool.close();
    proxy.close();
    database.close();
  }

  /** This becomes of the next request; those after it pass. */
  private static AtomicInteger next(Fate fate) {
    AtomicInteger asked = new AtomicInteger();
    proxy.decideBy(() -> asked.getAndIncrement() == 0 ? fate : Fate.PASSES);
    return asked;
  }

  /** Nobody stands in any line. */
  private static void assertNobodyIsLeft() {
    assertThat(
            database.queryLong(
                "SELECT (SELECT count(*) FROM ${schema}.node WHERE state IS NOT NULL)"
                    + " + (SELECT count(*) FROM ${schema}.gathering WHERE holder IS NOT NULL OR waiting <> '{}')"
                    + " + (SELECT coalesce(sum(children), 0) FROM ${schema}.gathering WHERE recipe IS NOT NULL)"))
        .as("contenders, holders and those that lines count")
        .isZero();
  }

  /** What is granted by now in this line, each by its token. */
  private static Set<Long> granted(String line) {
    return grants.contests().stream()
        .filter(contest -> contest.line().equals(line) && contest.wasGranted())
        .map(Contest::token)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @ParameterizedTest
  @EnumSource(Fate.class)
  void aJoinThatIsCutOffIsGrantedOnce(Fate fate) {
    String path = "/join/" + fate;
    Mutex lock = keeper.lock(path);
    Set<Long> tokens = new TreeSet<>();
    for (int i = 0; i < ROUNDS; i++) {
      AtomicInteger asked = next(fate);
      Held held = lock.tryAcquire().orElseThrow();
      assertThat(asked.get()).isPositive();
      tokens.add(held.token());
      assertThat(other.lock(path).tryAcquire()).isEmpty();
      proxy.decideBy(() -> Fate.PASSES);
      held.release();
    }
    assertThat(granted(path)).hasSize(ROUNDS).isEqualTo(tokens);
    assertNobodyIsLeft();
  }

  @ParameterizedTest
  @EnumSource(Fate.class)
  void aReleaseThatIsCutOffLetsInTheNextOneAndNobodyElse(Fate fate) throws Exception {
    String path = "/release/" + fate;
    Set<Long> tokens = new TreeSet<>();
    for (int i = 0; i < ROUNDS; i++) {
      Held first = keeper.lock(path).acquire();
      byte[] data = new byte[i % 2];
      CompletableFuture<Held> second = keeper.lock(path).withData(data).acquireAsync();
      awaitWaiters(path, 1);
      CompletableFuture<Held> third = other.lock(path).acquireAsync();
      awaitWaiters(path, 2);
      tokens.add(first.token());
      next(fate);
      first.release();
      // This one waited in the line's row, or with a node; then it leaves another way.
      Held waited = second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      tokens.add(waited.token());
      assertThat(third).isNotDone();
      next(fate);
      waited.release();
      Held last = third.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      tokens.add(last.token());
      assertThat(keeper.lock(path).tryAcquire()).isEmpty();
      last.release();
    }
    proxy.decideBy(() -> Fate.PASSES);
    assertThat(granted(path)).hasSize(3 * ROUNDS).isEqualTo(tokens);
    assertThat(OverlapChecker.violations(grants.contests())).isEmpty();
    assertNobodyIsLeft();
  }

  /** A limited hold takes its turn with a request of its own. */
  @ParameterizedTest
  @EnumSource(Fate.class)
  void aTurnWhoseTakingIsCutOffIsTakenOnce(Fate fate) throws Exception {
    String path = "/take/" + fate;
    Set<Long> tokens = new TreeSet<>();
    for (int i = 0; i < ROUNDS; i++) {
      Held first = other.lock(path).acquire();
      CompletableFuture<Held> second =
          keeper.lock(path).atMost(Duration.ofMinutes(10)).acquireAsync();
      awaitWaiters(path, 1);
      next(fate);
      first.release();
      Held held = second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(held.isHeld()).isTrue();
      tokens.add(first.token());
      tokens.add(held.token());
      proxy.decideBy(() -> Fate.PASSES);
      held.release();
    }
    assertThat(granted(path)).hasSize(2 * ROUNDS).isEqualTo(tokens);
    assertNobodyIsLeft();
  }

  private static void awaitWaiters(String path, int number) {
    Await.until(number + " wait", () -> other.lock(path).waiters().size() == number);
  }

  /** Its own connection breaks at every third message or so, the same ones in each run. */
  @Test
  void aRenewalWhoseReplyIsLostEndsNobodysSession() throws Exception {
    SessionLog sessions = SessionLog.of(database);
    // Long enough for a busy machine to come back in time, again and again.
    Duration timeout = Await.LIMIT;
    List<Fate> fates = TcpProxy.mix(10);
    Random random = new Random(1);
    try (TcpProxy own = TcpProxy.before(database.jdbcUrl())) {
      String through = own.through(database.jdbcUrl());
      AtomicInteger broken = new AtomicInteger();
      try (Keeper renewed =
          Keeper.connect(
              database.dataSource(),
              KeeperOptions.defaults()
                  .withSchema(database.schema())
                  .withTimeout(timeout)
                  .withGrace(timeout)
                  .withListener(() -> DriverManager.getConnection(through)))) {
        long opened = renewedAtMicros(renewed.session().id());
        Held held = renewed.lock("/renewed").acquire();
        own.decideBy(
            () -> {
              Fate fate = fates.get(random.nextInt(fates.size()));
              if (fate != Fate.PASSES) {
                broken.incrementAndGet();
              }
              return fate;
            });
        Await.until(
            "all fates were met",
            () ->
                renewed.state() == SessionState.LOST
                    || own.fates().keySet().size() == Fate.values().length);
        assertThat(renewed.state()).isNotEqualTo(SessionState.LOST);
        own.decideBy(() -> Fate.PASSES);
        Await.until("held again", held::isHeld);
        assertThat(renewedAtMicros(renewed.session().id())).isGreaterThan(opened);
        held.inTransaction(connection -> {});
        assertThat(sessions.endedAtMicros(renewed.session().id())).isZero();
        assertThat(granted("/renewed")).containsExactly(held.token());
        held.release();
      }
    }
  }

  private static long renewedAtMicros(long session) {
    return database.queryLong(
        "SELECT (extract(epoch FROM renewed) * 1000000)::bigint FROM ${schema}.session WHERE id = "
            + session);
  }
}
