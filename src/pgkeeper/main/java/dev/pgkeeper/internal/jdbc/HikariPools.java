package dev.pgkeeper.internal.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The only place that knows HikariCP, which an application need not have. */
final class HikariPools {
  private static final boolean PRESENT = isPresent();

  private HikariPools() {}

  private static boolean isPresent() {
    try {
      Class.forName(
          "com.zaxxer.hikari.HikariDataSource", false, HikariPools.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** The pool that this data source is, or wraps; null if it is none. */
  static @Nullable HikariDataSource of(DataSource dataSource) throws SQLException {
    return PRESENT && dataSource.isWrapperFor(HikariDataSource.class)
        ? dataSource.unwrap(HikariDataSource.class)
        : null;
  }
}
