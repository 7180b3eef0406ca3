package dev.pgkeeper.election;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static dev.pgkeeper.testing.Recipes.awaitRowsBelow;
import static dev.pgkeeper.testing.Recipes.rowsBelow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.line.LineRequest;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.testing.TwoClients;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ElectionTest extends TwoClients {
  /** Notes what a listener is told, as "elected" and "lost" with the token. */
  private static LeadershipListener noting(Heard<String> heard) {
    return new LeadershipListener() {
      @Override
      public void onElected(Leadership leadership) {
        heard.add("elected " + leadership.token());
      }

      @Override
      public void onLost(Leadership leadership) {
        heard.add("lost " + leadership.token());
      }
    };
  }

  private static String awaitElected(Heard<String> heard) {
    return heard.await(told -> told.startsWith("elected "));
  }

  /** Work that is done when it is interrupted. */
  private static void untilInterrupted(Leadership leadership) throws InterruptedException {
    new CountDownLatch(1).await();
  }

  @Test
  void candidatesLeadOneAfterTheOtherInTheOrderInWhichTheyStood() throws Exception {
    Election here = keeper.election("/election/order");
    Heard<String> heard = new Heard<>();
    CountDownLatch done = new CountDownLatch(1);
    try (Candidacy first =
            here.run(
                leadership -> {
                  heard.add("first");
                  done.await();
                });
        Candidacy second = standBehind(first, other, 2, heard, "second");
        Candidacy third = standBehind(first, keeper, 3, heard, "third")) {
      heard.await("first");
      assertThat(second.isLeader()).isFalse();
      assertThat(heard.all()).containsExactly("first");
      done.countDown();
      assertThat(second.await(Await.LIMIT)).isTrue();
      heard.await("second");
      second.close();
      assertThat(third.await(Await.LIMIT)).isTrue();
      heard.await("third");
      assertThat(heard.all()).containsExactly("first", "second", "third");
    }
  }

  /** One more candidate, of this many, once the first one leads. */
  private static Candidacy standBehind(
      Candidacy first, Keeper whose, long number, Heard<String> heard, String name)
      throws InterruptedException {
    assertThat(first.await(Await.LIMIT)).isTrue();
    String path = first.leadership().orElseThrow().path();
    Candidacy candidacy =
        whose
            .election(path)
            .run(
                leadership -> {
                  heard.add(name);
                  untilInterrupted(leadership);
                });
    awaitRowsBelow(database, path, number);
    return candidacy;
  }

  @Test
  void everybodySeesWhoLeadsAndWhoWaits() throws Exception {
    Election election = keeper.election("/election/seen").withData(new byte[] {1, 0, 2});
    assertThat(election.leader()).isEmpty();
    try (Candidacy first = election.withIdentity("Ädä").run(ElectionTest::untilInterrupted)) {
      assertThat(first.await(Await.LIMIT)).isTrue();
      try (Candidacy second =
          other.election("/election/seen").run(ElectionTest::untilInterrupted)) {
        awaitRowsBelow(database, "/election/seen", 2);
        Candidate leader = other.election("/election/seen").leader().orElseThrow();
        assertThat(leader.identity()).isEqualTo("Ädä");
        assertThat(leader.data()).containsExactly(1, 0, 2);
        assertThat(leader.leads()).isTrue();
        assertThat(leader.session()).isEqualTo(keeper.session().id());
        assertThat(leader.pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(leader.toString()).contains("Ädä leads since").doesNotContain("[B");
        Leadership leadership = first.leadership().orElseThrow();
        assertThat(leadership.token()).isEqualTo(leader.token());
        assertThat(leadership.identity()).isEqualTo("Ädä");
        assertThat(leadership.data()).containsExactly(1, 0, 2);
        assertThat(election.candidates())
            .extracting(Candidate::identity)
            .containsExactly("Ädä", other.options().clientName());
        assertThat(election.candidates()).extracting(Candidate::leads).containsExactly(true, false);
        assertThat(second.leadership()).isEmpty();
      }
    }
    // The SQL views take it apart by these bytes.
    assertThat(Candidate.encode("a", new byte[] {7, 0})).containsExactly('a', 0, 7, 0);
  }

  @Test
  void anIdentityCannotHaveTheCharacterThatEndsIt() {
    assertThatThrownBy(() -> keeper.election("/election/identity").withIdentity("a\0b"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void leadershipIsGivenUpOnlyAfterTheWorkHasReturned() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    CountDownLatch works = new CountDownLatch(1);
    Candidacy first =
        keeper
            .election("/election/after")
            .run(
                leadership -> {
                  works.countDown();
                  try {
                    untilInterrupted(leadership);
                  } finally {
                    told.countDown();
                    boolean returns = mayReturn.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
                    assertThat(returns).isTrue();
                  }
                });
    assertThat(first.await(Await.LIMIT)).isTrue();
    try (Candidacy second = standBehind(first, other, 2, new Heard<>(), "second")) {
      awaitRowsBelow(database, "/election/after", 2);
      assertThat(first.close(Duration.ofMillis(50))).isFalse();
      assertThat(told.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(first.isLeader()).isTrue();
      assertThat(second.isLeader()).isFalse();
      mayReturn.countDown();
      assertThat(first.close(Await.LIMIT)).isTrue();
      assertThat(second.await(Await.LIMIT)).isTrue();
    }
  }

  @Test
  void workThatFailsIsReportedAndTheNextOneLeads() throws Exception {
    CountDownLatch fails = new CountDownLatch(1);
    Heard<Throwable> errors = new Heard<>();
    IllegalStateException failure = new IllegalStateException("out of paper");
    try (Candidacy first =
            keeper
                .election("/election/fails")
                .run(
                    leadership -> {
                      fails.await();
                      throw failure;
                    });
        Candidacy second = standBehind(first, other, 2, new Heard<>(), "second")) {
      first.onError(errors::add);
      fails.countDown();
      errors.await(failure);
      assertThat(second.await(Await.LIMIT)).isTrue();
      assertThat(first.await()).isFalse();
    }
  }

  @Test
  void workThatIsInterruptedBecauseItsTimeIsOverIsNoError() throws Exception {
    Heard<Throwable> errors = new Heard<>();
    Candidacy candidacy = keeper.election("/election/no-error").run(ElectionTest::untilInterrupted);
    candidacy.onError(errors::add);
    assertThat(candidacy.await(Await.LIMIT)).isTrue();
    assertThat(candidacy.close(Await.LIMIT)).isTrue();
    assertThat(errors.all()).isEmpty();
  }

  @Test
  void lostLeadershipInterruptsTheWorkAndTheNextOneLeads() throws Exception {
    CompletableFuture<HoldState> endedIn = new CompletableFuture<>();
    CountDownLatch works = new CountDownLatch(1);
    try (Candidacy first =
            keeper
                .election("/election/lost")
                .run(
                    leadership -> {
                      try {
                        works.countDown();
                        untilInterrupted(leadership);
                      } catch (InterruptedException e) {
                        endedIn.complete(leadership.state());
                      }
                    });
        Candidacy second = standBehind(first, other, 2, new Heard<>(), "second")) {
      assertThat(works.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      keeper.tree().deleteRecursive(first.leadership().orElseThrow().node());
      assertThat(soon(endedIn)).isEqualTo(HoldState.LOST);
      assertThat(second.await(Await.LIMIT)).isTrue();
      assertThat(first.await()).isFalse();
    }
  }

  @Test
  void workOfALeaderInJeopardyIsToldSo() throws Exception {
    try (TestDatabase own = TestDatabase.fresh();
        Keeper alone = own.keeper()) {
      Heard<HoldState> states = new Heard<>();
      Candidacy candidacy =
          alone
              .election("/election/jeopardy")
              .run(
                  leadership -> {
                    leadership.onStateChange(states::add);
                    states.add(leadership.state());
                    untilInterrupted(leadership);
                  });
      states.await(HoldState.HELD);
      own.execute(
          "SELECT pg_terminate_backend(backend) FROM ${schema}.session WHERE id = "
              + alone.session().id());
      states.await(HoldState.JEOPARDY);
      assertThat(candidacy.close(Await.LIMIT)).isTrue();
    }
  }

  @Test
  void requeueingStandsAgainBehindTheOthers() throws Exception {
    Heard<String> heard = new Heard<>();
    AtomicInteger terms = new AtomicInteger();
    CountDownLatch secondStands = new CountDownLatch(1);
    try (Candidacy first =
        keeper
            .election("/election/again")
            .requeueing()
            .run(
                leadership -> {
                  heard.add("first " + terms.incrementAndGet());
                  if (terms.get() == 1) {
                    secondStands.await();
                  } else {
                    untilInterrupted(leadership);
                  }
                })) {
      Candidacy second = standBehind(first, other, 2, heard, "second");
      secondStands.countDown();
      heard.await("second");
      awaitRowsBelow(database, "/election/again", 2);
      assertThat(second.close(Await.LIMIT)).isTrue();
      heard.await("first 2");
      assertThat(heard.all()).containsExactly("first 1", "second", "first 2");
    }
    assertThat(rowsBelow(database, "/election/again")).isZero();
  }

  @Test
  void requeueingStandsAgainAfterItsWorkFailed() throws Exception {
    AtomicInteger terms = new AtomicInteger();
    Heard<Throwable> errors = new Heard<>();
    CountDownLatch listens = new CountDownLatch(1);
    CountDownLatch again = new CountDownLatch(1);
    try (Candidacy candidacy =
        keeper
            .election("/election/retry")
            .requeueing()
            .run(
                leadership -> {
                  listens.await();
                  if (terms.incrementAndGet() < 3) {
                    throw new IllegalStateException("term " + terms.get());
                  }
                  again.countDown();
                  untilInterrupted(leadership);
                })) {
      candidacy.onError(errors::add);
      listens.countDown();
      assertThat(again.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(errors.all())
          .extracting(Throwable::getMessage)
          .containsExactly("term 1", "term 2");
    }
  }

  @Test
  void aListenerIsToldOfEachElectionAndLossInOrder() throws Exception {
    Heard<String> heard = new Heard<>();
    Candidacy candidacy = keeper.election("/election/listener").requeueing().join(noting(heard));
    assertThat(candidacy.await(Await.LIMIT)).isTrue();
    awaitElected(heard);
    Leadership one = candidacy.leadership().orElseThrow();
    keeper.tree().deleteRecursive(one.node());
    heard.await("lost " + one.token());
    String two =
        heard.await(told -> told.startsWith("elected ") && !told.endsWith(" " + one.token()));
    candidacy.leadership().ifPresent(Leadership::resign);
    heard.await(two.replace("elected", "lost"));
    Await.until("a third term", () -> heard.all().size() >= 5);
    assertThat(candidacy.close(Await.LIMIT)).isTrue();
    assertThat(heard.all())
        .hasSize(6)
        .satisfies(
            all -> {
              for (int term = 0; term < 3; term++) {
                String elected = all.get(2 * term);
                assertThat(elected).startsWith("elected ");
                assertThat(all.get(2 * term + 1)).isEqualTo(elected.replace("elected", "lost"));
              }
            });
    assertThat(rowsBelow(database, "/election/listener")).isZero();
  }

  @Test
  void aListenerThatLeadsIsToldBeforeTheLeadershipIsGivenUp() throws Exception {
    CompletableFuture<Leadership> elected = new CompletableFuture<>();
    CompletableFuture<HoldState> stateWhenLost = new CompletableFuture<>();
    Candidacy candidacy =
        keeper
            .election("/election/before")
            .join(
                new LeadershipListener() {
                  @Override
                  public void onElected(Leadership leadership) {
                    elected.complete(leadership);
                  }

                  @Override
                  public void onLost(Leadership leadership) {
                    stateWhenLost.complete(leadership.state());
                  }
                });
    Leadership leadership = soon(elected);
    assertThat(candidacy.close(Await.LIMIT)).isTrue();
    assertThat(soon(stateWhenLost)).isEqualTo(HoldState.HELD);
    assertThat(leadership.state()).isEqualTo(HoldState.RELEASED);
    assertThatThrownBy(leadership::release).isInstanceOf(KeeperException.NotHeld.class);
  }

  @Test
  void closingSilentlyTellsNothingAndGivesTheLeadershipUp() throws Exception {
    Heard<String> heard = new Heard<>();
    Candidacy candidacy = keeper.election("/election/silent").join(noting(heard));
    assertThat(candidacy.await(Await.LIMIT)).isTrue();
    awaitElected(heard);
    candidacy.closeSilently();
    assertThat(heard.all()).hasSize(1);
    assertThat(rowsBelow(database, "/election/silent")).isZero();
  }

  @Test
  void aListenerThatFailsWhenElectedDoesNotLeadInSilence() throws Exception {
    Heard<Throwable> errors = new Heard<>();
    CountDownLatch listens = new CountDownLatch(1);
    Heard<String> lost = new Heard<>();
    Candidacy first =
        keeper
            .election("/election/silence")
            .join(
                new LeadershipListener() {
                  @Override
                  public void onElected(Leadership leadership) {
                    Await.until("listening", () -> listens.getCount() == 0);
                    throw new IllegalStateException("no room");
                  }

                  @Override
                  public void onLost(Leadership leadership) {
                    lost.add("lost");
                  }
                });
    first.onError(errors::add);
    try (Candidacy second = standBehind(first, other, 2, new Heard<>(), "second")) {
      listens.countDown();
      errors.await(e -> "no room".equals(e.getMessage()));
      assertThat(second.await(Await.LIMIT)).isTrue();
      assertThat(first.await()).isFalse();
      assertThat(lost.all()).isEmpty();
    }
  }

  @Test
  void aSlowListenerHoldsUpNobodyElse() throws Exception {
    CountDownLatch enough = new CountDownLatch(1);
    Heard<String> heard = new Heard<>();
    try (Candidacy slow =
            keeper
                .election("/election/slow")
                .join(
                    new LeadershipListener() {
                      @Override
                      public void onElected(Leadership leadership) {
                        heard.add("slow");
                        Await.until("enough", () -> enough.getCount() == 0);
                      }

                      @Override
                      public void onLost(Leadership leadership) {}
                    });
        Held lock = keeper.lock("/election/slow-lock").acquire()) {
      heard.await("slow");
      lock.onLost(() -> heard.add("lock lost"));
      keeper.tree().deleteRecursive(lock.node());
      heard.await("lock lost");
      assertThat(slow.isLeader()).isTrue();
      enough.countDown();
    }
  }

  @Test
  void whoStopsWaitingLeavesNothing() throws Exception {
    try (Held leads = keeper.line("/election/waiting", "election", 1).join(ask())) {
      Candidacy candidacy =
          keeper.election("/election/waiting").run(ElectionTest::untilInterrupted);
      awaitRowsBelow(database, "/election/waiting", 2);
      assertThat(candidacy.await(Duration.ofMillis(10))).isFalse();
      assertThat(candidacy.close(Await.LIMIT)).isTrue();
      awaitRowsBelow(database, "/election/waiting", 1);
      assertThat(leads.isHeld()).isTrue();
      assertThat(candidacy.await()).isFalse();
    }
  }

  private static LineRequest ask() {
    return LineRequest.of("candidate");
  }

  @Test
  void resigningFromAnotherThreadInterruptsTheWork() throws Exception {
    CompletableFuture<String> interrupted = new CompletableFuture<>();
    CountDownLatch works = new CountDownLatch(1);
    try (Candidacy candidacy =
        keeper
            .election("/election/resign")
            .run(
                leadership -> {
                  try {
                    works.countDown();
                    untilInterrupted(leadership);
                  } catch (InterruptedException e) {
                    interrupted.complete("interrupted");
                  }
                })) {
      assertThat(works.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      Leadership leadership = candidacy.leadership().orElseThrow();
      leadership.release();
      assertThatThrownBy(leadership::release).isInstanceOf(KeeperException.NotHeld.class);
      assertThat(soon(interrupted)).isEqualTo("interrupted");
      awaitRowsBelow(database, "/election/resign", 0);
      assertThat(candidacy.await()).isFalse();
    }
  }

  @Test
  void workThatResignsOrClosesItselfGoesOnAndLeadsUntilItReturns() throws Exception {
    CompletableFuture<List<Boolean>> held = new CompletableFuture<>();
    CompletableFuture<Candidacy> own = new CompletableFuture<>();
    Candidacy candidacy =
        keeper
            .election("/election/itself")
            .requeueing()
            .run(
                leadership -> {
                  leadership.resign();
                  soon(own).close();
                  held.complete(
                      List.of(leadership.isHeld(), Thread.currentThread().isInterrupted()));
                });
    own.complete(candidacy);
    assertThat(soon(held)).containsExactly(true, false);
    assertThat(candidacy.close(Await.LIMIT)).isTrue();
    assertThat(rowsBelow(database, "/election/itself")).isZero();
  }

  @Test
  void candidatesStandAgainInTheSessionAfterALostOne() throws Exception {
    try (Keeper loses = database.keeper()) {
      Heard<String> heard = new Heard<>();
      Heard<Throwable> errors = new Heard<>();
      Candidacy leads = loses.election("/election/session").requeueing().join(noting(heard));
      leads.onError(errors::add);
      assertThat(leads.await(Await.LIMIT)).isTrue();
      awaitElected(heard);
      Candidacy waits = loses.election("/election/session").run(ElectionTest::untilInterrupted);
      waits.onError(errors::add);
      awaitRowsBelow(database, "/election/session", 2);
      SessionLog.lose(database, loses);
      heard.await(told -> told.startsWith("lost "));
      awaitRowsBelow(database, "/election/session", 2);
      assertThat(
              database.queryLong(
                  "SELECT count(DISTINCT session) FROM ${schema}.candidates WHERE session = "
                      + loses.session().id()))
          .isEqualTo(1);
      Await.until("one of them leads", () -> leads.isLeader() || waits.isLeader());
      (leads.isLeader() ? leads : waits).close();
      Await.until("the other one leads", () -> leads.isLeader() || waits.isLeader());
      assertThat(errors.all()).isEmpty();
    }
  }

  /** What leads once is over with that, however it ends. */
  @Test
  void whatLedInALostSessionDoesNotLeadAgainUnlessItRequeues() throws Exception {
    try (Keeper loses = database.keeper()) {
      Candidacy leads = loses.election("/election/once").run(ElectionTest::untilInterrupted);
      assertThat(leads.await(Await.LIMIT)).isTrue();
      SessionLog.lose(database, loses);
      assertThat(soon(onThread(() -> leads.await()))).isFalse();
      loses.session();
      assertThat(rowsBelow(database, "/election/once")).isZero();
    }
  }

  @Test
  void aClosedKeeperEndsTheCandidaciesAndInterruptsTheirWork() throws Exception {
    CompletableFuture<String> interrupted = new CompletableFuture<>();
    Keeper closes = database.keeper();
    Heard<Throwable> errors = new Heard<>();
    CountDownLatch works = new CountDownLatch(1);
    Candidacy leads =
        closes
            .election("/election/closed")
            .requeueing()
            .run(
                leadership -> {
                  try {
                    works.countDown();
                    untilInterrupted(leadership);
                  } catch (InterruptedException e) {
                    interrupted.complete("interrupted");
                  }
                });
    leads.onError(errors::add);
    assertThat(works.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    Candidacy waits = closes.election("/election/closed").run(ElectionTest::untilInterrupted);
    waits.onError(errors::add);
    awaitRowsBelow(database, "/election/closed", 2);
    closes.close();
    assertThat(soon(interrupted)).isEqualTo("interrupted");
    assertThat(soon(onThread(() -> leads.await()))).isFalse();
    assertThat(soon(onThread(() -> waits.await()))).isFalse();
    assertThat(errors.all()).isEmpty();
    assertThatThrownBy(() -> closes.election("/election/closed"))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aPathThatIsSomethingElseEndsTheCandidacyAndIsReportedOnceAlsoToWhoAsksLate()
      throws Exception {
    try (Held lock = keeper.lock("/election/mutex").acquire()) {
      Candidacy candidacy = keeper.election("/election/mutex").join(noting(new Heard<>()));
      Heard<Throwable> errors = new Heard<>();
      candidacy.onError(errors::add);
      assertThat(soon(onThread(() -> candidacy.await()))).isFalse();
      Heard<Throwable> late = new Heard<>();
      candidacy.onError(late::add);
      Await.until("the first is told", () -> !errors.all().isEmpty());
      assertThat(errors.all()).hasSize(1).hasOnlyElementsOfType(KeeperException.WrongRecipe.class);
      assertThat(late.all()).isEqualTo(errors.all());
      assertThat(lock.isHeld()).isTrue();
    }
  }

  @Test
  void aThousandCandidatesWaitWithoutAThousandThreads() throws Exception {
    try (Held leads = keeper.line("/election/crowd", "election", 1).join(ask())) {
      int before = Thread.activeCount();
      List<Candidacy> crowd =
          Stream.generate(
                  () -> keeper.election("/election/crowd").run(ElectionTest::untilInterrupted))
              .limit(1000)
              .toList();
      awaitRowsBelow(database, "/election/crowd", 1001);
      assertThat(Thread.activeCount() - before).isLessThan(50);
      crowd.forEach(Candidacy::closeSilently);
      awaitRowsBelow(database, "/election/crowd", 1);
      assertThat(leads.isHeld()).isTrue();
    }
  }

  @Test
  void whatALeaderDoesInTheDatabaseIsFencedByItsLeadership() throws Exception {
    database.execute("CREATE TABLE ${schema}.done (term bigint)");
    String insert = "INSERT INTO " + database.schema() + ".done VALUES (1)";
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    try (Candidacy candidacy =
        keeper
            .election("/election/fence")
            .run(
                leadership -> {
                  try (leadership) {
                    leadership.inTransaction(c -> c.createStatement().execute(insert));
                    leadership.inTransaction(
                        connection -> {
                          connection.createStatement().execute(insert);
                          keeper.tree().deleteRecursive(leadership.node());
                        });
                  } catch (KeeperException.NotHeld e) {
                    refused.complete(e);
                  }
                })) {
      assertThat(soon(refused)).isInstanceOf(KeeperException.NotHeld.class);
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.done")).isEqualTo(1);
      // its work has told this before it is over
      Await.until("it does not lead any more", () -> !candidacy.isLeader());
      assertThat(candidacy.await()).isFalse();
    }
  }
}
