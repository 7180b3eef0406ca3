package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import java.time.Duration;
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
    end(keeper.session());
  }

  private static void end(Session session) {
    database.execute("SELECT ${schema}.session_end(" + session.id() + ")");
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
    Heard<Session> sessions = new Heard<>();
    try (Keeper keeper = connect()) {
      Session first = keeper.session();
      keeper.inEachSession(
          each -> {
            sessions.add(each);
            each.tree().create(NewNode.at("/each/a").mode(CreateMode.EPHEMERAL).withParents());
            return tell("work", times);
          });
      assertThat(heard.all()).containsExactly("work begins 1");

      end(keeper);
      awaitNumber(heard, 3);
      end(sessions.all().get(1));
      awaitNumber(heard, 5);

      assertThat(heard.all())
          .containsExactly(
              "work begins 1", "work ends 1", "work begins 2", "work ends 2", "work begins 3");
      assertThat(sessions.all()).doesNotHaveDuplicates().startsWith(first);
      assertThat(sessions.all().get(2).tree().stat("/each/a").ephemeralOwner())
          .isEqualTo(sessions.all().get(2).id());
    }
    assertThat(heard.all()).endsWith("work ends 3");
  }

  @Test
  void allWhoAskGetTheSameSessionNext() {
    Heard<Session> first = new Heard<>();
    Heard<Session> second = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellSession(first, each));
      keeper.inEachSession(each -> tellSession(second, each));
      end(keeper);
      awaitNumber(first, 2);
      awaitNumber(second, 2);
      // Who asks only now, with any of them, gets the one whose session lives.
      Heard<Session> later = new Heard<>();
      keeper.inEachSession(each -> tellSession(later, each));
      assertThat(later.all()).containsExactly(first.all().get(1));
      assertThat(second.all()).isEqualTo(first.all());
    }
  }

  private static AutoCloseable tellSession(Heard<Session> sessions, Session session) {
    sessions.add(session);
    return () -> {};
  }

  @Test
  void closingTheKeeperEndsTheSessionThatTookTheLostOnesPlace() {
    Heard<Session> sessions = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellSession(sessions, each));
      end(keeper);
      awaitNumber(sessions, 2);
    }
    assertThat(
            database.queryString(
                "SELECT count(*)::text FROM ${schema}.session WHERE id = "
                    + sessions.all().get(1).id()))
        .isEqualTo("0");
  }

  @Test
  void theCallAfterOneThatWasRefusedIsDoneInTheNextSession() {
    try (Keeper keeper = connect()) {
      // It may be done before the keeper has heard of the end of its session, or after it.
      for (int round = 1; round <= 2; round++) {
        String path = "/present-" + round;
        Session ended = keeper.session();
        end(ended);
        if (round == 1) {
          assertThatThrownBy(() -> keeper.tree().create(path, new byte[0], CreateMode.EPHEMERAL))
              .isInstanceOf(KeeperException.SessionExpired.class);
        } else {
          Await.until("it is lost", () -> ended.state() == SessionState.LOST);
        }
        keeper.tree().create(path, new byte[0], CreateMode.EPHEMERAL);
        assertThat(keeper.tree().stat(path).ephemeralOwner()).isEqualTo(keeper.session().id());
        assertThat(keeper.session()).isNotSameAs(ended);
        assertThat(ended.state()).as("it never comes back").isEqualTo(SessionState.LOST);
        assertThatThrownBy(() -> ended.tree().exists(path))
            .isInstanceOf(KeeperException.SessionExpired.class);
      }
      assertThat(keeper.state()).isEqualTo(SessionState.HELD);
      assertThat(keeper.health().isReady()).isTrue();
    }
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
      Session first = keeper.session();
      Subscription subscription =
          keeper.inEachSession(
              each -> {
                if (each != first) {
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
      Heard<Session> sessions = new Heard<>();
      keeper.inEachSession(each -> tellSession(sessions, each));
      end(keeper);
      awaitNumber(sessions, 2);
      assertThat(times).hasValue(1);
    }
  }

  @Test
  void whatFindsItsSessionEndedBeforeTheKeeperHeardOfItIsBegunInTheNext() {
    AtomicInteger times = new AtomicInteger();
    try (Keeper keeper = connect()) {
      Session first = keeper.session();
      keeper.inEachSession(
          each -> {
            if (each == first) {
              end(first);
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
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void theNextSessionIsOpenedThoughNobodyStandsForIt() {
    Heard<SessionState> states = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.onStateChange(states::add);
      Session lost = keeper.session();
      AtomicInteger ends = new AtomicInteger();
      lost.onEnd(ends::incrementAndGet);
      end(lost);
      states.await(SessionState.HELD);
      lost.onEnd(ends::incrementAndGet);
      Await.until("told of its end, before and after it", () -> ends.get() == 2);
      assertThat(states.all()).containsExactly(SessionState.LOST, SessionState.HELD);
    }
  }

  @Test
  void aLostSessionLeavesNoConnectionBehind() {
    Heard<Session> sessions = new Heard<>();
    try (Keeper keeper = connect()) {
      keeper.inEachSession(each -> tellSession(sessions, each));
      for (List<Session> seen = sessions.all(); seen.size() < 4; seen = sessions.all()) {
        end(seen.get(seen.size() - 1));
        awaitNumber(sessions, seen.size() + 1);
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

  @Test
  void theNextSessionIsTriedForUntilItIsThereAndCallsSayMeanwhileWhyItIsNot() {
    Heard<SessionState> states = new Heard<>();
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withOperationTimeout(Duration.ofMillis(300));
    try (Keeper keeper = Keeper.connect(database.dataSource(), options)) {
      keeper.onStateChange(states::add);
      database.execute("ALTER FUNCTION ${schema}.session_open RENAME TO session_open_away");
      try {
        end(keeper);
        states.await(SessionState.LOST);
        KeeperException.ConnectionLoss told = refusal(keeper);
        while (told.getCause() == null) { // the first attempt may still be under way
          told = refusal(keeper);
        }
        assertThat(told)
            .hasMessageContaining("no other one could be opened within PT0.3S")
            .hasMessageContaining("session_open")
            .hasMessageContaining("goes on trying");
        assertThat(keeper.state()).isEqualTo(SessionState.LOST);
        assertThat(keeper.health().state()).isEqualTo(SessionState.LOST);
        assertThat(keeper.health().isReady()).isFalse();
        assertThat(states.all()).containsExactly(SessionState.LOST);
      } finally {
        database.execute("ALTER FUNCTION ${schema}.session_open_away RENAME TO session_open");
      }
      states.await(SessionState.HELD);
      assertThat(keeper.tree().exists("/")).isPresent();
      assertThat(keeper.health().isReady()).isTrue();
    }
  }

  private static KeeperException.ConnectionLoss refusal(Keeper keeper) {
    return catchThrowableOfType(
        KeeperException.ConnectionLoss.class, () -> keeper.tree().exists("/"));
  }

  /** Whoever waits for a session may be interrupted, and a keeper that has none can be closed. */
  @Test
  void whoWaitsForASessionCanBeInterruptedAndIsToldWhenTheKeeperIsClosed() throws Exception {
    Keeper keeper = connect();
    Heard<SessionState> states = new Heard<>();
    keeper.onStateChange(states::add);
    database.execute("ALTER FUNCTION ${schema}.session_open RENAME TO session_open_away");
    try {
      end(keeper);
      states.await(SessionState.LOST);
      Heard<Throwable> told = new Heard<>();
      Thread interrupted = waiting(keeper, told);
      Thread waits = waiting(keeper, told);
      Await.until("both wait", () -> isParked(interrupted) && isParked(waits));
      interrupted.interrupt();
      told.await(why -> why instanceof KeeperException.ConnectionLoss);
      keeper.close();
      told.await(why -> why instanceof IllegalStateException);
      assertThat(keeper.state()).isEqualTo(SessionState.CLOSED);
      assertThat(keeper.health().state()).isEqualTo(SessionState.CLOSED);
    } finally {
      database.execute("ALTER FUNCTION ${schema}.session_open_away RENAME TO session_open");
    }
  }

  private static Thread waiting(Keeper keeper, Heard<Throwable> told) {
    Thread thread =
        new Thread(
            () -> {
              try {
                keeper.tree().exists("/");
              } catch (RuntimeException e) {
                told.add(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static boolean isParked(Thread thread) {
    return thread.getState() == Thread.State.TIMED_WAITING;
  }
}
