package dev.pgkeeper.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Observer;
import dev.pgkeeper.internal.observe.Operation;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** How observers are told, and what it costs when there are none. */
class ObservationTest {
  private static final int OPERATIONS = 100_000;

  private final Observation observation = new Observation();

  private void operate(Supplier<String> call) {
    var unused = observation.measure(Operation.JOIN, call);
    observation.granted("lock");
  }

  @Test
  void anOperationThatNobodyObservesAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    operate(() -> "the first one loads classes");
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < OPERATIONS; i++) {
      operate(() -> "answer");
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated).as("bytes of %d operations", OPERATIONS).isLessThan(OPERATIONS);
  }

  @Test
  void anObserverThatFailsHarmsNobodyAndIsToldNothingMore() {
    List<String> told = new ArrayList<>();
    observation.observe(
        new Observer() {
          @Override
          public void granted(String recipe) {
            told.add("the bad one");
            throw new IllegalStateException("a bad observer");
          }
        });
    observation.observe(
        new Observer() {
          @Override
          public void granted(String recipe) {
            told.add("the good one");
          }
        });
    observation.granted("lock");
    observation.granted("lock");
    assertThat(told).containsExactly("the bad one", "the good one", "the good one");
  }

  @Test
  void whoStopsObservingIsToldNothingMore() {
    List<Operation> told = new ArrayList<>();
    var subscription =
        observation.observe(
            new Observer() {
              @Override
              public void answered(Operation operation, Duration took) {
                told.add(operation);
              }
            });
    operate(() -> "");
    subscription.close();
    operate(() -> "");
    assertThat(told).containsExactly(Operation.JOIN);
  }
}
