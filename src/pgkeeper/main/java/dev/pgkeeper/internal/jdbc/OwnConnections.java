package dev.pgkeeper.internal.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.KeeperOptions.ConnectionSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the connection comes from that a client keeps for itself. Never a pool's: it is opened with
 * the pool's URL and properties, or by a data source that does not pool.
 */
public final class OwnConnections {
  private static final Logger log = LoggerFactory.getLogger(OwnConnections.class);

  /** What PostgreSQL is told such a connection is for. */
  public static final String APPLICATION_NAME = "pgkeeper listener";

  private OwnConnections() {}

  /** The caller's choice, or what the data source tells; null if the client is to do without. */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  public static @Nullable ConnectionSource choose(DataSource dataSource, KeeperOptions options) {
    if (options.leaseOnly() || options.listener() != null) {
      return options.listener();
    }
    ConnectionSource source =
        Database.<@Nullable ConnectionSource>on(() -> of(dataSource, options.grace()));
    if (source == null) {
      log.warn(
          "the data source pools, and pgkeeper cannot tell how to open a connection beside the pool. It goes on without"
              + " one: changes are polled for, and a killed process loses what it owns after {} instead of {}. Give"
              + " KeeperOptions.withListener a connection of its own.",
          options.timeout(),
          options.grace());
    }
    return source;
  }

  /**
   * How to open such a connection with what the application gave us; null if that cannot be told.
   */
  private static @Nullable ConnectionSource of(DataSource dataSource, Duration grace)
      throws SQLException {
    if (DriverProperties.of(dataSource).isPresent()) {
      // Asked each time: passwords change, and a pool is told of it.
      return () -> open(DriverProperties.of(dataSource).orElseThrow(), grace);
    }
    HikariDataSource pool = HikariPools.of(dataSource);
    if (pool != null) {
      DataSource pooled = pool.getDataSource();
      return pooled == null ? null : of(pooled, grace);
    }
    return pools(dataSource) ? null : dataSource::getConnection;
  }

  private static Connection open(Properties own, Duration grace) throws SQLException {
    own.setProperty(
        PGProperty.SOCKET_FACTORY_ARG.getName(),
        PromptSocketFactory.wrapping(
            own.getProperty(PGProperty.SOCKET_FACTORY.getName()),
            own.getProperty(PGProperty.SOCKET_FACTORY_ARG.getName())));
    own.setProperty(PGProperty.SOCKET_FACTORY.getName(), PromptSocketFactory.class.getName());
    own.setProperty(PGProperty.APPLICATION_NAME.getName(), APPLICATION_NAME);
    own.setProperty(PGProperty.TCP_KEEP_ALIVE.getName(), "true");
    String seconds = Long.toString(Math.max(1, grace.toSeconds()));
    own.setProperty(PGProperty.CONNECT_TIMEOUT.getName(), seconds);
    own.setProperty(PGProperty.SOCKET_TIMEOUT.getName(), seconds);
    String bare = "jdbc:postgresql:" + PGProperty.PG_DBNAME.getOrDefault(own);
    Connection opened = new Driver().connect(bare, own);
    if (opened == null) {
      throw new SQLException("not a URL of the PostgreSQL driver");
    }
    return opened;
  }

  /** A data source pools if what it hands out outlives its close. */
  private static boolean pools(DataSource dataSource) throws SQLException {
    Connection connection = dataSource.getConnection();
    Connection physical;
    try {
      if (!connection.isWrapperFor(PGConnection.class)) {
        return true;
      }
      physical = (Connection) connection.unwrap(PGConnection.class);
    } finally {
      connection.close();
    }
    return !physical.isClosed();
  }
}
