package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Something to do with a connection. */
@FunctionalInterface
public interface SqlFunction<T extends @Nullable Object> {
  T apply(Connection connection) throws SQLException;
}
