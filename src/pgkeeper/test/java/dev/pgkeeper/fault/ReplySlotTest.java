package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How long a row is used in which replies are noted. */
class ReplySlotTest {
  private static final int MANY = 1200;

  @Test
  void anOldSlotIsLeftForANewOneAndForgotten() {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper keeper = database.keeper()) {
      change(keeper, MANY);
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.reply")).isEqualTo(1);
      assertThat(database.queryLong("SELECT max(request) FROM ${schema}.reply"))
          .isLessThan(MANY / 2);
    }
  }

  /** A request that is still on its way must find that it is too late. */
  @Test
  void aSlotWithALostReplyIsKept() {
    try (TestDatabase database = TestDatabase.fresh();
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      config.setMaximumPoolSize(1);
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper keeper =
              Keeper.connect(pool, database.keeperOptions().withListener(database::connect))) {
        change(keeper, 1);
        AtomicInteger requests = new AtomicInteger();
        proxy.decideBy(() -> requests.getAndIncrement() == 5 ? Fate.REPLY_LOST : Fate.PASSES);
        change(keeper, MANY);
        assertThat(proxy.fates()).containsKey(Fate.REPLY_LOST);
        assertThat(database.queryLong("SELECT max(request) FROM ${schema}.reply"))
            .isGreaterThan(MANY);
      }
    }
  }

  private static void change(Keeper keeper, int times) {
    if (keeper.tree().exists("/changed").isEmpty()) {
      keeper.tree().create("/changed", new byte[0]);
    }
    for (int i = 0; i < times; i++) {
      keeper.tree().set("/changed", new byte[] {1});
    }
  }
}
