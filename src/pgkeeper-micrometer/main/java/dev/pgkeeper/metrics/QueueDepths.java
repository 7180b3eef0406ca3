package dev.pgkeeper.metrics;

import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.internal.observe.Subject;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How full queues are, asked from the database for all of them at once and seldom: it counts
 * messages. Whoever reads the first value after a while has it asked, and waits for the answer, but
 * not long; what is not known is not a number.
 */
final class QueueDepths {
  private static final Logger log = LoggerFactory.getLogger(QueueDepths.class);
  private static final Duration BETWEEN = Duration.ofSeconds(15);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** A count that takes so much longer than that is made less often. */
  private static final int SHARE_OF_TIME = 20;

  private final Observation observation;
  private final Duration between;
  private final Set<String> queues = ConcurrentHashMap.newKeySet();

  // Guarded by this.
  private CompletableFuture<Map<String, QueueDepth>> latest =
      CompletableFuture.completedFuture(Map.of());
  private long askedAt;
  private long nextAt = System.nanoTime();

  QueueDepths(Observation observation) {
    this(observation, BETWEEN);
  }

  QueueDepths(Observation observation, Duration between) {
    this.observation = observation;
    this.between = between;
  }

  void ask(String queue) {
    queues.add(queue);
  }

  double of(String queue, ToLongFunction<QueueDepth> number) {
    QueueDepth depth = latest().get(queue);
    return depth == null ? Double.NaN : number.applyAsLong(depth);
  }

  /** Those who read many values one after the other wait once for all of them. */
  private Map<String, QueueDepth> latest() {
    CompletableFuture<Map<String, QueueDepth>> answer;
    long patience;
    synchronized (this) {
      long now = System.nanoTime();
      if (latest.isDone() && now - nextAt >= 0) {
        latest = new CompletableFuture<>();
        askedAt = now;
        begin(latest);
      }
      answer = latest;
      patience = askedAt + PATIENCE.toNanos() - now;
    }
    try {
      return answer.get(Math.max(0, patience), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return Map.of();
    } catch (ExecutionException e) {
      log.debug("queues were not counted", e.getCause());
      return Map.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Map.of();
    }
  }

  private void begin(CompletableFuture<Map<String, QueueDepth>> answer) {
    Thread thread = new Thread(() -> count(answer), "pgkeeper-queue-depths");
    thread.setDaemon(true);
    thread.start();
  }

  private void count(CompletableFuture<Map<String, QueueDepth>> answer) {
    long began = System.nanoTime();
    try {
      Subject subject = observation.subject();
      Map<String, QueueDepth> counted =
          subject == null
              ? Map.of()
              : subject.depths(queues).stream()
                  .collect(Collectors.toMap(QueueDepth::queue, Function.identity()));
      countAgainAfter(System.nanoTime() - began);
      answer.complete(counted);
    } catch (RuntimeException | Error e) {
      countAgainAfter(System.nanoTime() - began);
      answer.completeExceptionally(e);
    }
  }

  private synchronized void countAgainAfter(long took) {
    nextAt = askedAt + Math.max(between.toNanos(), SHARE_OF_TIME * took);
  }
}
