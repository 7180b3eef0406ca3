package dev.pgkeeper.bench.tree;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Znodes, watches, and what an idle client costs. */
public final class TreeSuite implements Suite {
  @Override
  public String name() {
    return "tree";
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new GetCase(),
        new CreateCase(false),
        new SetCase(),
        new DeleteCase(false),
        new CreateCase(true),
        new DeleteCase(true),
        new CallbackCase(false),
        new CallbackCase(true),
        new CrowdCase(),
        SizeCase.manyAgainstFew(),
        new ChildrenCase(),
        new IdleCase());
  }
}
