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
import org.postgresql.ds.common.BaseDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the connection comes from that a client keeps for itself. Never a pool's: it is opened with
 * the pool's URL and properties, or by a data source that does not pool.
 */
public final class OwnConnections {
  private static final Logger log = LoggerFactory.getLogger(OwnConnections.class);

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
    if (dataSource.isWrapperFor(HikariDataSource.class)) {
      HikariDataSource pool = dataSource.unwrap(HikariDataSource.class);
      if (pool.getDataSource() != null) {
        return of(pool.getDataSource(), grace);
      }
      if (pool.getJdbcUrl() != null) {
        Properties properties = new Properties();
        properties.putAll(pool.getDataSourceProperties());
        credentials(properties, pool.getUsername(), pool.getPassword());
        return byUrl(pool.getJdbcUrl(), properties, grace);
      }
      return null;
    }
    if (dataSource instanceof BaseDataSource plain) {
      Properties properties = new Properties();
      credentials(properties, plain.getUser(), plain.getPassword());
      return byUrl(plain.getUrl(), properties, grace);
    }
    return pools(dataSource) ? null : dataSource::getConnection;
  }

  private static void credentials(
      Properties properties, @Nullable String user, @Nullable String password) {
    if (user != null) {
      properties.setProperty(PGProperty.USER.getName(), user);
    }
    if (password != null) {
      properties.setProperty(PGProperty.PASSWORD.getName(), password);
    }
  }

  private static ConnectionSource byUrl(String url, Properties properties, Duration grace)
      throws SQLException {
    Properties parsed = Driver.parseURL(url, properties);
    if (parsed == null) {
      throw new SQLException(
          "not a URL of the PostgreSQL driver: " + url.replaceFirst("\\?.*", ""));
    }
    Properties own = new Properties();
    for (String name : parsed.stringPropertyNames()) {
      own.setProperty(name, parsed.getProperty(name));
    }
    own.setProperty(
        PGProperty.SOCKET_FACTORY_ARG.getName(),
        PromptSocketFactory.wrapping(
            parsed.getProperty(PGProperty.SOCKET_FACTORY.getName()),
            parsed.getProperty(PGProperty.SOCKET_FACTORY_ARG.getName())));
    own.setProperty(PGProperty.SOCKET_FACTORY.getName(), PromptSocketFactory.class.getName());
    own.setProperty(PGProperty.APPLICATION_NAME.getName(), "pgkeeper listener");
    own.setProperty(PGProperty.TCP_KEEP_ALIVE.getName(), "true");
    String seconds = Long.toString(Math.max(1, grace.toSeconds()));
    own.setProperty(PGProperty.CONNECT_TIMEOUT.getName(), seconds);
    own.setProperty(PGProperty.SOCKET_TIMEOUT.getName(), seconds);
    String bare = "jdbc:postgresql:" + PGProperty.PG_DBNAME.getOrDefault(own);
    Driver driver = new Driver();
    return () -> driver.connect(bare, own);
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
