package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.CreateMode;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.NewNode;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.TestDatabase;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What outlives a session. */
class EachSessionTest {

  private static TestDatabase database;

  private final Heard<String> heard = new Heard<>();

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private static Keeper connect() {
    return Keeper.connect(
        database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
  }

  private static void end(Keeper keeper) {
    database.execute("SELECT ${schema}.session_end(" + keeper.sessionId() + ")");
  }

  private static void awaitNumber(Heard<?> some, int number) {
    Await.until(() -> number + " of " + some.all(), () -> some.all().size() >= number);
  }

  /** Tells when it begins and ends, each time with another number. */
  private AutoCloseable tell(String name, AtomicInteger times) {
    int time = times.incrementAndGet();
    heard.add(name + " begins " + time);
    return () -> heard.add(name + " ends " + time);
  }

  @Test
  void whatWasDoneInALostSessionIsEndedAndBegunInTheNext() {
    AtomicInteger times = new AtomicInteger();
    Heard<Keeper> keepers = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(
          each -> {
            keepers.add(each);
            each.tree().create(NewNode.at("/each/a").mode(CreateMode.EPHEMERAL).withParents());
            return tell("work", times);
          });
      assertThat(heard.all()).containsExactly("work begins 1");

      end(keeper);
      awaitNumber(heard, 3);
      end(keepers.all().get(1));
      awaitNumber(heard, 5);

      assertThat(heard.all())
          .containsExactly(
              "work begins 1", "work ends 1", "work begins 2", "work ends 2", "work begins 3");
      assertThat(keepers.all()).doesNotHaveDuplicates().startsWith(keeper);
      assertThat(keepers.all().get(2).tree().stat("/each/a").ephemeralOwner())
          .isEqualTo(keepers.all().get(2).sessionId());
    }
    assertThat(heard.all()).endsWith("work ends 3");
  }

  @Test
  void allWhoAskGetTheSameKeeperNext() {
    Heard<Keeper> first = new Heard<>();
    Heard<Keeper> second = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellKeeper(first, each));
      keeper.inEachSession(each -> tellKeeper(second, each));
      end(keeper);
      awaitNumber(first, 2);
      awaitNumber(second, 2);
      // Who asks only now, with any of them, gets the one whose session lives.
      Heard<Keeper> later = new Heard<>();
      keeper.inEachSession(each -> tellKeeper(later, each));
      assertThat(later.all()).containsExactly(first.all().get(1));
      assertThat(second.all()).isEqualTo(first.all());
    }
  }

  private static AutoCloseable tellKeeper(Heard<Keeper> keepers, Keeper keeper) {
    keepers.add(keeper);
    return () -> {};
  }

  @Test
  void closingTheFirstKeeperEndsTheSessionThatTookItsPlace() {
    Heard<Keeper> keepers = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellKeeper(keepers, each));
      end(keeper);
      awaitNumber(keepers, 2);
    }
    assertThat(
            database.queryString(
                "SELECT count(*)::text FROM ${schema}.session WHERE id = "
                    + keepers.all().get(1).sessionId()))
        .isEqualTo("0");
  }

  @Test
  void whatNeedsNoParticularSessionIsDoneInTheOneThatThereIs() {
    try (Keeper keeper = connect()) {
      assertThat(keeper.<Keeper>inPresentSession(now -> now)).isSameAs(keeper);
      // It may be done before the keeper has heard of the end of its session, or after it.
      for (int round = 1; round <= 2; round++) {
        Keeper ended = keeper.inPresentSession(now -> now);
        end(ended);
        if (round == 2) {
          Await.until("it is lost", () -> ended.state() == SessionState.LOST);
        }
        String path = "/present-" + round;
        keeper.inPresentSession(now -> now.tree().create(path, new byte[0], CreateMode.EPHEMERAL));
        assertThat(keeper.<Boolean>inPresentSession(now -> now.tree().exists(path).isPresent()))
            .isTrue();
      }
      assertThat(keeper.state()).isEqualTo(SessionState.LOST);
    }
  }

  @Test
  void whatFailsForAnotherReasonIsNotDoneAgainAndNothingIsDoneAfterTheEnd() {
    AtomicInteger times = new AtomicInteger();
    Keeper keeper = connect();
    assertThatThrownBy(
            () ->
                keeper.inPresentSession(
                    now -> {
                      times.incrementAndGet();
                      throw new IllegalStateException("for the test");
                    }))
        .hasMessage("for the test");
    keeper.close();
    assertThatThrownBy(() -> keeper.inPresentSession(now -> times.incrementAndGet()))
        .isInstanceOf(KeeperException.SessionExpired.class)
        .hasMessageContaining("closed");
    assertThat(times).hasValue(1);
  }

  @Test
  void whatWasClosedIsNotBegunAgain() {
    AtomicInteger closedTimes = new AtomicInteger();
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      Subscription closed = keeper.inEachSession(each -> tell("closed", closedTimes));
      keeper.inEachSession(each -> tell("open", times));
      closed.close();
      end(keeper);
      Await.until("the next session", () -> times.get() == 2);
      assertThat(closedTimes).hasValue(1);
      assertThat(heard.all()).containsOnlyOnce("closed ends 1");
    }
  }

  @Test
  void whatIsClosedWhileItBeginsEndsAtOnce() throws Exception {
    CountDownLatch begins = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      Subscription subscription =
          keeper.inEachSession(
              each -> {
                if (each != keeper) {
                  begins.countDown();
                  await(goesOn);
                }
                return tell("work", times);
              });
      end(keeper);
      await(begins);
      subscription.close();
      goesOn.countDown();
      heard.await("work ends 2");
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatFailsTheFirstTimeFailsThere() {
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      assertThatThrownBy(
              () ->
                  keeper.inEachSession(
                      each -> {
                        times.incrementAndGet();
                        throw new IllegalArgumentException("wrong");
                      }))
          .hasMessage("wrong");
      Heard<Keeper> keepers = new Heard<>();
      keeper.inEachSession(each -> tellKeeper(keepers, each));
      end(keeper);
      awaitNumber(keepers, 2);
      assertThat(times).hasValue(1);
    }
  }

  @Test
  void whatFindsItsSessionEndedBeforeTheKeeperHeardOfItIsBegunInTheNext() {
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(
          each -> {
            if (each == keeper) {
              end(keeper);
              each.tree().create("/ended-just-now", new byte[0], CreateMode.EPHEMERAL);
            }
            return tell("work", times);
          });
      heard.await("work begins 1");
    }
  }

  @Test
  void whatFailsLaterIsTriedAgain() {
    AtomicInteger tries = new AtomicInteger();
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(
          each -> {
            if (tries.incrementAndGet() == 2) {
              throw new KeeperException.ConnectionLoss("not yet", null);
            }
            return tell("work", times);
          });
      end(keeper);
      heard.await("work begins 2");
      assertThat(tries).hasValue(3);
    }
  }

  @Test
  void aClosedKeeperBeginsNothing() {
    Keeper keeper = connect();
    keeper.close();
    assertThatThrownBy(() -> keeper.inEachSession(each -> () -> {}))
        .isInstanceOf(KeeperException.SessionExpired.class)
        .hasMessageContaining("closed");
  }

  @Test
  void nobodyWhoStandsMeansNoNextSession() {
    try (Keeper keeper = connect();
        Keeper other = connect()) {
      keeper.inEachSession(each -> () -> {}).close();
      end(keeper);
      Heard<Keeper> keepers = new Heard<>();
      other.inEachSession(each -> tellKeeper(keepers, each));
      end(other);
      awaitNumber(keepers, 2);
      assertThat(database.queryString("SELECT string_agg(id::text, ',') FROM ${schema}.session"))
          .isEqualTo(Long.toString(keepers.all().get(1).sessionId()));
    }
  }

  @Test
  void theLostKeeperLeavesNoConnectionBehind() {
    Heard<Keeper> keepers = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellKeeper(keepers, each));
      for (List<Keeper> seen = keepers.all(); seen.size() < 4; seen = keepers.all()) {
        end(seen.get(seen.size() - 1));
        awaitNumber(keepers, seen.size() + 1);
      }
      Await.until(
          "one connection that pings",
          () ->
              database.queryLong(
                      "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                          + " AND query LIKE '%${schema}.session_ping(%'")
                  == 1);
    }
  }
}
