package dev.pgkeeper.cli.command;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Connections whose statements find PostgreSQL's own functions and operators, and nobody else's.
 * Where others may create in a schema on a role's path, as everybody may in {@code public} up to
 * PostgreSQL 14, what they put there would run as the operator, or superuser, who looks.
 *
 * <p>The path is asked for as the connection begins, because a statement that sets it would set it
 * for others too behind a pooler in transaction mode. A pooler that lets no such question through
 * is connected to without it: then the path is the role's.
 */
public final class PinnedSource extends PGSimpleDataSource {
  private static final long serialVersionUID = 1L;
  private static final String PIN = "-c search_path=pg_catalog,pg_temp";
  private static final String PROTOCOL_VIOLATION = "08P01";

  private @Nullable String ownOptions;
  private boolean pinned;

  /** From now on; to be called once all else is set. */
  void pin() {
    ownOptions = getOptions();
    setOptions(ownOptions == null ? PIN : ownOptions + " " + PIN);
    pinned = true;
  }

  /** What was asked for in the place of the path, for who connects in another way. */
  public @Nullable String ownOptions() {
    return pinned ? ownOptions : getOptions();
  }

  @Override
  public Connection getConnection(@Nullable String user, @Nullable String password)
      throws SQLException {
    try {
      return super.getConnection(user, password);
    } catch (SQLException e) {
      if (!pinned || !PROTOCOL_VIOLATION.equals(e.getSQLState())) {
        throw e;
      }
      setOptions(ownOptions);
      pinned = false;
      return super.getConnection(user, password);
    }
  }
}
