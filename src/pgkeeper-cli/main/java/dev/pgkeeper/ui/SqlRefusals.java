package dev.pgkeeper.ui;

import java.sql.SQLException;

/** What the database refuses, as the page tells it. */
final class SqlRefusals {
  private SqlRefusals() {}

  static Refused of(Source source, SQLException e) {
    return new Refused(status(String.valueOf(e.getSQLState())), source.explain(e), e);
  }

  private static int status(String state) {
    if (state.startsWith("08") || state.startsWith("57P") || state.startsWith("53")) {
      return 503; // the database cannot be asked
    } else if (state.equals("42501")) {
      return 403;
    } else if (state.equals("PK004")) {
      return 404;
    } else if (state.startsWith("22")) {
      return 400;
    } else if (state.equals("57014")) {
      return 504; // it took too long
    }
    return 409;
  }
}
