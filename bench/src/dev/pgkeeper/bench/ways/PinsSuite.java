package dev.pgkeeper.bench.ways;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.Arrays;
import java.util.List;

/** Each kind of work where functions have a search_path of their own, and where they have none. */
public final class PinsSuite implements Suite {
  @Override
  public String name() {
    return "pins";
  }

  @Override
  public boolean isOnDemand() {
    return true;
  }

  @Override
  public List<Case> cases() {
    return Arrays.stream(Work.values()).<Case>map(PinsCase::new).toList();
  }
}
