package dev.pgkeeper.bench.recipes;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Series;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.discovery.Choice;
import dev.pgkeeper.discovery.Discovery;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.discovery.ServiceRegistry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** How long one of a hundred instances takes to be chosen, in each way that there is. */
final class ChoiceCase implements Case {
  private static final int INSTANCES = 100;
  private static final int AT_ONCE = 1000;
  private static final Target TARGET = Target.atMost(1);

  /** Kept, so that no choice can be left out. */
  private volatile Object last = "";

  @Override
  public String name() {
    return "recipes.choice";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String url = Postgres.of(lab, report).createMigrated("choice");
    try (HikariDataSource pool = Postgres.pool(url, 2)) {
      try (Keeper keeper = Keeper.connect(pool)) {
        ServiceRegistry registry = keeper.services("/services");
        for (int i = 0; i < INSTANCES; i++) {
          var unused = registry.register("a", ServiceInstance.at("10.0.0.1", 1000 + i));
        }
        try (Discovery discovery = registry.discover("a")) {
          for (Map.Entry<String, Supplier<?>> way : ways(discovery).entrySet()) {
            report.counted(name(), way.getKey(), "µs", microseconds(lab, way.getValue()), TARGET);
          }
        }
      }
    }
  }

  private static Map<String, Supplier<?>> ways(Discovery discovery) {
    Map<String, Supplier<?>> ways = new LinkedHashMap<>();
    for (Choice choice : Choice.values()) {
      ways.put(
          choice.name().toLowerCase(Locale.ROOT).replace('_', ' '), () -> discovery.choose(choice));
    }
    ways.put("sticky", () -> discovery.chooseFor("a customer"));
    ways.put(
        "least connections, counted",
        () -> {
          var call = discovery.open(Choice.LEAST_CONNECTIONS).orElseThrow();
          call.close();
          return Optional.of(call);
        });
    return ways;
  }

  /** The median over the rounds of what one took on average. */
  private double microseconds(Lab lab, Supplier<?> choice) {
    List<Double> rounds = new ArrayList<>();
    for (int round = -lab.pace().warmups(); round < lab.pace().rounds(); round++) {
      long began = System.nanoTime();
      long end = began + lab.pace().round().toNanos();
      long choices = 0;
      long now = began;
      while (now - end < 0) {
        for (int i = 0; i < AT_ONCE; i++) {
          last = choice.get();
        }
        choices += AT_ONCE;
        now = System.nanoTime();
      }
      if (round >= 0) {
        rounds.add((now - began) / 1e3 / choices);
      }
    }
    return Series.of(rounds).median();
  }
}
