package dev.pgkeeper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ThreadCensusTest {

  @Test
  void threadsOfOneClientAreCountedWithThoseThatTheyStartAndNoOthers() throws Exception {
    ThreadCensus census = new ThreadCensus("client");
    CountDownLatch running = new CountDownLatch(3);
    CountDownLatch over = new CountDownLatch(1);
    Runnable waiting =
        () -> {
          running.countDown();
          awaiting(over);
        };
    new Thread(waiting, "of somebody else").start();
    Thread first =
        census.during(
            () -> {
              Thread starter =
                  new Thread(
                      () -> {
                        new Thread(waiting, "second").start();
                        waiting.run();
                      },
                      "first");
              starter.start();
              return starter;
            });
    running.await();

    try {
      assertThat(census.count()).isEqualTo(2);
    } finally {
      over.countDown();
    }
    first.join();
  }

  private static void awaiting(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
