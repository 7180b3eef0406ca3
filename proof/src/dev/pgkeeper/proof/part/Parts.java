package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.check.Scenarios;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What there is, and which part covers which scenario. */
public final class Parts {
  private Parts() {}

  /** In the order in which they run. */
  public static List<Part> all() {
    return List.of(
        new ControlPart(),
        new SettleControlPart(),
        new MixedPart(),
        new EnvironmentsPart(),
        new QueueSqlPart(),
        new CounterPart(),
        new ShardsPart(),
        new CachesPart(),
        new RacesPart(),
        new RepliesPart(),
        new ClockPart(),
        new ExpiryPart(),
        new PromotionPart(PromotionPart.Kind.ASYNCHRONOUS),
        new PromotionPart(PromotionPart.Kind.SYNCHRONOUS),
        new PromotionPart(PromotionPart.Kind.UNPROTECTED),
        new RestorePart(RestorePart.Kind.ELSEWHERE),
        new RestorePart(RestorePart.Kind.IN_PLACE),
        new RestorePart(RestorePart.Kind.UNPROTECTED),
        new UpgradePart(),
        new NetworkPart(),
        new PoolerPart(),
        new DiskPart(),
        new EndurancePart(),
        new FailoverPart());
  }

  /** A line for each scenario. */
  public static List<String> table() {
    List<String> lines = new ArrayList<>();
    Scenarios.all()
        .forEach(
            (number, title) ->
                lines.add("%2d  %-75s %s".formatted(number, title, covering(number))));
    return lines;
  }

  /** The names of the parts that cover a scenario. */
  public static String covering(int scenario) {
    return all().stream()
        .filter(part -> part.scenarios().contains(scenario))
        .map(Part::name)
        .collect(Collectors.joining(", "));
  }
}
