package dev.pgkeeper.proof.part;

import dev.pgkeeper.Codec;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Threads that enqueue, and threads that take and ack. */
final class LossyQueue implements RepliesPart.Subject {
  private static final int PAIRS = 3;
  private static final int PASSING = 20;
  private static final int ENOUGH = 100;

  private final java.util.Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final Set<Long> enqueued = ConcurrentHashMap.newKeySet();
  private final Set<Long> acked = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean stopped = new AtomicBoolean();

  @Override
  public String promise() {
    return "no message is lost, none is taken twice, and none is left";
  }

  @Override
  public int threads() {
    return 2 * PAIRS;
  }

  @Override
  public Finding work(LossyNetwork network, Random random, Duration length) throws Exception {
    MessageQueue<String> queue = network.keeper().queue("lossy", Codec.text());
    network.lose(random, PASSING);
    List<CompletableFuture<Boolean>> producers = new ArrayList<>();
    List<CompletableFuture<Boolean>> running = new ArrayList<>();
    AtomicBoolean isAllSent = new AtomicBoolean();
    for (int i = 0; i < PAIRS; i++) {
      producers.add(Futures.onThread(() -> produce(queue)));
      running.add(Futures.onThread(() -> consume(queue, isAllSent)));
    }
    running.addAll(producers);
    network.workFor(length, running, () -> acked.size() > ENOUGH);
    stopped.set(true);
    for (CompletableFuture<Boolean> one : producers) {
      one.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    isAllSent.set(true);
    for (CompletableFuture<Boolean> one : running) {
      one.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    network.mend();
    if (!acked.equals(enqueued)) {
      violations.add(enqueued.size() + " messages were enqueued, " + acked.size() + " acked");
    }
    try {
      Await.until("nothing left", () -> queue.size().live() == 0);
    } catch (AssertionError e) {
      violations.add("there are left: " + queue.size());
    }
    if (queue.size().dead() != 0) {
      violations.add(queue.size().dead() + " messages are dead");
    }
    return new Finding(acked.size(), "messages", List.copyOf(violations));
  }

  private boolean produce(MessageQueue<String> queue) {
    while (!stopped.get()) {
      for (long id : queue.enqueueAll(List.of("x", "y"))) {
        if (!enqueued.add(id)) {
          violations.add("message " + id + " was enqueued twice");
        }
      }
    }
    return true;
  }

  /** Goes on until all messages are acked, or nothing comes for so long that one is lost. */
  private boolean consume(MessageQueue<String> queue, AtomicBoolean isAllSent)
      throws InterruptedException {
    long last = System.nanoTime();
    while (!isAllSent.get() || acked.size() < enqueued.size()) {
      List<Delivery<String>> taken = queue.take(3, Duration.ofMillis(100));
      for (Delivery<String> one : taken) {
        if (!acked.add(one.message().id())) {
          violations.add("message " + one.message().id() + " was taken twice");
        }
        one.ack();
      }
      if (!taken.isEmpty() || !isAllSent.get()) {
        last = System.nanoTime();
      } else if (System.nanoTime() - last > Await.LIMIT.toNanos()) {
        return true;
      }
    }
    return true;
  }
}
