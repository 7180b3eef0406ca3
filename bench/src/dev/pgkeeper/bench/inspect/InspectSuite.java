package dev.pgkeeper.bench.inspect;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Suite;
import java.util.List;

/** Inspection: what it costs those who are looked at. */
public final class InspectSuite implements Suite {
  @Override
  public String name() {
    return "inspect";
  }

  @Override
  public List<Case> cases() {
    return List.of(new HistoryCase(), new MetricsCase());
  }
}
