package dev.pgkeeper.ui;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** A test's database as the page sees it, with the rights of a role. */
record TestSource(TestDatabase database, String role) implements Source {
  @Override
  public Connection connect() throws SQLException {
    return DriverManager.getConnection(
        database.jdbcUrl() + (role.isEmpty() ? "" : "&options=-crole=" + role));
  }

  @Override
  public String schema() {
    return database.schema();
  }

  @Override
  public String where() {
    return "the test's server";
  }

  @Override
  public String explain(SQLException e) {
    return String.valueOf(e.getMessage());
  }
}
