package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is there, where the server stops, crashes and comes back. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MembershipFaultTest {
  private static final ServiceInstance ONE = ServiceInstance.at("10.0.0.1", 8080).withId("one");
  private static final ServiceInstance TWO = ServiceInstance.at("10.0.0.2", 8080).withId("two");

  private static PrivateServer server;

  @BeforeAll
  static void open() {
    server = PrivateServer.start();
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static Keeper connect(TestDatabase database) {
    return Keeper.connect(
        database.plainDataSource(), KeeperOptions.defaults().withSchema(database.schema()));
  }

  private static void awaitKnown(Discovery discovery, ServiceInstance... instances) {
    Await.until(
        () -> "known are " + List.of(instances) + ", not " + discovery.instances(),
        () -> discovery.instances().equals(List.of(instances)));
  }

  @Test
  void aRegistrationSurvivesRestartsAndWhatIsKnownTheTimeBetween() {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper owner = connect(database);
        Keeper follower = connect(database);
        Registration one = owner.services("/services").register("a", ONE);
        Discovery discovery = follower.services("/services").discover("a")) {
      Heard<List<ServiceInstance>> heard = new Heard<>();
      discovery.onChange(heard::add);
      long created = owner.tree().stat("/services/a/one").czxid();
      for (int round = 0; round < 2; round++) {
        Heard<SessionState> states = new Heard<>();
        follower.onStateChange(states::add);
        if (round == 0) {
          server.stopFast();
        } else {
          server.kill9();
        }
        states.await(SessionState.JEOPARDY);
        assertThat(discovery.choose(Choice.ROUND_ROBIN)).contains(ONE);
        server.startAgain();
        states.await(SessionState.HELD);
      }
      assertThat(follower.tree().stat("/services/a/one").czxid()).isEqualTo(created);
      assertThat(heard.all()).allSatisfy(told -> assertThat(told).containsExactly(ONE));
      Await.until("the owner is back", () -> owner.session().isHeld());
      try (Registration two = owner.services("/services").register("a", TWO)) {
        awaitKnown(discovery, ONE, two.instance());
        one.update(instance -> instance.withWeight(2));
        awaitKnown(discovery, ONE.withWeight(2), TWO);
      }
      awaitKnown(discovery, ONE.withWeight(2));
    }
  }

  @Test
  void aSessionThatEndsWhileTheFollowerIsCutOffIsFoundOutAfterwards() {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper owner = connect(database);
        Keeper follower = connect(database);
        Registration one = owner.services("/services").register("a", ONE);
        Discovery discovery = follower.services("/services").discover("a")) {
      Heard<SessionState> states = new Heard<>();
      follower.onStateChange(states::add);
      database.execute(
          "SELECT ${schema}.session_end("
              + owner.session().id()
              + "), ${schema}.session_end("
              + follower.session().id()
              + ")");
      server.stopFast();
      server.startAgain();
      states.await(SessionState.LOST);
      one.update(instance -> instance.withWeight(2));
      awaitKnown(discovery, ONE.withWeight(2));
    }
  }

  @Test
  void whatIsKnownBecomesWhatIsInTheDatabaseWhateverHappened() {
    Random random = new Random(11);
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper owner = connect(database);
        Keeper follower = connect(database);
        Discovery discovery = follower.services("/services").discover("a")) {
      List<Registration> open = new ArrayList<>();
      for (int i = 0; i < 36; i++) {
        int die = random.nextInt(10);
        int weight = i;
        if (die < 5 || open.isEmpty()) {
          open.add(register(owner, ServiceInstance.at("h", 1 + i)));
        } else if (die < 8) {
          open.get(random.nextInt(open.size())).update(one -> one.withWeight(weight));
        } else {
          open.remove(random.nextInt(open.size())).close();
        }
        if (i % 40 == 10) {
          database.execute("SELECT ${schema}.session_end(id) FROM ${schema}.session");
        } else if (i % 40 == 20) {
          database.execute(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                  + " AND backend_type = 'client backend'");
        } else if (i % 80 == 30) {
          server.kill9();
          server.startAgain();
        }
      }
      ServiceInstance[] expected =
          open.stream()
              .map(Registration::instance)
              .sorted(Comparator.comparing(ServiceInstance::id))
              .toArray(ServiceInstance[]::new);
      awaitKnown(discovery, expected);
      try (Keeper reader = connect(database)) {
        assertThat(reader.services("/services").instances("a")).containsExactly(expected);
      }
    }
  }

  /** Its session may have ended, and it may not have been told of that yet. */
  private static Registration register(Keeper owner, ServiceInstance instance) {
    while (true) {
      try {
        return owner.services("/services").register("a", instance);
      } catch (KeeperException.SessionExpired e) {
        Await.pause(Duration.ofMillis(10));
      }
    }
  }

  @Test
  void whatWasOwnedBeforeARestartIsOwnedAfterIt() {
    Heard<String> heard = new Heard<>();
    PartitionListener listener =
        new PartitionListener() {
          @Override
          public void onAcquired(String element, Held held) {
            heard.add("acquired " + element);
          }

          @Override
          public void onRelease(String element) {
            heard.add("released " + element);
          }
        };
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper owner = connect(database);
        Participation one = owner.partitioner("/p", List.of("a", "b")).join("ada", listener)) {
      Await.until("owned", () -> one.owned().keySet().equals(Set.of("a", "b")));
      Heard<SessionState> states = new Heard<>();
      owner.onStateChange(states::add);
      server.stopFast();
      states.await(SessionState.JEOPARDY);
      server.startAgain();
      states.await(SessionState.HELD);
      assertThat(one.owned()).containsOnlyKeys("a", "b");
      one.owned().values().forEach(held -> held.inTransaction(connection -> {}));
      assertThat(heard.all()).containsExactlyInAnyOrder("acquired a", "acquired b");
    }
  }
}
