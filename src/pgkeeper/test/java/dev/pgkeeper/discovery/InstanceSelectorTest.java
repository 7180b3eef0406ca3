package dev.pgkeeper.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Choices, without a database. */
class InstanceSelectorTest {
  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
  private final InstanceSelector selector = new InstanceSelector(PAUSE, clock::get);

  private static ServiceInstance instance(String id) {
    return ServiceInstance.at("10.0.0.1", 80).withId(id);
  }

  private void knows(ServiceInstance... instances) {
    selector.become(List.of(instances));
  }

  private void knows(String... ids) {
    selector.become(Stream.of(ids).map(InstanceSelectorTest::instance).toList());
  }

  private String choose(Choice how) {
    return selector.choose(how).map(entry -> entry.instance().id()).orElse("nobody");
  }

  private List<String> choose(Choice how, int times) {
    return Stream.generate(() -> choose(how)).limit(times).toList();
  }

  private Map<String, Integer> shares(Choice how, int times) {
    Map<String, Integer> shares = new TreeMap<>();
    choose(how, times).forEach(id -> shares.merge(id, 1, Integer::sum));
    return shares;
  }

  private String chooseFor(String key) {
    return selector.chooseFor(key).map(entry -> entry.instance().id()).orElse("nobody");
  }

  @Test
  void roundRobinTakesOneAfterTheOther() {
    knows("a", "b", "c");
    assertThat(choose(Choice.ROUND_ROBIN, 7)).containsExactly("a", "b", "c", "a", "b", "c", "a");
  }

  @Test
  void roundRobinGoesOnWhereAnIntegerOverflows() {
    for (int last : new int[] {Integer.MAX_VALUE - 2, Integer.MAX_VALUE - 1, Integer.MAX_VALUE}) {
      RoundRobin turns = new RoundRobin(last);
      List<Integer> taken = IntStream.range(0, 9).mapToObj(i -> turns.next(3)).toList();
      assertThat(taken).containsExactly(0, 1, 2, 0, 1, 2, 0, 1, 2);
    }
  }

  @Test
  void roundRobinGivesThreadsTheirTurnsOnce() throws Exception {
    knows("a", "b", "c", "d");
    List<CompletableFuture<Map<String, Integer>>> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(Futures.onThread(() -> shares(Choice.ROUND_ROBIN, 50_000)));
    }
    Map<String, Integer> all = new TreeMap<>();
    for (CompletableFuture<Map<String, Integer>> thread : threads) {
      Futures.soon(thread).forEach((id, number) -> all.merge(id, number, Integer::sum));
    }
    assertThat(all).isEqualTo(Map.of("a", 50_000, "b", 50_000, "c", 50_000, "d", 50_000));
  }

  @Test
  void roundRobinSharesOutEvenlyWhatOneThatIsLeftOutDoesNotGet() {
    knows("a", "b", "c");
    selector.fails("b");
    assertThat(shares(Choice.ROUND_ROBIN, 10)).isEqualTo(Map.of("a", 5, "c", 5));
  }

  @Test
  void randomTakesEveryOneAboutAsOften() {
    knows("a", "b", "c", "d");
    assertThat(shares(Choice.RANDOM, 40_000).values())
        .hasSize(4)
        .allSatisfy(number -> assertThat(number).isBetween(9_000, 11_000));
  }

  @Test
  void weightsSayHowOften() {
    knows(instance("a").withWeight(1), instance("b").withWeight(0), instance("c").withWeight(3));
    Map<String, Integer> shares = shares(Choice.WEIGHTED, 40_000);
    assertThat(shares).containsOnlyKeys("a", "c");
    assertThat(shares.get("a")).isBetween(9_000, 11_000);
  }

  @Test
  void oneWithoutWeightIsTakenIfNobodyHasAny() {
    knows(instance("a").withWeight(0), instance("b").withWeight(0));
    assertThat(shares(Choice.WEIGHTED, 1000)).containsOnlyKeys("a", "b");
  }

  @Test
  void theFewestOpenCallsAreThoseThatWereOpenedAndNotClosed() {
    knows("a", "b", "c");
    List<ServiceCall> calls = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      calls.add(new ServiceCall(selector, selector.choose(Choice.LEAST_CONNECTIONS).orElseThrow()));
    }
    List<String> called = calls.stream().map(call -> call.instance().id()).toList();
    assertThat(called).containsExactlyInAnyOrder("a", "a", "b", "b", "c", "c");
    ServiceCall first = calls.get(0);
    first.close();
    first.close(); // counts once
    assertThat(choose(Choice.LEAST_CONNECTIONS, 5)).containsOnly(first.instance().id());
    selector.choose(Choice.LEAST_CONNECTIONS).orElseThrow().opened();
    assertThat(choose(Choice.LEAST_CONNECTIONS, 6)).contains("a", "b", "c");
  }

  @Test
  void openCallsStayCountedWhenTheInstanceChanges() {
    knows("a", "b");
    ServiceCall call =
        new ServiceCall(selector, selector.choose(Choice.LEAST_CONNECTIONS).orElseThrow());
    String other = call.instance().id().equals("a") ? "b" : "a";
    knows(instance("a").withWeight(9), instance("b").withWeight(9));
    assertThat(choose(Choice.LEAST_CONNECTIONS, 4)).containsOnly(other);
    call.close();
    assertThat(choose(Choice.LEAST_CONNECTIONS, 4)).contains("a", "b");
  }

  @Test
  void aKeyStaysWithItsInstanceAsLongAsThatIsThere() {
    knows("a", "b", "c");
    Map<String, String> before = new TreeMap<>();
    IntStream.range(0, 300).forEach(i -> before.put("key" + i, chooseFor("key" + i)));
    assertThat(before.values()).contains("a", "b", "c");
    knows("a", "b", "c", "d", "e", "f"); // some are closer to these
    before.forEach((key, id) -> assertThat(chooseFor(key)).isEqualTo(id));
    knows("a", "c", "d", "e", "f");
    before.forEach(
        (key, id) -> {
          if (id.equals("b")) {
            assertThat(chooseFor(key)).isNotEqualTo("b");
          } else {
            assertThat(chooseFor(key)).isEqualTo(id);
          }
        });
  }

  @Test
  void anotherProcessChoosesTheSameOneForAKey() {
    InstanceSelector other = new InstanceSelector(PAUSE, System::nanoTime);
    knows("a", "b", "c", "d");
    other.become(Stream.of("d", "c", "b", "a").map(InstanceSelectorTest::instance).toList());
    for (int i = 0; i < 100; i++) {
      assertThat(other.chooseFor("key" + i).orElseThrow().instance().id())
          .isEqualTo(chooseFor("key" + i));
    }
  }

  @Test
  void aMillionKeysTakeNoMoreMemoryThanTheLastOnes() {
    StickyKeys<String> keys = new StickyKeys<>(1000);
    for (int i = 0; i < 100_000; i++) {
      keys.put("key" + i, "a");
      keys.get("key0"); // asked for again and again, so it stays
    }
    assertThat(keys.get("key0")).isEqualTo("a");
    assertThat(IntStream.range(0, 100_000).filter(i -> keys.get("key" + i) != null).count())
        .isBetween(1000L, 2001L);
  }

  @Test
  void oneThatFailsIsLeftOutForAWhile() {
    knows("a", "b", "c");
    selector.fails("b");
    for (Choice how : Choice.values()) {
      assertThat(choose(how, 50)).as("%s", how).contains("a", "c").doesNotContain("b");
    }
    assertThat(IntStream.range(0, 50).mapToObj(i -> chooseFor("key" + i))).doesNotContain("b");
    clock.addAndGet(PAUSE.toNanos() - 1);
    assertThat(choose(Choice.ROUND_ROBIN, 6)).doesNotContain("b");
    clock.addAndGet(1);
    assertThat(choose(Choice.ROUND_ROBIN, 6)).contains("b");
  }

  @Test
  void eachComesBackWhenItsOwnTimeIsOver() {
    knows("a", "b", "c");
    selector.fails("a");
    clock.addAndGet(PAUSE.toNanos() / 2);
    selector.fails("b");
    assertThat(choose(Choice.ROUND_ROBIN, 6)).containsOnly("c");
    clock.addAndGet(PAUSE.toNanos() / 2);
    assertThat(choose(Choice.ROUND_ROBIN, 6)).containsOnly("a", "c");
    clock.addAndGet(PAUSE.toNanos() / 2);
    assertThat(choose(Choice.ROUND_ROBIN, 6)).containsOnly("a", "b", "c");
  }

  @Test
  void notAllOfThemAreLeftOut() {
    knows("a", "b");
    selector.fails("a");
    selector.fails("b");
    assertThat(choose(Choice.ROUND_ROBIN, 4)).contains("a", "b");
    clock.addAndGet(PAUSE.toNanos());
    selector.fails("a");
    assertThat(choose(Choice.ROUND_ROBIN, 4)).containsOnly("b");
  }

  @Test
  void aCallThatFailedLeavesItsInstanceOut() {
    knows("a", "b");
    try (ServiceCall call =
        new ServiceCall(selector, selector.choose(Choice.ROUND_ROBIN).orElseThrow())) {
      call.failed();
      assertThat(choose(Choice.ROUND_ROBIN, 4)).doesNotContain(call.instance().id());
    }
  }

  @Test
  void oneThatIsDownIsNotChosenEvenIfItIsTheLast() {
    knows(instance("a"), instance("b").down());
    assertThat(choose(Choice.ROUND_ROBIN, 4)).containsOnly("a");
    selector.fails("a");
    assertThat(choose(Choice.RANDOM, 4)).containsOnly("a");
    knows(instance("a").down(), instance("b").down());
    assertThat(choose(Choice.ROUND_ROBIN)).isEqualTo("nobody");
    assertThat(chooseFor("key")).isEqualTo("nobody");
  }

  @Test
  void nobodyIsChosenWhereNobodyIs() {
    for (Choice how : Choice.values()) {
      assertThat(choose(how)).isEqualTo("nobody");
    }
    assertThat(chooseFor("key")).isEqualTo("nobody");
  }
}
