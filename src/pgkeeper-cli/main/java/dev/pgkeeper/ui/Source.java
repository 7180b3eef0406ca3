package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.SQLException;

/** The database that the page shows. */
public interface Source {
  /** A connection of the caller's own. */
  Connection connect() throws SQLException;

  /** The schema's name, checked to be one. */
  String schema();

  /** Host, port and database, for people. */
  String where();

  /** What went wrong, in one line for people. */
  String explain(SQLException e);
}
