package dev.pgkeeper.proof.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.growth.Measure;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * That a process sees what it has in use. Others use some meanwhile: much less than is used here.
 */
class VitalsTest {
  private static final int MUCH = 64 << 20;
  private static final int MANY = 60;

  private static double seen(Measure measure) {
    List<String> lines = new ArrayList<>();
    Vitals.look("c0.1", lines::add);
    assertThat(lines).hasSize(3);
    String mark = " c0.1 " + measure.name() + " ";
    return lines.stream()
        .filter(line -> line.contains(mark))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(mark) + mark.length())))
        .findAny()
        .orElseThrow();
  }

  @Test
  void memoryIsSeenWhileSomebodyRefersToIt() {
    double before = seen(Measure.HEAP);
    List<byte[]> held = new ArrayList<>(List.of(new byte[MUCH]));
    assertThat(seen(Measure.HEAP)).isGreaterThan(before + MUCH / 2);
    held.clear();
    assertThat(seen(Measure.HEAP)).isLessThan(before + MUCH / 2);
  }

  @Test
  void threadsAreSeenWhileTheyRun() throws InterruptedException {
    double before = seen(Measure.THREADS);
    CountDownLatch over = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      Thread thread = new Thread(() -> await(over));
      thread.start();
      threads.add(thread);
    }
    assertThat(seen(Measure.THREADS)).isGreaterThan(before + MANY / 2.0);
    over.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(seen(Measure.THREADS)).isLessThan(before + MANY / 2.0);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void filesAreSeenWhileTheyAreOpen(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    double before = seen(Measure.FILES);
    List<InputStream> open = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      open.add(Files.newInputStream(file));
    }
    assertThat(seen(Measure.FILES)).isGreaterThan(before + MANY / 2.0);
    for (InputStream each : open) {
      each.close();
    }
    assertThat(seen(Measure.FILES)).isLessThan(before + MANY / 2.0);
  }
}
