package dev.pgkeeper.bench;

import dev.pgkeeper.bench.inspect.InspectSuite;
import dev.pgkeeper.bench.locks.LocksSuite;
import dev.pgkeeper.bench.queue.QueueSuite;
import dev.pgkeeper.bench.recipes.RecipesSuite;
import dev.pgkeeper.bench.scaling.ScalingSuite;
import dev.pgkeeper.bench.tree.TreeSuite;
import dev.pgkeeper.bench.ways.JitSuite;
import dev.pgkeeper.bench.ways.PinsSuite;
import java.util.List;

/** The cases of one part of the product. */
public interface Suite {
  /** All there are, in the order in which they run. */
  List<Suite> ALL =
      List.of(
          new TreeSuite(),
          new LocksSuite(),
          new QueueSuite(),
          new RecipesSuite(),
          new InspectSuite(),
          new ScalingSuite(),
          new JitSuite(),
          new PinsSuite());

  String name();

  /** Whether it is measured only when it is named: it answers another question than the others. */
  default boolean isOnDemand() {
    return false;
  }

  List<Case> cases();
}
