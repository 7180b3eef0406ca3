package dev.pgkeeper.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Whether this server and this schema will do, found out once at the start; each refusal says what
 * to do.
 */
public final class ServerCheck {
  /** The protocol this library speaks; a schema names the oldest that it still serves. */
  static final int PROTOCOL = 8;

  public static final int OLDEST_SERVER = 140_000;

  private ServerCheck() {}

  public static void pass(Database database) {
    database.read(
        connection -> {
          checkServer(connection);
          checkSchema(connection, database.schema());
          return true;
        });
  }

  private static void checkServer(Connection connection) throws SQLException {
    try (PreparedStatement statement =
            connection.prepareStatement(
                "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_version_num')::int,"
                    + " pg_catalog.current_setting('server_version'), pg_catalog.current_setting('transaction_read_only')::boolean");
        ResultSet row = statement.executeQuery()) {
      row.next();
      if (row.getBoolean(1)) {
        throw new IllegalStateException(
            "this server is a standby, and pgkeeper needs the primary. Connect there, for example with"
                + " targetServerType=primary in the URL");
      }
      if (row.getBoolean(4)) {
        throw new IllegalStateException(
            "this server is read-only (default_transaction_read_only is on), and pgkeeper has to write."
                + " Connect to the primary, or turn the setting off for this role");
      }
      if (row.getInt(2) < OLDEST_SERVER) {
        throw new IllegalStateException(
            "this server is PostgreSQL " + row.getString(3) + ", and pgkeeper needs 14 or newer");
      }
    }
  }

  private static void checkSchema(Connection connection, String schema) throws SQLException {
    int version;
    int oldestClient;
    try (PreparedStatement statement =
            connection.prepareStatement(
                "SELECT version, oldest_client FROM " + schema + ".protocol()");
        ResultSet row = statement.executeQuery()) {
      row.next();
      version = row.getInt(1);
      oldestClient = row.getInt(2);
    } catch (SQLException e) {
      if (SqlErrors.isSchemaMissing(e)) {
        throw new IllegalStateException(
            "there is no pgkeeper in the schema \""
                + schema
                + "\" of this database. Run Keeper.migrate(dataSource, \""
                + schema
                + "\") or \"pgkeeper migrate\" first, or name the right schema (KeeperOptions.withSchema, --schema)",
            e);
      }
      throw e;
    }
    if (version < PROTOCOL) {
      throw new IllegalStateException(
          "the schema \""
              + schema
              + "\" has version "
              + version
              + ", older than the "
              + PROTOCOL
              + " that this library needs. Run Keeper.migrate(dataSource, \""
              + schema
              + "\") or \"pgkeeper migrate\"");
    }
    if (oldestClient > PROTOCOL) {
      throw new IllegalStateException(
          "the schema \""
              + schema
              + "\" has version "
              + version
              + " and serves libraries from version "
              + oldestClient
              + " on; this one has "
              + PROTOCOL
              + ". Update the library");
    }
  }
}
