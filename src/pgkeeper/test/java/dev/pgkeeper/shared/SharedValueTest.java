package dev.pgkeeper.shared;

import static dev.pgkeeper.testing.Futures.onThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TwoClients;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class SharedValueTest extends TwoClients {
  private static SharedValue<String> at(String path) {
    return keeper.sharedValue(path, Codec.text(), "initial");
  }

  private static SharedValue<String> elsewhere(String path) {
    return other.sharedValue(path, Codec.text(), "initial");
  }

  private static void awaitLast(Heard<String> heard, String value) {
    Await.until(
        () -> value + " at the end of " + heard.all(),
        () -> !heard.all().isEmpty() && heard.all().get(heard.all().size() - 1).equals(value));
  }

  @Test
  void itIsTheInitialValueUntilSomebodySetsIt() {
    SharedValue<String> value = at("/value/deep/first");
    assertThat(value.get()).isEqualTo(Versioned.neverSet("initial"));
    assertThat(value.get().isSet()).isFalse();
    assertThat(value.set("one").version()).isZero();
    Versioned<String> two = elsewhere("/value/deep/first").set("two");
    assertThat(two.value()).isEqualTo("two");
    assertThat(two.version()).isEqualTo(1);
    assertThat(value.get()).isEqualTo(two);
    keeper.tree().delete("/value/deep/first");
    assertThat(value.get().isSet()).isFalse();
  }

  @Test
  void itIsSetOnlyIfNobodyChangedItSince() {
    SharedValue<String> value = at("/value/compared");
    Versioned<String> never = value.get();
    Versioned<String> one = value.compareAndSet(never, "one").orElseThrow();
    assertThat(value.compareAndSet(never, "again")).isEmpty();
    Versioned<String> two = value.compareAndSet(one, "two").orElseThrow();
    assertThat(two.version()).isEqualTo(one.version() + 1);
    assertThat(value.compareAndSet(one, "late")).isEmpty();
    assertThat(value.get()).isEqualTo(two);
    keeper.tree().delete("/value/compared");
    assertThat(value.compareAndSet(two, "gone")).isEmpty();
  }

  /** The trap: the version is the same, the value is another one. */
  @Test
  void oneThatWasDeletedAndSetAgainIsNotTheOneThatWasExpected() throws Exception {
    SharedValue<String> value = at("/value/again");
    Versioned<String> expected = value.set("one");
    keeper.tree().delete("/value/again");
    assertThat(elsewhere("/value/again").set("another").version()).isEqualTo(expected.version());
    assertThat(value.compareAndSet(expected, "two")).isEmpty();
    assertThat(value.get().value()).isEqualTo("another");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      assertThat(value.in(connection).compareAndSet(expected, "two")).isEmpty();
      assertThat(value.in(connection).compareAndSet(value.get(), "two")).isPresent();
      connection.commit();
    }
    assertThat(value.get().value()).isEqualTo("two");
  }

  @Test
  void anUpdateIsMadeOfWhatTheValueIsAtThatMoment() throws Exception {
    List<CompletableFuture<Integer>> running = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      SharedValue<String> value =
          thread % 2 == 0 ? at("/value/updated") : elsewhere("/value/updated");
      running.add(
          onThread(
              () -> {
                for (int i = 0; i < 25; i++) {
                  value.update(text -> text + "x");
                }
                return 25;
              }));
    }
    for (CompletableFuture<Integer> one : running) {
      one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(at("/value/updated").get().value()).isEqualTo("initial" + "x".repeat(200));
    assertThat(at("/value/updated").get().version()).isEqualTo(199);
  }

  @Test
  void itIsSeenAndChangedByATransaction() throws Exception {
    SharedValue<String> value = at("/value/transaction");
    value.set("before");
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      value.in(connection).update(text -> text + " and after");
      assertThat(value.get().value()).isEqualTo("before");
      connection.commit();
    }
    assertThat(value.get().value()).isEqualTo("before and after");
  }

  @Test
  void whatCannotBeReadIsSaidWithItsPathAndNotShown() {
    keeper.counter("/value/unreadable").set(1);
    SharedValue<String> value = keeper.sharedValue("/value/unreadable", broken(), "initial");
    assertThatThrownBy(value::get)
        .isInstanceOf(KeeperException.Unreadable.class)
        .hasMessageContaining("/value/unreadable");
    assertThat(new Versioned<>("secret", 1, 2).toString()).doesNotContain("secret");
  }

  /** Reads everything but what begins with 1. */
  private static Codec<String> broken() {
    return new Codec<>() {
      @Override
      public byte[] encode(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
      }

      @Override
      public String decode(byte[] bytes) {
        if (bytes[0] == '1') {
          throw new IllegalArgumentException("broken");
        }
        return new String(bytes, StandardCharsets.UTF_8);
      }
    };
  }

  @Test
  void whoListensHearsThePresentValueFirstAndThenEachThatStays() {
    SharedValue<String> value = at("/value/heard");
    Heard<String> heard = new Heard<>();
    try (Subscription listening = value.onChange(now -> heard.add(now.value()))) {
      awaitLast(heard, "initial");
      elsewhere("/value/heard").set("one");
      awaitLast(heard, "one");
      keeper.tree().delete("/value/heard");
      awaitLast(heard, "initial");
      // The same version as before, of another node.
      elsewhere("/value/heard").set("two");
      awaitLast(heard, "two");
      assertThat(heard.all()).containsExactly("initial", "one", "initial", "two");
      assertThat(listening).isNotNull();
    }
    Heard<String> later = new Heard<>();
    try (Subscription listening = value.onChange(now -> later.add(now.value()))) {
      awaitLast(later, "two");
      value.set("three");
      awaitLast(later, "three");
      assertThat(listening).isNotNull();
    }
    assertThat(heard.all()).as("after it was closed").doesNotContain("three");
  }

  @Test
  void aListenerThatFailsAndAValueThatCannotBeReadDoNotEndTheListening() {
    SharedValue<String> value = keeper.sharedValue("/value/failing", broken(), "initial");
    Heard<String> heard = new Heard<>();
    try (Subscription listening =
        value.onChange(
            now -> {
              heard.add(now.value());
              throw new IllegalStateException("for the test");
            })) {
      awaitLast(heard, "initial");
      value.set("1: nobody can read this");
      value.set("2");
      awaitLast(heard, "2");
      assertThat(listening).isNotNull();
    }
  }

  @Test
  void theListeningOutlivesABreakOfTheConnectionAndTheLossOfTheSession() {
    SharedValue<String> value = elsewhere("/value/survives");
    Heard<String> heard = new Heard<>();
    try (Keeper mine = database.keeper();
        Subscription listening =
            mine.sharedValue("/value/survives", Codec.text(), "initial")
                .onChange(now -> heard.add(now.value()))) {
      awaitLast(heard, "initial");
      SessionLog.terminateBackendOf(database, mine.session().id());
      value.set("after a break");
      awaitLast(heard, "after a break");
      database.execute("SELECT ${schema}.session_end(" + mine.session().id() + ")");
      value.set("after the loss");
      awaitLast(heard, "after the loss");
      value.set("and on");
      awaitLast(heard, "and on");
      assertThat(heard.all())
          .containsExactly("initial", "after a break", "after the loss", "and on");
      assertThat(listening).isNotNull();
    }
  }
}
