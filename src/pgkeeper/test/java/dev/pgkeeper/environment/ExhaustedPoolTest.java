package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The application has every connection of the pool, and the database is well. */
class ExhaustedPoolTest {

  @Test
  void whatAPoolHasNoConnectionForIsToldAsThatAfterThePoolsOwnPatience() throws Exception {
    HikariConfig config = new HikariConfig();
    config.setMaximumPoolSize(1);
    config.setConnectionTimeout(500);
    try (TestDatabase database = TestDatabase.fresh()) {
      config.setJdbcUrl(database.jdbcUrl());
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper keeper =
              Keeper.connect(
                  pool, database.keeperOptions().withOperationTimeout(Duration.ofMinutes(10)));
          Connection all = pool.getConnection()) {
        assertThatThrownBy(() -> keeper.tree().create("/made", new byte[0]))
            .isInstanceOf(KeeperException.ConnectionLoss.class)
            .hasMessageContaining("all of them are in use")
            .hasMessageNotContaining("cannot be reached");
        assertThatThrownBy(() -> keeper.tree().exists("/made"))
            .hasMessageContaining("all of them are in use");
        assertThat(all.isValid(1)).isTrue();
        assertThat(keeper.session().isHeld()).as("its own connection needs no pool").isTrue();
      }
    }
  }
}
