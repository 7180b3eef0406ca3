package dev.pgkeeper.proof.part;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.scenario.FairnessChecker;
import dev.pgkeeper.scenario.GrantLog;
import dev.pgkeeper.scenario.GrantLog.Contest;
import dev.pgkeeper.scenario.OverlapChecker;
import dev.pgkeeper.testing.Futures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/** Joins alone and together; most wait, some give up. */
final class LossyLocks implements RepliesPart.Subject {
  private static final int THREADS = 8;
  private static final int PASSING = 10;
  private static final int ENOUGH = 50;

  private static final String LEFT =
      "SELECT (SELECT count(*) FROM ${schema}.node WHERE state IS NOT NULL)"
          + " + (SELECT count(*) FROM ${schema}.gathering WHERE holder IS NOT NULL OR waiting <> '{}')"
          + " + (SELECT coalesce(sum(children), 0) FROM ${schema}.gathering WHERE recipe IS NOT NULL)";

  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final Set<Long> tokens = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean stopped = new AtomicBoolean();

  @Override
  public String promise() {
    return "each grant is one client's that asked, grants do not overlap, and nothing is left behind";
  }

  @Override
  public int threads() {
    return THREADS;
  }

  @Override
  public Finding work(LossyNetwork network, Random random, Duration length) throws Exception {
    GrantLog grants = GrantLog.of(network.database());
    network.lose(new Random(random.nextLong()), PASSING);
    List<CompletableFuture<Boolean>> running = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      Random own = new Random(random.nextLong());
      String path = "/own" + thread;
      running.add(Futures.onThread(() -> contend(network.keeper(), path, own)));
    }
    network.workFor(length, running, () -> tokens.size() > ENOUGH);
    stopped.set(true);
    for (CompletableFuture<Boolean> one : running) {
      one.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    network.mend();
    List<Contest> contests = grants.contests();
    Set<Long> granted =
        contests.stream()
            .filter(Contest::wasGranted)
            .map(Contest::token)
            .collect(Collectors.toSet());
    tokens.stream()
        .filter(token -> !granted.contains(token))
        .forEach(token -> violations.add("the token " + token + " was not granted"));
    violations.addAll(OverlapChecker.violations(contests));
    violations.addAll(FairnessChecker.violations(contests));
    long left = network.database().queryLong(LEFT);
    if (left != 0) {
      violations.add(left + " contenders, holders and places in lines are left");
    }
    return new Finding(granted.size(), "grants", List.copyOf(violations));
  }

  private boolean contend(Keeper keeper, String own, Random random) throws InterruptedException {
    while (!stopped.get()) {
      String path = random.nextInt(3) == 0 ? own : "/shared";
      Optional<Held> got =
          random.nextInt(3) == 0
              ? keeper.lock(path).tryAcquire()
              : keeper.lock(path).tryAcquire(Duration.ofMillis(random.nextInt(300)));
      if (got.isPresent()) {
        if (!tokens.add(got.get().token())) {
          violations.add("the token " + got.get().token() + " was handed out twice");
        }
        got.get().release();
      }
    }
    return true;
  }
}
