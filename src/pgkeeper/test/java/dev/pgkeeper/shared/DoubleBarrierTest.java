package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.Gate;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TwoClients;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DoubleBarrierTest extends TwoClients {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(50);

  private static CompletableFuture<Boolean> enters(DoubleBarrier participant) {
    return onThread(() -> participant.enter(LONG));
  }

  private static CompletableFuture<Boolean> leaves(DoubleBarrier participant) {
    return onThread(() -> participant.leave(LONG));
  }

  private static List<String> present(String path) {
    return keeper.tree().children(path);
  }

  private static void awaitPresent(String path, int number) {
    Await.until(
        number + " at " + path,
        () -> keeper.tree().exists(path).isPresent() && present(path).size() == number);
  }

  private static List<String> inside(String path) {
    return present(path).stream()
        .filter(name -> keeper.tree().get(path + "/" + name).data().length == 0)
        .toList();
  }

  private static void awaitMarked(String path, int number) {
    Await.until(
        number + " have left " + path, () -> present(path).size() - inside(path).size() == number);
  }

  /** A client that compares what it knows with what is there all the time. */
  private static Keeper sweeping() {
    return Keeper.connect(
        database.dataSource(), database.keeperOptions().withSweep(Duration.ofMillis(100)));
  }

  private static String onlyChild(String path) {
    return path + "/" + present(path).get(0);
  }

  /** As anybody could ring it: with a key that is not its own, or none. */
  private static void ringForNothing(Keeper client, String path) {
    for (String payload : List.of("meeting 1 begun", "meeting 1 over", path, onlyChild(path))) {
      database.execute(
          "SELECT pg_notify('" + database.channel(client.session().id()) + "', '" + payload + "')");
    }
    client.tree().sync();
  }

  @Test
  void allEnterWhenTheLastOneComesAndAllHaveLeftWhenTheLastOneLeaves() throws Exception {
    String path = "/double/deep/three";
    DoubleBarrier one = keeper.doubleBarrier(path, 3);
    DoubleBarrier two = keeper.doubleBarrier(path, 3);
    DoubleBarrier three = other.doubleBarrier(path, 3);
    for (int round = 0; round < 3; round++) {
      CompletableFuture<Boolean> first = enters(one);
      CompletableFuture<Boolean> second = enters(two);
      awaitPresent(path, 2);
      assertThat(first).isNotDone();
      assertThat(second).isNotDone();
      assertThat(soon(enters(three))).isTrue();
      assertThat(soon(first)).isTrue();
      assertThat(soon(second)).isTrue();

      CompletableFuture<Boolean> third = leaves(three);
      first = leaves(one);
      awaitMarked(path, 2);
      assertThat(first).isNotDone();
      assertThat(third).isNotDone();
      assertThat(soon(leaves(two))).isTrue();
      assertThat(soon(first)).isTrue();
      assertThat(soon(third)).isTrue();
      assertThat(present(path)).isEmpty();
    }
  }

  @Test
  void aFiftyFirstParticipantOfFiftyIsRefusedAndLeavesNothingBehind() throws Exception {
    String path = "/double/fifty";
    List<DoubleBarrier> participants = new ArrayList<>();
    List<CompletableFuture<Boolean>> entering = new ArrayList<>();
    for (int i = 0; i < 49; i++) {
      participants.add((i % 2 == 0 ? keeper : other).doubleBarrier(path, 50));
      entering.add(enters(participants.get(i)));
    }
    awaitPresent(path, 49);
    assertThat(entering).noneMatch(CompletableFuture::isDone);
    participants.add(keeper.doubleBarrier(path, 50));
    entering.add(enters(participants.get(49)));
    for (CompletableFuture<Boolean> one : entering) {
      assertThat(soon(one)).isTrue();
    }
    assertThatThrownBy(() -> keeper.doubleBarrier(path, 50).enter(LONG))
        .isInstanceOf(KeeperException.Busy.class)
        .hasMessageContaining(path)
        .hasMessageContaining("all 50 places are taken");
    assertThat(present(path)).hasSize(50);
    List<CompletableFuture<Boolean>> leaving = participants.stream().map(p -> leaves(p)).toList();
    for (CompletableFuture<Boolean> one : leaving) {
      assertThat(soon(one)).isTrue();
    }
    assertThat(present(path)).isEmpty();
  }

  /** Whatever wakes it up: it goes by what it reads. */
  @Test
  void aSpuriousWakeUpLetsNobodyInOrOut() throws Exception {
    String path = "/double/spurious";
    try (Keeper sweeping = sweeping()) {
      for (Keeper client : List.of(other, sweeping)) {
        DoubleBarrier one = client.doubleBarrier(path, 2);
        DoubleBarrier two = keeper.doubleBarrier(path, 2);
        CompletableFuture<Boolean> first = enters(one);
        awaitPresent(path, 1);
        ringForNothing(client, path);
        keeper.tree().set(onlyChild(path), new byte[] {1});
        keeper.tree().set(path, new byte[] {1});
        ringForNothing(client, path);
        assertThat(first).isNotDone();
        assertThat(soon(enters(two))).isTrue();
        assertThat(soon(first)).isTrue();
        CompletableFuture<Boolean> out = leaves(one);
        awaitMarked(path, 1);
        ringForNothing(client, path);
        keeper.tree().set(path, new byte[] {2});
        ringForNothing(client, path);
        assertThat(out).isNotDone();
        assertThat(soon(leaves(two))).isTrue();
        assertThat(soon(out)).isTrue();
      }
    }
  }

  /** The trap: each part of the wait begins to count anew. Then this one would never end. */
  @Test
  void thereIsOneDeadlineHoweverOftenItIsWoken() throws Exception {
    String path = "/double/deadline";
    try (Keeper sweeping = sweeping()) {
      DoubleBarrier impatient = sweeping.doubleBarrier(path, 2);
      CompletableFuture<Boolean> waiting = onThread(() -> impatient.enter(Duration.ofMillis(500)));
      assertThat(waiting.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isFalse();
      assertThat(present(path)).isEmpty();
      DoubleBarrier second = keeper.doubleBarrier(path, 2);
      CompletableFuture<Boolean> in = enters(second);
      assertThat(soon(enters(impatient))).isTrue();
      assertThat(soon(in)).isTrue();
      CompletableFuture<Boolean> leaving = onThread(() -> impatient.leave(Duration.ofMillis(500)));
      assertThat(leaving.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isFalse();
      assertThat(second.leave(SHORT)).isTrue();
    }
    assertThat(present(path)).isEmpty();
  }

  @Test
  void whoRunsOutOfPatienceHasWithdrawnAndIsNotCountedOn() throws Exception {
    String path = "/double/patience";
    DoubleBarrier impatient = keeper.doubleBarrier(path, 2);
    assertThat(impatient.enter(SHORT)).isFalse();
    assertThat(impatient.enter(Duration.ZERO)).isFalse();
    assertThat(present(path)).isEmpty();
    assertThatThrownBy(() -> impatient.leave(SHORT)).isInstanceOf(IllegalStateException.class);
    DoubleBarrier second = other.doubleBarrier(path, 2);
    assertThat(second.enter(SHORT)).isFalse();
    CompletableFuture<Boolean> in = enters(second);
    assertThat(soon(enters(impatient))).isTrue();
    assertThat(soon(in)).isTrue();
    assertThat(impatient.leave(SHORT)).as("the other one is inside").isFalse();
    // It has left, and may come again; the round that it left goes on without it.
    assertThat(impatient.enter(SHORT)).isFalse();
    assertThat(second.leave(SHORT)).isTrue();
  }

  /** Early for the next round, while one of this round is inside. */
  @Test
  void whoComesForTheNextRoundWaitsUntilThisOneIsOver() throws Exception {
    String path = "/double/next";
    DoubleBarrier one = keeper.doubleBarrier(path, 2);
    DoubleBarrier two = keeper.doubleBarrier(path, 2);
    CompletableFuture<Boolean> in = enters(one);
    assertThat(soon(enters(two))).isTrue();
    assertThat(soon(in)).isTrue();
    assertThat(one.leave(Duration.ZERO)).isFalse();
    CompletableFuture<Boolean> early = enters(other.doubleBarrier(path, 2));
    awaitPresent(path, 2);
    assertThat(early).isNotDone();
    assertThat(soon(leaves(two))).isTrue();
    assertThat(early).isNotDone();
    assertThat(soon(enters(one))).isTrue();
    assertThat(soon(early)).isTrue();
  }

  @Test
  void whoDiesWhileItWaitsIsNotCountedAnyMore() throws Exception {
    String path = "/double/died-waiting";
    try (ChildProcess child = BarrierParticipant.start(database, path, 2)) {
      awaitPresent(path, 1);
      child.kill9();
    }
    awaitPresent(path, 0);
    DoubleBarrier one = keeper.doubleBarrier(path, 2);
    assertThat(one.enter(SHORT)).isFalse();
    CompletableFuture<Boolean> in = enters(one);
    assertThat(soon(enters(other.doubleBarrier(path, 2)))).isTrue();
    assertThat(soon(in)).isTrue();
  }

  @Test
  void whoDiesInsideHasLeftAsSoonAsItsSessionEnds() throws Exception {
    String path = "/double/died-inside";
    DoubleBarrier one = keeper.doubleBarrier(path, 2);
    try (ChildProcess child = BarrierParticipant.start(database, path, 2)) {
      assertThat(one.enter(LONG)).isTrue();
      child.awaitLine("entered");
      CompletableFuture<Boolean> out = leaves(one);
      awaitMarked(path, 1);
      assertThat(out).isNotDone();
      child.kill9();
      assertThat(out.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void whoseSessionEndsWhileItWaitsIsToldSo() {
    Keeper lost = database.keeper();
    String path = "/double/lost";
    CompletableFuture<Boolean> waiting = enters(lost.doubleBarrier(path, 2));
    awaitPresent(path, 1);
    database.execute("SELECT ${schema}.session_end(" + lost.session().id() + ")");
    assertThatThrownBy(() -> soon(waiting)).isInstanceOf(KeeperException.SessionExpired.class);
    lost.close();
  }

  @Test
  void anInterruptEndsTheWaitingAndTakesItsPlaceBack() throws Exception {
    String path = "/double/interrupt";
    List<Thread> thread = new ArrayList<>();
    CompletableFuture<Boolean> waiting =
        onThread(
            () -> {
              thread.add(Thread.currentThread());
              return keeper.doubleBarrier(path, 2).enter(LONG);
            });
    awaitPresent(path, 1);
    thread.get(0).interrupt();
    assertThatThrownBy(() -> soon(waiting)).isInstanceOf(InterruptedException.class);
    assertThat(present(path)).isEmpty();
  }

  /** Decided by whoever ends the session, and rung: nobody sweeps here. */
  @Test
  void theEndOfASessionInsideEndsTheRoundAtOnce() throws Exception {
    String path = "/double/ended-inside";
    Keeper lost = database.keeper();
    DoubleBarrier one = keeper.doubleBarrier(path, 2);
    CompletableFuture<Boolean> in = enters(one);
    assertThat(soon(enters(lost.doubleBarrier(path, 2)))).isTrue();
    assertThat(soon(in)).isTrue();
    CompletableFuture<Boolean> out = leaves(one);
    awaitMarked(path, 1);
    database.execute("SELECT ${schema}.session_end(" + lost.session().id() + ")");
    assertThat(soon(out)).isTrue();
    lost.close();
  }

  /** Its client was killed, and whoever ended its session before it got round to ringing. */
  @Test
  void theSweepDecidesWhatNobodyDecidedWhenASessionEnded() throws Exception {
    String path = "/double/undecided";
    try (Keeper sweeping = sweeping()) {
      Keeper lost = database.keeper();
      DoubleBarrier one = sweeping.doubleBarrier(path, 2);
      CompletableFuture<Boolean> in = enters(one);
      assertThat(soon(enters(lost.doubleBarrier(path, 2)))).isTrue();
      assertThat(soon(in)).isTrue();
      CompletableFuture<Boolean> out = leaves(one);
      awaitMarked(path, 1);
      database.execute("SELECT ${schema}._session_end(" + lost.session().id() + ")");
      assertThat(soon(out)).isTrue();
      lost.close();
    }
  }

  /** As a crash of the server does that forgets what was not flushed. */
  @Test
  void whatIsForgottenOfAComingOrALeavingIsDoneOnceMore() throws Exception {
    String path = "/double/forgotten";
    try (Keeper sweeping = sweeping()) {
      DoubleBarrier one = sweeping.doubleBarrier(path, 2);
      DoubleBarrier two = keeper.doubleBarrier(path, 2);
      CompletableFuture<Boolean> in = enters(one);
      awaitPresent(path, 1);
      String before = onlyChild(path);
      keeper.tree().delete(before);
      awaitPresent(path, 1);
      assertThat(onlyChild(path)).isNotEqualTo(before);
      assertThat(soon(enters(two))).isTrue();
      assertThat(soon(in)).isTrue();

      CompletableFuture<Boolean> out = leaves(one);
      awaitMarked(path, 1);
      List<String> left = new ArrayList<>(present(path));
      left.removeAll(inside(path));
      keeper.tree().set(path + "/" + left.get(0), new byte[0]);
      awaitMarked(path, 1);
      assertThat(soon(leaves(two))).isTrue();
      assertThat(soon(out)).isTrue();
    }
  }

  /** A sweep sees that the first child is gone, while the second one is being made. */
  @Test
  void whoComesOnceMoreComesOnlyOnceThoughASweepStillMissesItsFirstChild() throws Exception {
    String path = "/double/once-more";
    database.execute("CREATE SEQUENCE ${schema}.sweeps");
    database.execute("ALTER FUNCTION ${schema}.meeting_sweep RENAME TO swept");
    database.execute(
        "CREATE FUNCTION ${schema}.meeting_sweep(in_meetings text[], in_numbers bigint[])"
            + " RETURNS TABLE (number bigint, present boolean, has_left boolean, begun boolean, over boolean)"
            + " LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM ${schema}.swept(in_meetings, in_numbers);"
            + " PERFORM nextval('${schema}.sweeps'); END $$");
    Gate gate = Gate.after(database, "INSERT", "node", "NEW.parent = '" + path + "'");
    try (Keeper sweeping = sweeping()) {
      CompletableFuture<Boolean> in = enters(sweeping.doubleBarrier(path, 2));
      awaitPresent(path, 1);
      String before = onlyChild(path);
      CompletableFuture<Boolean> elsewhere = enters(sweeping.doubleBarrier("/double/elsewhere", 2));
      awaitSweeps(2); // by then it knows its number
      try (Gate.Shut shut = gate.shut()) {
        keeper.tree().delete(before);
        gate.awaitSomebody(); // it comes once more
        awaitSweeps(2);
      }
      assertThat(soon(enters(keeper.doubleBarrier(path, 2)))).isTrue();
      assertThat(soon(in)).isTrue();
      assertThat(present(path)).hasSize(2);
      assertThat(elsewhere).as("has something to sweep for all the while").isNotDone();
    } finally {
      gate.remove();
      database.execute("DROP FUNCTION ${schema}.meeting_sweep");
      database.execute("ALTER FUNCTION ${schema}.swept RENAME TO meeting_sweep");
    }
  }

  /** One that was begun before this does not count. */
  private static void awaitSweeps(int more) {
    long before = database.queryLong("SELECT nextval('${schema}.sweeps')");
    Await.until(
        more + " sweeps",
        () -> database.queryLong("SELECT last_value FROM ${schema}.sweeps") > before + more);
  }

  @Test
  void itsNodeTakesNoOtherChildrenAndItsViewSaysWhoIsWhere() throws Exception {
    String path = "/double/view";
    DoubleBarrier one = keeper.doubleBarrier(path, 2);
    CompletableFuture<Boolean> in = enters(one);
    awaitPresent(path, 1);
    assertThatThrownBy(() -> keeper.tree().create(path + "/foreign", new byte[0]))
        .isInstanceOf(KeeperException.WrongRecipe.class);
    String seen = "SELECT waiting * 100 + inside * 10 + has_left FROM ${schema}.double_barriers";
    String here = " WHERE path = '" + path + "' AND participants = 2";
    assertThat(database.queryLong(seen + here + " AND since IS NULL")).isEqualTo(100);
    DoubleBarrier two = other.doubleBarrier(path, 2);
    assertThat(soon(enters(two))).isTrue();
    assertThat(soon(in)).isTrue();
    assertThat(database.queryLong(seen + here + " AND since IS NOT NULL")).isEqualTo(20);
    CompletableFuture<Boolean> out = leaves(one);
    awaitMarked(path, 1);
    assertThat(database.queryLong(seen + here)).isEqualTo(11);
    assertThat(soon(leaves(two))).isTrue();
    assertThat(soon(out)).isTrue();
    assertThat(database.queryLong(seen + here + " AND since IS NULL")).isZero();
  }

  @Test
  void misuseIsRefusedAndSaysWhatToDo() throws Exception {
    for (int number : new int[] {0, -1, 10_001}) {
      assertThatThrownBy(() -> keeper.doubleBarrier("/double/number", number))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("use 1 to");
    }
    DoubleBarrier alone = keeper.doubleBarrier("/double/alone", 1);
    assertThatThrownBy(alone::leave).isInstanceOf(IllegalStateException.class);
    alone.enter();
    assertThatThrownBy(alone::enter).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> keeper.doubleBarrier("/double/alone", 2).enter(LONG))
        .isInstanceOf(KeeperException.WrongRecipe.class)
        .hasMessageContaining("barrier of 1")
        .hasMessageContaining("barrier of 2");
    alone.leave();
    keeper.counter("/double/counter").increment();
    assertThatThrownBy(() -> keeper.doubleBarrier("/double/counter", 2).enter(LONG))
        .isInstanceOf(KeeperException.WrongRecipe.class);
    assertThat(present("/double/counter")).isEmpty();
  }

  /**
   * Nobody is in a round before all of the one before have left, whatever breaks on the way. The
   * part {@code replies} of the proof breaks connections at random.
   */
  @ParameterizedTest
  @EnumSource(Fate.class)
  void allAreInTogetherAlsoWhenARequestIsCutOff(Fate fate) throws Exception {
    String path = "/double/cut-" + fate;
    HikariConfig config = new HikariConfig();
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper cut =
              Keeper.connect(
                  pool,
                  database
                      .keeperOptions()
                      .withOperationTimeout(Await.LIMIT)
                      .withListener(database::connect))) {
        DoubleBarrier one = cut.doubleBarrier(path, 2);
        DoubleBarrier two = keeper.doubleBarrier(path, 2);
        for (int round = 0; round < 2; round++) {
          // In the first round the one that is cut off comes and leaves first, then last.
          boolean isFirst = round == 0;
          CompletableFuture<Boolean> waiting = isFirst ? enterCut(proxy, fate, one) : enters(two);
          awaitPresent(path, 1);
          assertThat(waiting).isNotDone();
          assertThat(soon(isFirst ? enters(two) : enterCut(proxy, fate, one))).isTrue();
          assertThat(soon(waiting)).isTrue();
          assertThat(inside(path)).hasSize(2);

          waiting = isFirst ? leaveCut(proxy, fate, one) : leaves(two);
          awaitMarked(path, 1);
          assertThat(waiting).isNotDone();
          assertThat(soon(isFirst ? leaves(two) : leaveCut(proxy, fate, one))).isTrue();
          assertThat(soon(waiting)).isTrue();
          assertThat(present(path)).isEmpty();
        }
        assertThat(proxy.fates()).containsKey(fate);
      }
    }
  }

  private static CompletableFuture<Boolean> enterCut(TcpProxy proxy, Fate fate, DoubleBarrier one) {
    meetNext(proxy, fate);
    return enters(one);
  }

  private static CompletableFuture<Boolean> leaveCut(TcpProxy proxy, Fate fate, DoubleBarrier one) {
    meetNext(proxy, fate);
    return leaves(one);
  }

  /** The next request meets this fate; those after it pass. */
  private static void meetNext(TcpProxy proxy, Fate fate) {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(() -> requests.getAndIncrement() == 0 ? fate : Fate.PASSES);
  }
}
