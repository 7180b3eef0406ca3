package dev.pgkeeper.bench.ways;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.Arrays;
import java.util.List;

/** Each kind of work with the server's compiler as it is set, and switched off. */
public final class JitSuite implements Suite {
  @Override
  public String name() {
    return "jit";
  }

  @Override
  public boolean isOnDemand() {
    return true;
  }

  @Override
  public List<Case> cases() {
    return Arrays.stream(Work.values()).<Case>map(JitCase::new).toList();
  }
}
