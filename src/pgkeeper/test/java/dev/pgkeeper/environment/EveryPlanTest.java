package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.sql.Plans;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * No plan of anything that this library asks a server, or that a view asks, costs beyond reason, or
 * is compiled where the server can (see {@code .ci/run}).
 */
class EveryPlanTest {
  private static final Pattern ENTRY = Pattern.compile("\n(?=\\d{4}-\\d\\d-\\d\\d )");

  @Test
  void noPlanCostsBeyondReason() throws Exception {
    try (PrivateServer server =
            PrivateServer.start(
                Map.of(
                    "session_preload_libraries", "auto_explain",
                    "auto_explain.log_min_duration", "0",
                    "auto_explain.log_analyze", "on",
                    "auto_explain.log_timing", "off",
                    "auto_explain.log_nested_statements", "on"));
        TestDatabase database = TestDatabase.freshOn(server)) {
      KeeperOptions options = database.keeperOptions().withSweep(Duration.ofMillis(200));
      try (Keeper one = Keeper.connect(database.dataSource(), options);
          Keeper other = Keeper.connect(database.dataSource(), options)) {
        for (EveryRecipe recipe : EveryRecipe.values()) {
          recipe.use(new EveryRecipe.Stage(one, other, database.dataSource()));
        }
        for (String view :
            database
                .queryString(
                    "SELECT string_agg(viewname, ' ') FROM pg_views WHERE schemaname = '${schema}'")
                .split(" ")) {
          // Who only looks may as well have it compiled.
          database.execute("SET jit = off; SELECT * FROM ${schema}." + view);
        }
      }
      List<String> plans =
          ENTRY
              .splitAsStream(Files.readString(server.logFile()))
              .filter(entry -> entry.contains("Query Text:"))
              .toList();
      assertThat(plans).hasSizeGreaterThan(1000);
      assertThat(plans).filteredOn(Plans::isBeyondReason).isEmpty();
    }
  }
}
