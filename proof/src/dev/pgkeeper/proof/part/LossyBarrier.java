package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.shared.DoubleBarrier;
import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Participants that enter and leave together, round after round. */
final class LossyBarrier implements RepliesPart.Subject {
  private static final int PARTICIPANTS = 6;
  private static final int PASSING = 20;
  private static final int ENOUGH = 12;

  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final AtomicInteger entered = new AtomicInteger();
  private final AtomicInteger left = new AtomicInteger();
  private final AtomicBoolean stopped = new AtomicBoolean();

  /** Whether a round takes place: the first participant that comes to it decides for all. */
  private final Map<Integer, Boolean> takesPlace = new ConcurrentHashMap<>();

  @Override
  public String promise() {
    return "no participant is in a round before all have left the one before";
  }

  @Override
  public int threads() {
    return PARTICIPANTS;
  }

  @Override
  public Finding work(LossyNetwork network, Random random, Duration length) throws Exception {
    network.lose(random, PASSING);
    List<CompletableFuture<Boolean>> running = new ArrayList<>();
    for (int i = 0; i < PARTICIPANTS; i++) {
      DoubleBarrier barrier = network.keeper().doubleBarrier("/rounds", PARTICIPANTS);
      running.add(Futures.onThread(() -> meet(barrier)));
    }
    network.workFor(length, running, () -> left.get() > ENOUGH * PARTICIPANTS);
    stopped.set(true);
    for (CompletableFuture<Boolean> one : running) {
      one.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    network.mend();
    return new Finding(left.get() / PARTICIPANTS, "rounds", List.copyOf(violations));
  }

  private boolean meet(DoubleBarrier barrier) throws InterruptedException {
    for (int round = 1; takesPlace.computeIfAbsent(round, any -> !stopped.get()); round++) {
      entered.incrementAndGet();
      barrier.enter();
      if (entered.get() != round * PARTICIPANTS) {
        violations.add("in round %d, %d had come".formatted(round, entered.get()));
      }
      left.incrementAndGet();
      barrier.leave();
      if (left.get() < round * PARTICIPANTS) {
        violations.add("after round %d, %d had left".formatted(round, left.get()));
      }
    }
    return true;
  }
}
