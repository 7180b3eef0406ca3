package dev.pgkeeper.migration;

import java.sql.SQLException;
import java.sql.Statement;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.callback.Callback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;

/**
 * Flyway puts the schema on the path. Each file is run without it, so that what is bound there is
 * bound to PostgreSQL's own names and to those that are written with a schema.
 */
final class PinnedPath implements Callback {

  @Override
  public boolean supports(Event event, Context context) {
    return event == Event.BEFORE_EACH_MIGRATE;
  }

  @Override
  public boolean canHandleInTransaction(Event event, Context context) {
    return true;
  }

  @Override
  public void handle(Event event, Context context) {
    try (Statement statement = context.getConnection().createStatement()) {
      statement.execute("SET LOCAL search_path = " + PlainSession.PATH);
    } catch (SQLException e) {
      throw new FlywayException("the search_path of the migration could not be set", e);
    }
  }

  @Override
  public String getCallbackName() {
    return "pinnedPath";
  }
}
