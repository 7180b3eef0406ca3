package dev.pgkeeper.internal.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGProperty;
import org.postgresql.ds.common.BaseDataSource;

/** What a data source opens its connections with: those in its URL, credentials and all others. */
public final class DriverProperties {
  private DriverProperties() {}

  /** Empty if the data source does not tell. */
  public static Optional<Properties> of(DataSource dataSource) throws SQLException {
    HikariDataSource pool = HikariPools.of(dataSource);
    if (pool != null) {
      if (pool.getDataSource() != null) {
        return of(pool.getDataSource());
      }
      if (pool.getJdbcUrl() == null) {
        return Optional.empty();
      }
      Properties properties = new Properties();
      properties.putAll(pool.getDataSourceProperties());
      return Optional.of(
          parsed(pool.getJdbcUrl(), properties, pool.getUsername(), pool.getPassword()));
    }
    return dataSource instanceof BaseDataSource plain
        ? Optional.of(
            parsed(plain.getUrl(), new Properties(), plain.getUser(), plain.getPassword()))
        : Optional.empty();
  }

  private static Properties parsed(
      String url, Properties properties, @Nullable String user, @Nullable String password)
      throws SQLException {
    if (user != null) {
      properties.setProperty(PGProperty.USER.getName(), user);
    }
    if (password != null) {
      properties.setProperty(PGProperty.PASSWORD.getName(), password);
    }
    Properties parsed;
    try {
      parsed = DatabaseUrl.parse(url, properties);
    } catch (IllegalArgumentException e) {
      throw new SQLException("not a URL of the PostgreSQL driver: " + e.getMessage(), e);
    }
    Properties own = new Properties();
    for (String name : parsed.stringPropertyNames()) {
      own.setProperty(name, parsed.getProperty(name));
    }
    return own;
  }
}
