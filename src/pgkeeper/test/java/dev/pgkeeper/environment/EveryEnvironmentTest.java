package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every recipe does what it promises in every environment, and leaves the pool as it was. */
class EveryEnvironmentTest {
  private static final int MAJOR = PrivateServer.major();

  @ParameterizedTest
  @EnumSource
  void everyRecipeDoesWhatItPromises(Environment environment) throws Exception {
    assumeTrue(environment.isKnownTo(MAJOR), "this server does not know it");
    try (TestDatabase database = TestDatabase.fresh();
        AutoCloseable role = () -> Environment.remove(database);
        HikariDataSource pool = environment.pool(database)) {
      String before = found(pool);
      try (Keeper one = Keeper.connect(pool, database.keeperOptions());
          Keeper other = Keeper.connect(pool, database.keeperOptions())) {
        for (EveryRecipe recipe : EveryRecipe.values()) {
          if (recipe.fits(pool.getMaximumPoolSize())) {
            recipe.use(new EveryRecipe.Stage(one, other, pool));
          }
        }
      }
      assertThat(found(pool)).as("what the pool hands out").isEqualTo(before);
    }
  }

  private static String found(HikariDataSource pool) throws Exception {
    try (Connection connection = pool.getConnection()) {
      return "autocommit %s, read-only %s, isolation %s"
          .formatted(
              connection.getAutoCommit(),
              connection.isReadOnly(),
              connection.getTransactionIsolation());
    }
  }
}
