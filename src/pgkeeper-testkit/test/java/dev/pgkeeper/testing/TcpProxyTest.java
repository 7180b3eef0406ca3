package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.testing.TcpProxy.Fate;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class TcpProxyTest {

  /** A pool asks what its driver can do on the first of its connections, and on no other. */
  @Test
  void theFirstQueryOfEveryConnectionOfAPoolHasAFate() throws SQLException {
    try (TestDatabase database = TestDatabase.unmigrated();
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(proxy.through(database.jdbcUrl()));
      config.setMinimumIdle(0);
      try (HikariDataSource pool = new HikariDataSource(config);
          Connection first = pool.getConnection();
          Connection second = pool.getConnection()) {
        proxy.decideBy(() -> Fate.REQUEST_LOST);
        for (Connection connection : new Connection[] {first, second}) {
          assertThatThrownBy(() -> connection.createStatement().execute("SELECT 1"))
              .isInstanceOf(SQLException.class);
        }
        assertThat(proxy.fates()).containsEntry(Fate.REQUEST_LOST, 2);
        proxy.decideBy(() -> Fate.PASSES);
      }
    }
  }
}
