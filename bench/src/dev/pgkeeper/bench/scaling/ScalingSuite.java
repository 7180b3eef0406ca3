package dev.pgkeeper.bench.scaling;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import dev.pgkeeper.bench.locks.ProcessesCase;
import dev.pgkeeper.bench.tree.SizeCase;
import java.util.List;

/** From one to many: processes, sessions, nodes, and fleets with nothing to do. */
public final class ScalingSuite implements Suite {
  @Override
  public String name() {
    return "scaling";
  }

  @Override
  public boolean isOnDemand() {
    return true;
  }

  @Override
  public List<Case> cases() {
    return List.of(
        new ProcessesCase(),
        SizeCase.inSteps(),
        new FleetCase(false),
        new FleetCase(true),
        new HeartbeatCase());
  }
}
