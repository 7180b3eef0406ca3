package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Locks: how fast, how soon the next one has it, what holding and waiting costs. */
public final class LocksSuite implements Suite {
  @Override
  public String name() {
    return "locks";
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new DistinctCase(),
        new ContendedCase(),
        new HandOffCase(),
        new HeldCase(),
        new CrowdCase(),
        new FailoverCase(),
        new SlowFailoverCase());
  }
}
