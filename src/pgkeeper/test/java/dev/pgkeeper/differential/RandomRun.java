package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Random turns of several clients on two subjects, until they differ or it is enough. */
final class RandomRun {

  private static final int CLIENTS = 4;
  private static final int TRIES = 2;
  private static final int TURNS_SHOWN = 50;
  private static final Duration SHRINKING = Duration.ofMinutes(4);

  private final Subject judge;
  private final Subject judged;
  private final long seed;
  private final int operations;
  private final String what;

  /** Seeds that are even run below a chroot. */
  RandomRun(Subject judge, Subject judged, long seed, int operations) {
    this.judge = judge;
    this.judged = judged;
    this.seed = seed;
    this.operations = operations;
    what = judged.name() + " against " + judge.name() + ", seed " + seed;
  }

  /** The seed given with {@code -Dpgkeeper.differential.seed}, else this one. */
  static long seed(long otherwise) {
    return Long.getLong("pgkeeper.differential.seed", otherwise);
  }

  /** The number given with {@code -Dpgkeeper.differential.operations}, else this one. */
  static int operations(int otherwise) {
    return Integer.getInteger("pgkeeper.differential.operations", otherwise);
  }

  /** Returns what the run met. */
  Tally run() {
    return run(false);
  }

  /** The same; what differs is also reported with the fewest turns that show it. */
  Tally runOrShrink() {
    return run(true);
  }

  private Tally run(boolean shrink) {
    System.out.println(what + ": " + operations + " operations");
    List<Turn> turns = new ArrayList<>();
    long began = System.nanoTime();
    try (Lockstep lockstep = open()) {
      try {
        Generator generator = new Generator(seed, lockstep, CLIENTS);
        while (turns.size() < operations) {
          Turn turn = generator.next();
          turns.add(turn);
          turn.on(lockstep);
        }
        lockstep.compareWholeTree();
      } catch (RuntimeException | AssertionError e) {
        String fewest = shrink ? fewest(turns) : "";
        throw new AssertionError(report(turns.size(), e, lockstep.history(), fewest), e);
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      System.out.printf(
          "%s: agreed, %.0f operations/s; %s%n", what, operations / seconds, lockstep.tally());
      return lockstep.tally();
    }
  }

  private Lockstep open() {
    Lockstep lockstep = new Lockstep(judge, judged, "/t" + seed, seed % 2 == 0);
    for (int client = 0; client < CLIENTS; client++) {
      lockstep.open(client);
    }
    return lockstep;
  }

  private String report(int turns, Throwable difference, String history, String fewest) {
    return """
        %s, operation %d:
        %s

        The last steps:
        %s

        %s
        Again: -Dpgkeeper.differential.seed=%d -Dpgkeeper.differential.operations=%d
        """
        .formatted(what, turns, difference, history, fewest, seed, turns);
  }

  /** The fewest turns that end in any difference, each time tried from an empty root. */
  private String fewest(List<Turn> turns) {
    long deadline = System.nanoTime() + SHRINKING.toNanos();
    List<Turn> fewest =
        Shrinker.shrink(
            turns, shorter -> System.nanoTime() < deadline && difference(shorter) != null);
    Throwable difference = difference(fewest);
    return difference == null
        ? "It differs only at times.\n"
        : "The fewest turns found that differ, %d:\n%s\n%s\n"
            .formatted(
                fewest.size(),
                fewest.stream()
                    .skip(Math.max(0, fewest.size() - TURNS_SHOWN))
                    .map(Turn::toString)
                    .collect(Collectors.joining("\n")),
                difference);
  }

  /**
   * What differs in one of a few tries, null if nothing does: a difference may be one of timing.
   */
  private Throwable difference(List<Turn> turns) {
    Throwable difference = null;
    for (int i = 0; i < TRIES && difference == null; i++) {
      difference = differenceOnce(turns);
    }
    return difference;
  }

  private Throwable differenceOnce(List<Turn> turns) {
    for (Tree tree : List.of(judge.eye(), judged.eye())) {
      if (tree.exists("/t" + seed).isPresent()) {
        tree.deleteRecursive("/t" + seed);
      }
    }
    try (Lockstep lockstep = open()) {
      turns.forEach(turn -> turn.on(lockstep));
      lockstep.compareWholeTree();
      return null;
    } catch (RuntimeException | AssertionError e) {
      return e;
    }
  }
}
