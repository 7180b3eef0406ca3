package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.DataTooLargeException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.KeeperProcess;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TwoClients;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ServiceRegistryTest extends TwoClients {
  private static final ServiceInstance ONE = ServiceInstance.at("10.0.0.1", 8080).withId("one");
  private static final ServiceInstance TWO = ServiceInstance.at("10.0.0.2", 8080).withId("two");

  private static void endSession(long session) {
    database.execute("SELECT ${schema}.session_end(" + session + ")");
  }

  private static void awaitKnown(Discovery discovery, ServiceInstance... instances) {
    Await.until(
        () -> discovery + " knows " + List.of(instances) + ", not " + discovery.instances(),
        () -> discovery.instances().equals(List.of(instances)));
  }

  @Test
  void whatIsRegisteredIsFoundByOthersUntilItIsUnregistered() {
    ServiceRegistry registry = other.services("/services");
    ServiceInstance full =
        ONE.withWeight(7).withMetadata(Map.of("zone", "eu-1", "version", "1.2")).down();
    try (Discovery discovery = registry.discover("invoices")) {
      assertThat(discovery.instances()).isEmpty();
      Registration registration = keeper.services("/services").register("invoices", full);
      assertThat(registration.isThere()).isTrue();
      assertThat(registry.instances("invoices")).containsExactly(full);
      awaitKnown(discovery, full);
      assertThat(registry.services()).contains("invoices");
      registration.close();
      assertThat(registry.instances("invoices")).isEmpty();
      awaitKnown(discovery);
      registration.close();
    }
    assertThat(other.services("/nowhere").services()).isEmpty();
    assertThat(registry.instances("nothing")).isEmpty();
  }

  @Test
  void aDiscoveryBeginsWithAllThatAreThere() {
    ServiceRegistry registry = keeper.services("/many");
    List<Registration> registrations = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      registrations.add(registry.register("a", ServiceInstance.at("10.0.0.1", 1000 + i)));
    }
    try (Discovery discovery = other.services("/many").discover("a")) {
      assertThat(discovery.instances())
          .containsExactlyInAnyOrderElementsOf(
              registrations.stream().map(Registration::instance).toList());
    }
    registrations.forEach(Registration::close);
  }

  @Test
  void anUpdateReachesThoseWhoChoose() {
    try (Registration one = keeper.services("/update").register("a", ONE);
        Registration two = keeper.services("/update").register("a", TWO);
        Discovery discovery = other.services("/update").discover("a")) {
      one.update(instance -> instance.down().withMetadata("why", "deployment"));
      awaitKnown(discovery, ONE.down().withMetadata("why", "deployment"), TWO);
      assertThat(discovery.choose(Choice.ROUND_ROBIN)).contains(TWO);
      assertThat(discovery.choose(Choice.ROUND_ROBIN)).contains(TWO);
      one.update(instance -> instance.up().withWeight(3));
      two.update(instance -> instance.withWeight(0));
      awaitKnown(discovery, one.instance(), two.instance());
      assertThat(discovery.choose(Choice.WEIGHTED)).contains(one.instance());
    }
  }

  @Test
  void anUpdateKeepsTheId() {
    try (Registration one = keeper.services("/id").register("a", ONE)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> one.update(instance -> TWO))
          .withMessageContainingAll("/id/a/one", "two");
      assertThat(one.instance()).isEqualTo(ONE);
    }
  }

  @Test
  void anUpdateThatCannotBeRegisteredChangesNothing() {
    try (Registration one = keeper.services("/large").register("a", ONE)) {
      String large = "x".repeat(1 << 20);
      assertThatThrownBy(() -> one.update(instance -> instance.withMetadata("large", large)))
          .isInstanceOf(DataTooLargeException.class);
      assertThat(one.instance()).isEqualTo(ONE);
      assertThat(other.services("/large").instances("a")).containsExactly(ONE);
    }
  }

  @Test
  void listenersAreToldWhatIsThereFirstAndThenEveryLastState() {
    try (Registration one = keeper.services("/told").register("a", ONE);
        Discovery discovery = other.services("/told").discover("a")) {
      Heard<List<ServiceInstance>> heard = new Heard<>();
      Subscription subscription = discovery.onChange(heard::add);
      heard.await(List.of(ONE));
      assertThat(heard.all().get(0)).containsExactly(ONE);
      Registration two = keeper.services("/told").register("a", TWO);
      heard.await(List.of(ONE, TWO));
      subscription.close();
      two.close();
      awaitKnown(discovery, ONE);
      assertThat(heard.all()).last().isEqualTo(List.of(ONE, TWO));
    }
  }

  @Test
  void aListenerThatBlocksOrFailsKeepsNobodyWaiting() {
    CountDownLatch never = new CountDownLatch(1);
    Heard<Throwable> errors = new Heard<>();
    Heard<List<ServiceInstance>> heard = new Heard<>();
    try (Discovery discovery = other.services("/blocked").discover("a")) {
      discovery.onError(errors::add);
      discovery.onChange(
          instances -> {
            try {
              never.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      discovery.onChange(
          instances -> {
            throw new IllegalStateException("no");
          });
      discovery.onChange(heard::add);
      try (Registration one = keeper.services("/blocked").register("a", ONE)) {
        heard.await(List.of(one.instance()));
        awaitKnown(discovery, ONE);
        assertThat(errors.await(e -> true)).hasMessage("no");
      }
    } finally {
      never.countDown();
    }
  }

  @Test
  void itIsRegisteredAgainOnceAfterALostSession() {
    try (Keeper owner = database.keeper();
        Registration one = owner.services("/again").register("a", ONE);
        Discovery discovery = other.services("/again").discover("a")) {
      one.update(instance -> instance.withWeight(5));
      for (int i = 0; i < 3; i++) {
        Stat before = keeper.tree().stat("/again/a/one");
        endSession(before.ephemeralOwner());
        Await.until(
            "registered again",
            () ->
                keeper
                    .tree()
                    .exists("/again/a/one")
                    .filter(now -> now.czxid() > before.czxid())
                    .isPresent());
        awaitKnown(discovery, ONE.withWeight(5));
        assertThat(keeper.tree().children("/again/a")).containsExactly("one");
      }
    }
  }

  /** Registrations of the older libraries were there twice after a reconnect. */
  @Test
  void aReconnectDoesNotDoubleIt() {
    try (Keeper owner = database.keeper();
        Registration one = owner.services("/double").register("a", ONE);
        Discovery discovery = other.services("/double").discover("a")) {
      long created = keeper.tree().stat("/double/a/one").czxid();
      Heard<List<ServiceInstance>> heard = new Heard<>();
      discovery.onChange(heard::add);
      for (int i = 0; i < 5; i++) {
        SessionLog.reconnect(database, owner);
      }
      int weight = 9;
      one.update(instance -> instance.withWeight(weight));
      heard.await(List.of(ONE.withWeight(weight)));
      assertThat(heard.all()).allSatisfy(told -> assertThat(told).hasSizeLessThan(2));
      assertThat(keeper.tree().children("/double/a")).containsExactly("one");
      assertThat(keeper.tree().stat("/double/a/one").czxid()).isEqualTo(created);
    }
  }

  @Test
  void itIsRegisteredAgainWhenOthersDeleteIt() {
    try (Registration one = keeper.services("/deleted").register("a", ONE);
        Discovery discovery = other.services("/deleted").discover("a")) {
      long before = other.tree().stat("/deleted/a/one").czxid();
      other.tree().delete("/deleted/a/one");
      Await.until(
          "registered again",
          () -> other.tree().exists("/deleted/a/one").filter(s -> s.czxid() > before).isPresent());
      awaitKnown(discovery, one.instance());
    }
  }

  @Test
  void whoeverIsKilledIsGoneWithItsSession() throws Exception {
    try (Discovery discovery = other.services("/killed").discover("a")) {
      KeeperProcess process =
          KeeperProcess.start(database, database.keeperOptions(), "/killed/a/one");
      try {
        keeper.tree().set("/killed/a/one", InstanceText.encode(ONE));
        awaitKnown(discovery, ONE);
        process.process().kill9();
        awaitKnown(discovery);
      } finally {
        process.close();
      }
    }
  }

  @Test
  void whoFollowsGoesOnAfterItsOwnLostSession() {
    try (Keeper follower = database.keeper();
        Registration one = keeper.services("/follower").register("a", ONE);
        Discovery discovery = follower.services("/follower").discover("a")) {
      endSession(follower.session().id());
      assertThat(discovery.instances()).containsExactly(ONE);
      try (Registration two = keeper.services("/follower").register("a", TWO)) {
        awaitKnown(discovery, ONE, TWO);
        one.update(instance -> instance.withWeight(2));
        awaitKnown(discovery, ONE.withWeight(2), two.instance());
      }
      awaitKnown(discovery, ONE.withWeight(2));
    }
  }

  @Test
  void aDeletionAndANewRegistrationWithTheSameVersionIsSeen() {
    try (Discovery discovery = other.services("/anew").discover("a")) {
      for (int i = 1; i <= 20; i++) {
        ServiceInstance next = ONE.withWeight(i);
        Registration registration = keeper.services("/anew").register("a", next);
        awaitKnown(discovery, next);
        registration.close();
      }
    }
  }

  @Test
  void whatIsNoInstanceIsReportedAndPassedOver() {
    Heard<Throwable> errors = new Heard<>();
    try (Registration one = keeper.services("/strange").register("a", ONE);
        Discovery discovery = other.services("/strange").discover("a")) {
      discovery.onError(errors::add);
      keeper.tree().create("/strange/a/broken", "x".getBytes(StandardCharsets.UTF_8));
      assertThat(errors.await(e -> true)).hasMessageContaining("/strange/a/broken");
      assertThat(discovery.instances()).containsExactly(one.instance());
      assertThat(other.services("/strange").instances("a")).containsExactly(ONE);
    }
  }

  @Test
  void aSecondOneOfTheSameIdWaitsUntilTheFirstHasGone() throws Exception {
    Registration first = keeper.services("/same").register("a", ONE);
    try (Registration second = other.services("/same").register("a", ONE.withWeight(2))) {
      assertThat(second.isThere()).isFalse();
      assertThat(keeper.services("/same").instances("a")).containsExactly(ONE);
      first.close();
      assertThat(second.awaitThere(Await.LIMIT)).isTrue();
      assertThat(keeper.services("/same").instances("a")).containsExactly(ONE.withWeight(2));
    }
  }

  @Test
  void callsAreCountedAndFailuresLeftOut() {
    ServiceRegistry registry = other.services("/calls").leavingOutFor(Duration.ofHours(1));
    try (Registration one = keeper.services("/calls").register("a", ONE);
        Registration two = keeper.services("/calls").register("a", TWO);
        Discovery discovery = registry.discover("a");
        ServiceCall first = discovery.open(Choice.LEAST_CONNECTIONS).orElseThrow();
        ServiceCall second = discovery.open(Choice.LEAST_CONNECTIONS).orElseThrow()) {
      assertThat(List.of(first.instance(), second.instance())).contains(ONE, TWO);
      discovery.reportFailing(ONE);
      assertThat(discovery.choose(Choice.LEAST_CONNECTIONS)).contains(TWO);
      assertThat(discovery.openFor("key").map(ServiceCall::instance)).contains(TWO);
      assertThat(discovery.chooseFor("key")).contains(TWO);
      assertThat(one.isThere() && two.isThere()).isTrue();
    }
    try (Discovery nobody = registry.discover("nobody")) {
      assertThat(nobody.open(Choice.RANDOM)).isEqualTo(Optional.empty());
      assertThat(nobody.openFor("key")).isEqualTo(Optional.empty());
    }
  }

  @Test
  void zeroPauseLeavesNobodyOut() {
    try (Registration one = keeper.services("/pause").register("a", ONE);
        Registration two = keeper.services("/pause").register("a", TWO);
        Discovery discovery = other.services("/pause").leavingOutFor(Duration.ZERO).discover("a")) {
      discovery.reportFailing(one.instance());
      assertThat(discovery.choose(Choice.ROUND_ROBIN)).contains(one.instance());
      assertThat(discovery.choose(Choice.ROUND_ROBIN)).contains(two.instance());
    }
  }

  @Test
  void badInputIsRefusedWithWhatToDo() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ServiceInstance.at(" ", 80).withId("a"))
        .withMessageContainingAll("host", "name the host");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ServiceInstance.at("", 80))
        .withMessageContaining("host");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ONE.withWeight(-1))
        .withMessageContainingAll("weight", "one", "-1", "use 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ServiceInstance.at("a", 0))
        .withMessageContainingAll("port", "0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ServiceInstance.at("a", 65_536))
        .withMessageContaining("65536");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ONE.withId("a/b"))
        .withMessageContaining("a/b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ONE.withMetadata("", "x"))
        .withMessageContaining("empty key");
    ServiceRegistry registry = keeper.services("/bad");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> registry.discover("a/b"))
        .withMessageContaining("a/b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> registry.register("", ONE))
        .withMessageContaining("/bad");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> registry.leavingOutFor(Duration.ofSeconds(-1)))
        .withMessageContaining("/bad");
  }

  @Test
  void metadataDoNotGetIntoALog() {
    assertThat(ONE.withMetadata("password", "secret").toString()).doesNotContain("secret");
  }

  @Test
  void underChangesWhatIsKnownBecomesWhatIsInTheDatabase() {
    Random random = new Random(7);
    try (Keeper follower = database.keeper();
        Discovery discovery = follower.services("/storm").discover("a")) {
      List<Registration> open = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        int die = random.nextInt(10);
        if (die < 4 || open.isEmpty()) {
          open.add(
              (random.nextBoolean() ? keeper : other)
                  .services("/storm")
                  .register("a", ServiceInstance.at("h", 1 + i)));
        } else if (die < 7) {
          int weight = i;
          open.get(random.nextInt(open.size())).update(one -> one.withWeight(weight));
        } else if (die < 9) {
          open.remove(random.nextInt(open.size())).close();
        } else if (random.nextInt(4) == 0) {
          SessionLog.terminateBackendOf(database, follower.session().id());
        }
      }
      List<ServiceInstance> there = keeper.services("/storm").instances("a");
      assertThat(there).hasSameSizeAs(open);
      awaitKnown(discovery, there.toArray(ServiceInstance[]::new));
      open.forEach(Registration::close);
      awaitKnown(discovery);
    }
    assertThat(keeper.tree().children("/storm/a")).isEmpty();
  }

  @Test
  void aRegistryMayBeAtTheRoot() {
    Tree tree = keeper.tree();
    try (Registration one = keeper.services("/").register("rooted", ONE);
        Discovery discovery = other.services("/").discover("rooted")) {
      assertThat(tree.children("/rooted")).containsExactly(one.instance().id());
      awaitKnown(discovery, ONE);
    }
  }
}
