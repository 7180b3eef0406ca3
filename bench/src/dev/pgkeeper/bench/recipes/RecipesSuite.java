package dev.pgkeeper.bench.recipes;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Recipes: what is made of lines and znodes. */
public final class RecipesSuite implements Suite {
  @Override
  public String name() {
    return "recipes";
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new CounterCase(),
        new IdsCase(),
        new ChoiceCase(),
        new RegistrationCase(),
        new DoubleBarrierCase(),
        new CacheCase());
  }
}
