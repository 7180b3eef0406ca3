package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Recipes: what Curator has too, and how much of it. */
public final class RecipesSuite implements Suite {
  @Override
  public String name() {
    return "recipes";
  }

  @Override
  public List<Case> cases() {
    return List.of(new CacheCase());
  }
}
