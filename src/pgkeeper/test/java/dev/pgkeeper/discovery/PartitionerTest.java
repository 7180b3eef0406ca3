package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.Recipes;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TwoClients;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class PartitionerTest extends TwoClients {
  private static final List<String> SHARDS =
      IntStream.range(0, 12).mapToObj(i -> "shard-" + i).toList();

  /** Notes what it is told, and that it is told of one thing after the other. */
  private static final class Owner implements PartitionListener {
    final Map<String, Held> owned = new ConcurrentHashMap<>();
    final Set<String> heldAtItsEnd = ConcurrentHashMap.newKeySet();
    final Heard<String> heard = new Heard<>();
    final List<String> wrong = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void onAcquired(String element, Held held) {
      if (owned.putIfAbsent(element, held) != null) {
        wrong.add(element + " acquired twice");
      }
      heard.add("acquired " + element);
    }

    @Override
    public void onRelease(String element) {
      Held held = owned.remove(element);
      if (held != null && held.isHeld()) {
        heldAtItsEnd.add(element);
      } else if (held == null) {
        wrong.add(element + " released without being acquired");
      }
      heard.add("released " + element);
    }
  }

  private static void awaitShared(Collection<String> elements, Owner... owners) {
    Await.until(
        () ->
            "all are shared out, not "
                + Stream.of(owners).map(owner -> owner.owned.keySet()).toList(),
        () -> {
          List<String> owned = new ArrayList<>();
          Stream.of(owners).forEach(owner -> owned.addAll(owner.owned.keySet()));
          int least = elements.size() / owners.length;
          return owned.size() == elements.size()
              && new HashSet<>(owned).containsAll(elements)
              && Stream.of(owners)
                  .allMatch(
                      owner -> owner.owned.size() - least >= 0 && owner.owned.size() - least <= 1);
        });
    for (Owner owner : owners) {
      assertThat(owner.wrong).isEmpty();
    }
  }

  @Test
  void everyElementIsSharedOutAndMovesWhenMembersComeAndGo() {
    Owner ada = new Owner();
    Owner bob = new Owner();
    Owner eve = new Owner();
    try (Participation one = keeper.partitioner("/come", SHARDS).join("ada", ada)) {
      awaitShared(SHARDS, ada);
      Participation two = other.partitioner("/come", SHARDS).join("bob", bob);
      awaitShared(SHARDS, ada, bob);
      Set<String> before = Set.copyOf(bob.owned.keySet());
      try (Participation three = keeper.partitioner("/come", SHARDS).join("eve", eve)) {
        awaitShared(SHARDS, ada, bob, eve);
        Await.until(
            "all know", () -> one.owned().size() + two.owned().size() + three.owned().size() == 12);
        assertThat(three.owned().keySet()).isEqualTo(eve.owned.keySet());
      }
      awaitShared(SHARDS, ada, bob);
      assertThat(bob.owned.keySet()).isEqualTo(before);
      two.close();
      assertThat(bob.owned).isEmpty();
      assertThat(two.owned()).isEmpty();
      awaitShared(SHARDS, ada);
    }
    assertThat(ada.owned).isEmpty();
    assertThat(ada.wrong).isEmpty();
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.locks WHERE path LIKE '/come/%'"))
        .isZero();
  }

  @Test
  void anElementIsHandedOverOnlyAfterItsOwnerReturned() throws Exception {
    List<String> shards = List.of("a", "b");
    CountDownLatch mayReturn = new CountDownLatch(1);
    Heard<String> releasing = new Heard<>();
    Map<String, Held> holds = new ConcurrentHashMap<>();
    PartitionListener slow =
        new PartitionListener() {
          @Override
          public void onAcquired(String element, Held held) {
            holds.put(element, held);
          }

          @Override
          public void onRelease(String element) {
            releasing.add(element);
            try {
              mayReturn.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    Owner bob = new Owner();
    try (Participation one = keeper.partitioner("/slow", shards).join("ada", slow)) {
      Await.until("ada owns both", () -> holds.size() == 2);
      try (Participation two = other.partitioner("/slow", shards).join("bob", bob)) {
        String moving = releasing.await(element -> true);
        Recipes.awaitRowsBelow(database, "/slow/elements/" + moving, 2); // bob waits in the line
        assertThat(bob.owned).isEmpty();
        assertThat(holds.get(moving).isHeld()).isTrue();
        mayReturn.countDown();
        bob.heard.await("acquired " + moving);
        assertThatThrownBy(() -> holds.get(moving).inTransaction(connection -> {}))
            .isInstanceOf(KeeperException.NotHeld.class);
        assertThat(one.owned().keySet()).doesNotContain(moving);
        assertThat(two.id()).isEqualTo("bob");
      }
    }
  }

  @Test
  void elementsOfALostSessionAreTakenOverAndSharedAgainWhenItIsBack() {
    Owner ada = new Owner();
    Owner bob = new Owner();
    try (Keeper owner = database.keeper();
        Participation one = owner.partitioner("/lost", SHARDS).join("ada", ada);
        Participation two = other.partitioner("/lost", SHARDS).join("bob", bob)) {
      awaitShared(SHARDS, ada, bob);
      Map<String, Held> before = Map.copyOf(ada.owned);
      database.execute("SELECT ${schema}.session_end(" + owner.session().id() + ")");
      before.keySet().forEach(element -> ada.heard.await("released " + element));
      awaitShared(SHARDS, ada, bob);
      assertThat(ada.owned.keySet()).isEqualTo(before.keySet());
      before.forEach(
          (element, held) -> {
            assertThat(held.isHeld()).isFalse();
            assertThat(ada.owned.get(element).token()).isGreaterThan(held.token());
          });
      assertThat(one.owned()).hasSize(6);
      assertThat(two.owned()).hasSize(6);
    }
  }

  @Test
  void aBrokenConnectionMovesNothing() {
    Owner ada = new Owner();
    try (Keeper owner = database.keeper();
        Participation one = owner.partitioner("/broken", SHARDS).join("ada", ada)) {
      awaitShared(SHARDS, ada);
      for (int i = 0; i < 3; i++) {
        SessionLog.reconnect(database, owner);
      }
      assertThat(one.owned().keySet()).containsExactlyInAnyOrderElementsOf(SHARDS);
      assertThat(ada.heard.all()).hasSize(12);
    }
  }

  @Test
  void whatAnAdministratorTakesAwayIsOwnedAgain() {
    Owner ada = new Owner();
    try (Participation one = keeper.partitioner("/taken", List.of("a")).join("ada", ada)) {
      awaitShared(List.of("a"), ada);
      Held before = ada.owned.get("a");
      other.tree().deleteRecursive("/taken/elements/a");
      ada.heard.await("released a");
      Await.until("owned again", () -> one.owned().containsKey("a"));
      assertThat(ada.owned.get("a").token()).isGreaterThan(before.token());
      assertThat(ada.wrong).isEmpty();
    }
  }

  @Test
  void whatAListenerThrowsIsReportedAndTheElementAskedForAgain() {
    Heard<Throwable> errors = new Heard<>();
    Heard<String> heard = new Heard<>();
    PartitionListener failing =
        new PartitionListener() {
          private final Set<String> failed = ConcurrentHashMap.newKeySet();

          @Override
          public void onAcquired(String element, Held held) {
            if (failed.add(element)) {
              throw new IllegalStateException("not yet " + element);
            }
            heard.add("acquired " + element);
          }

          @Override
          public void onRelease(String element) {
            heard.add("released " + element);
            throw new IllegalStateException("no end of " + element);
          }
        };
    try (Participation one = keeper.partitioner("/throws", List.of("a", "b")).join(failing)) {
      one.onError(errors::add);
      heard.await("acquired a");
      heard.await("acquired b");
      assertThat(heard.all()).hasSize(2);
      one.close();
      errors.await(e -> e.getMessage().equals("no end of a"));
      assertThat(heard.all()).contains("released a", "released b").hasSize(4);
    }
    assertThat(
            database.queryLong("SELECT count(*) FROM ${schema}.locks WHERE path LIKE '/throws/%'"))
        .isZero();
  }

  @Test
  void aSecondOneOfTheSameIdHasNoShareUntilTheFirstHasGone() {
    Owner first = new Owner();
    Owner second = new Owner();
    Owner bob = new Owner();
    try (Participation three = keeper.partitioner("/same", SHARDS).join("bob", bob)) {
      Participation one = keeper.partitioner("/same", SHARDS).join("ada", first);
      try (Participation two = other.partitioner("/same", SHARDS).join("ada", second)) {
        awaitShared(SHARDS, first, bob);
        assertThat(
                database.queryLong(
                    "SELECT count(*) FROM ${schema}.lock_waiters WHERE path LIKE '/same/%' AND session = "
                        + other.session().id()))
            .as("the second one stands in no line; the others may still be leaving some")
            .isZero();
        one.close();
        awaitShared(SHARDS, second, bob);
        assertThat(two.owned()).hasSize(6);
        assertThat(three.owned()).hasSize(6);
      }
    }
  }

  @Test
  void anotherSetIsReportedToBothOnce() {
    Heard<Throwable> errors = new Heard<>();
    Heard<Throwable> others = new Heard<>();
    try (Participation one =
            keeper.partitioner("/other", List.of("a", "b")).join("ada", new Owner());
        Participation two =
            other.partitioner("/other", List.of("a", "c")).join("bob", new Owner())) {
      one.onError(errors::add);
      two.onError(others::add);
      try (Participation three =
          keeper.partitioner("/other", List.of("d")).join("eve", new Owner())) {
        for (Heard<Throwable> told : List.of(errors, others)) {
          Throwable error = told.await(e -> e.getMessage().contains("eve"));
          assertThat(error).isInstanceOf(KeeperException.WrongRecipe.class);
          assertThat(error).hasMessageContainingAll("/other", "have all name the same");
        }
        assertThat(three.id()).isEqualTo("eve");
      }
      assertThat(errors.all().stream().filter(e -> e.getMessage().contains("eve"))).hasSize(1);
    }
  }

  /** A new version with more shards is started beside the old one. */
  @Test
  void whileSomeNameAnotherSetEachElementHasAnOwnerAndGoesOnToThoseThatStay() {
    List<String> more = Stream.concat(SHARDS.stream(), Stream.of("x", "y")).toList();
    Owner old = new Owner();
    Owner older = new Owner();
    Owner next = new Owner();
    try (Participation one = keeper.partitioner("/rolling", SHARDS).join("old", old);
        Participation two = keeper.partitioner("/rolling", SHARDS).join("older", older)) {
      awaitShared(SHARDS, old, older);
      try (Participation three = other.partitioner("/rolling", more).join("next", next)) {
        Await.until("what is new", () -> three.owned().keySet().equals(Set.of("x", "y")));
        SHARDS.forEach(shard -> Recipes.awaitRowsBelow(database, "/rolling/elements/" + shard, 2));
        assertThat(one.owned().size() + two.owned().size()).isEqualTo(12);
        one.close();
        two.close();
        awaitShared(more, next);
      }
    }
  }

  @Test
  void itMayBeAtTheRoot() {
    Owner ada = new Owner();
    try (Participation one = keeper.partitioner("/", List.of("a")).join("ada", ada)) {
      awaitShared(List.of("a"), ada);
      assertThat(keeper.partitioner("/", List.of("a")).members().stream().map(Member::id))
          .containsExactly(one.id());
    }
  }

  @Test
  void closingTheKeeperEndsAllInOrder() {
    Owner ada = new Owner();
    Keeper owner = database.keeper();
    owner.partitioner("/closed", SHARDS).join("ada", ada);
    awaitShared(SHARDS, ada);
    Map<String, Held> before = Map.copyOf(ada.owned);
    owner.close();
    assertThat(ada.heldAtItsEnd).containsExactlyInAnyOrderElementsOf(SHARDS);
    assertThat(before.values()).noneMatch(Held::isHeld);
  }

  @Test
  void moreMembersThanElementsLeavesSomeWithoutAny() {
    Owner ada = new Owner();
    Owner bob = new Owner();
    Owner eve = new Owner();
    try (Participation one = keeper.partitioner("/few", List.of("a", "b")).join("ada", ada);
        Participation two = other.partitioner("/few", List.of("a", "b")).join("bob", bob);
        Participation three = other.partitioner("/few", List.of("a", "b")).join("eve", eve)) {
      awaitShared(List.of("a", "b"), ada, bob, eve);
      assertThat(keeper.partitioner("/few", List.of("a")).members().stream().map(Member::id))
          .containsExactly(one.id(), two.id(), three.id());
    }
  }

  @Test
  void badInputIsRefusedWithWhatToDo() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keeper.partitioner("/bad", List.of()))
        .withMessageContainingAll("/bad", "0 elements", "use 1 to");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keeper.partitioner("/bad", List.of("a", "a")))
        .withMessageContainingAll("/bad", "twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keeper.partitioner("/bad", List.of("a/b")))
        .withMessageContainingAll("/bad", "a/b");
  }
}
