package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Shared state and meeting points: how fast. */
public final class RecipesSuite implements Suite {
  @Override
  public String name() {
    return "recipes";
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new CounterCase(), //
        new IdsCase(),
        new DoubleBarrierCase());
  }
}
