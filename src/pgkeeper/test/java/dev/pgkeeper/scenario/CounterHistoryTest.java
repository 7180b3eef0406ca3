package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.scenario.CounterHistory.Done;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said of histories of a counter that are known to be right or wrong. */
class CounterHistoryTest {
  @Test
  void aHistoryWithAFlawIsFound() {
    Done first = new Done(10, 20, 0, 5);
    Done second = new Done(15, 40, 5, 8);
    assertThat(new CounterHistory(List.of(first, second)).problems(8)).isEmpty();
    assertThat(new CounterHistory(List.of(first, second)).problems(11))
        .singleElement()
        .asString()
        .startsWith("the end is 11");
    assertThat(new CounterHistory(List.of(first, new Done(15, 40, 6, 8))).problems(8))
        .singleElement()
        .asString()
        .startsWith("lost before");
    assertThat(new CounterHistory(List.of(first, new Done(15, 40, 0, 5))).problems(5))
        .anyMatch(problem -> problem.startsWith("done twice"));
    assertThat(new CounterHistory(List.of(first, second, new Done(50, 60, 7, 7))).problems(8))
        .anyMatch(problem -> problem.startsWith("never was so"));
    assertThat(new CounterHistory(List.of(first, second, new Done(50, 60, 5, 5))).problems(8))
        .singleElement()
        .asString()
        .startsWith("out of time");
    assertThat(
            new CounterHistory(List.of(first, new Done(50, 60, 5, 8), new Done(30, 40, 8, 8)))
                .problems(8))
        .singleElement()
        .asString()
        .startsWith("seen too early");
    Done reversed = new Done(1, 5, 5, 8);
    assertThat(new CounterHistory(List.of(first, reversed)).problems(8))
        .singleElement()
        .asString()
        .startsWith("out of time");
  }
}
