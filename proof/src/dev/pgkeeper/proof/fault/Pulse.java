package dev.pgkeeper.proof.fault;

import dev.pgkeeper.scenario.Client;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Takes the machine's pulse: does the same piece of work again and again, part of it for the
 * processor and part for the disk, and writes down how many times as long it took as on a quick
 * machine. What a client could do in a time depends on that.
 */
public final class Pulse implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(500);
  private static final int HASHED_BYTES = 4_000_000;
  private static final int WRITTEN_BYTES = 8192;

  /** What it takes on a quick machine beside the mixed work, most of the time. */
  private static final Duration QUICK = Duration.ofMillis(60);

  /** A machine that is slower than this is no machine to try anything on. */
  private static final double SLOWEST = 8;

  private final Path file;
  private final byte[] hashed = new byte[HASHED_BYTES];
  private final NavigableMap<Long, Double> slowness = new ConcurrentSkipListMap<>();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "pulse");
            made.setDaemon(true);
            return made;
          });

  private Pulse(Path file) {
    this.file = file;
  }

  /** Writes to this file, which is nobody else's. */
  public static Pulse begin(Path file) {
    Pulse pulse = new Pulse(file);
    var unused =
        pulse.thread.scheduleWithFixedDelay(
            pulse::beat, 0, EVERY.toMillis(), TimeUnit.MILLISECONDS);
    return pulse;
  }

  private void beat() {
    long began = System.nanoTime();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(hashed);
      channel.write(ByteBuffer.wrap(digest.digest()), 0);
      channel.write(ByteBuffer.wrap(hashed, 0, WRITTEN_BYTES), WRITTEN_BYTES);
      channel.force(false);
    } catch (IOException | NoSuchAlgorithmException e) {
      return; // Then nothing is known of this moment.
    }
    double times = (double) (System.nanoTime() - began) / QUICK.toNanos();
    slowness.put(Client.nowMicros(), Math.max(1, Math.min(SLOWEST, times)));
  }

  /** By the moment up to which it was so, in microseconds of the machine's clock: 1 or more. */
  public NavigableMap<Long, Double> slowness() {
    return new TreeMap<>(slowness);
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
