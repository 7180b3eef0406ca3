package dev.pgkeeper.migration;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a schema to the version that this jar speaks.
 *
 * <p>There are two kinds of files. What has history, tables and their data, is in files with a
 * version, each of which is run once. What is defined, functions and views, is in files that have
 * it as it is now; each is run again whenever its content has changed, after all files with a
 * version.
 *
 * <p>All files that are due are run in one transaction on one connection. Whoever else migrates
 * this schema meanwhile is kept away by a row of the history that this transaction has locked, or
 * by the schema that it is creating; it looks again and finds nothing left to do. An advisory lock
 * would not do: any role that may connect could take it. The transaction waits for no lock longer
 * than a second, because everybody who wants to read a view that it replaces waits behind it: then
 * it gives way, and is tried again. A schema that is up to date costs a query.
 *
 * <p>The history is Flyway's, in the schema itself. So a schema made by {@link #script}, or by
 * Flyway from the same files, is the same, and each of the three goes on from where another ended.
 */
public final class Migrations {

  private static final Logger log = LoggerFactory.getLogger(Migrations.class);

  private static final Duration LOCK_LIMIT = Duration.ofMinutes(5);

  /** Somebody else has a lock. */
  private static final Set<String> LOCKED = Set.of("55P03", "40P01");

  /** Somebody else creates the schema, or the first table in it, at this moment. */
  private static final Set<String> CREATED = Set.of("23505", "42P06", "42P07");

  private Migrations() {}

  /** The version that a schema has after {@link #migrate}. */
  public static int latest() {
    return MigrationFiles.ofThisJar().latest();
  }

  /**
   * Brings the schema to this jar's version, creating it if it is missing, and defines its
   * functions and views anew where they differ from this jar's. A schema of a newer pgkeeper that
   * still serves this version is left as it is.
   *
   * @throws IllegalArgumentException if the name is no plain identifier
   * @throws MigrationException if the schema is not of this version afterwards
   */
  public static Migrated migrate(DataSource dataSource, String schema) {
    return migrate(dataSource, schema, MigrationFiles.ofThisJar());
  }

  static Migrated migrate(DataSource dataSource, String schema, MigrationFiles files) {
    SchemaName.check(schema);
    String where = "schema \"" + schema + "\"";
    try (Connection connection = PlainSession.of(dataSource)) {
      where = where(connection, schema);
      Due due = due(connection, schema, where, files);
      if (due.files().isEmpty()) {
        return due.done();
      }
      connection.setAutoCommit(false);
      return migrate(connection, schema, where, files);
    } catch (SQLException e) {
      throw new MigrationException(
          "The "
              + where
              + " could not be brought to version "
              + files.latest()
              + ": "
              + e.getMessage()
              + ". Nothing of it was changed. The right to create is needed; without it, let the database's"
              + " administrator run the SQL that Migrations.script prints.",
          e);
    }
  }

  /**
   * Tries until nobody is in the way. Waits between the tries, and for a second at most inside one:
   * a statement that waits keeps vacuum from cleaning up.
   */
  private static Migrated migrate(
      Connection connection, String schema, String where, MigrationFiles files)
      throws SQLException {
    long deadline = System.nanoTime() + LOCK_LIMIT.toNanos();
    while (true) {
      Due due = due(connection, schema, where, files);
      try {
        if (!due.files().isEmpty()) {
          lock(connection, schema, due);
          due = due(connection, schema, where, files);
          run(connection, schema, due);
        }
        connection.commit();
        Migrated migrated = due.done();
        log.info("The {} {}", where, migrated);
        return migrated;
      } catch (SQLException e) {
        connection.rollback();
        boolean isCreated = due.version() == 0 && CREATED.contains(e.getSQLState());
        if (!isCreated && !LOCKED.contains(e.getSQLState())) {
          throw e;
        } else if (System.nanoTime() > deadline) {
          throw new MigrationException(
              "The "
                  + where
                  + " could not be migrated for "
                  + LOCK_LIMIT.toMinutes()
                  + " minutes, because others use it without a pause: "
                  + e.getMessage()
                  + ". Nothing of it was changed. See who is in the way in pg_locks and pg_stat_activity.",
              e);
        }
        log.debug("the {} is in use, trying again: {}", where, e.getMessage());
        pause(where);
      }
    }
  }

  private static void pause(String where) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(50, 150));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException("Interrupted while another process migrated the " + where, e);
    }
  }

  /** Keeps others who migrate away, unless the schema is yet to be created. */
  private static void lock(Connection connection, String schema, Due due) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET LOCAL lock_timeout = '1s'");
      if (due.version() > 0) {
        statement.execute(HistoryTable.lock(schema));
      }
    }
  }

  /** The SQL that creates the schema at this jar's version, for those who run it themselves. */
  public static String script(String schema) {
    return script(schema, 0);
  }

  /**
   * The SQL that brings a schema from a version to this jar's, in one transaction, for those who
   * run it themselves with psql. (The driver cannot tell where bodies of functions end that are
   * written without quotes; with preferQueryMode=simple it leaves that to the server.) It refuses a
   * schema of another version, defines all functions and views anew, and leaves the history that
   * {@link #migrate} continues.
   *
   * @param fromVersion the version that the schema has, 0 if it does not exist
   */
  public static String script(String schema, int fromVersion) {
    SchemaName.check(schema);
    if (fromVersion < 0 || fromVersion > latest()) {
      throw new IllegalArgumentException(
          "There is no script from version " + fromVersion + "; give 0 to " + latest());
    }
    return MigrationScript.of(schema, MigrationFiles.ofThisJar(), fromVersion);
  }

  /**
   * What a schema needs.
   *
   * @param version the version that it has, 0 if it is missing or empty
   * @param files what has to be run, in this order
   */
  private record Due(int version, List<MigrationFile> files) {

    /** What there is to say once these files have been run. */
    Migrated done() {
      int to = version;
      boolean renewed = false;
      for (MigrationFile file : files) {
        to = Math.max(to, file.version());
        renewed |= file.isRepeatable();
      }
      return new Migrated(version, to, renewed);
    }
  }

  private static void run(Connection connection, String schema, Due due) throws SQLException {
    if (due.version() == 0) {
      create(connection, schema);
    }
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      for (MigrationFile file : due.files()) {
        long began = System.nanoTime();
        try {
          for (String each : SqlStatements.of(file.sqlFor(schema))) {
            statement.execute(each);
          }
        } catch (SQLException e) {
          throw new SQLException(file.name() + ": " + e.getMessage(), e.getSQLState(), e);
        }
        long took = Duration.ofNanos(System.nanoTime() - began).toMillis();
        statement.execute(HistoryTable.entry(schema, file, took));
        log.debug("{} was run in {} ms", file.name(), took);
      }
    }
  }

  /**
   * The schema, only where it is missing: the right to create one is not needed where an
   * administrator made it. And the table of its history.
   */
  private static void create(Connection connection, String schema) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      if (!exists(connection, "SELECT FROM pg_namespace WHERE nspname = ?", schema)) {
        statement.execute("CREATE SCHEMA " + schema);
      }
      statement.execute(HistoryTable.creation(schema));
    }
  }

  /** Nothing is due for a newer schema that still serves this jar. */
  private static Due due(Connection connection, String schema, String where, MigrationFiles files)
      throws SQLException {
    SchemaOwner.check(connection, schema, where);
    if (!exists(
        connection, "SELECT WHERE to_regclass(?) IS NOT NULL", schema + "." + HistoryTable.NAME)) {
      if (exists(connection, SchemaOwner.ANYTHING_THERE, schema)) {
        throw new MigrationException(
            "The "
                + where
                + " has tables, functions or types, but not pgkeeper's. Choose another name for pgkeeper's schema, one"
                + " that nobody else uses.");
      }
      return new Due(0, files.after(0));
    }
    Due due = recorded(connection, schema, where, files);
    if (due.version() > files.latest()) {
      long oldest = number(connection, "SELECT oldest_client FROM " + schema + ".protocol()");
      if (oldest > files.latest()) {
        throw new MigrationException(
            "The "
                + where
                + " has version "
                + due.version()
                + ", which serves clients from version "
                + oldest
                + " on; this pgkeeper has version "
                + files.latest()
                + ". Use a newer pgkeeper.");
      }
      return new Due(due.version(), List.of());
    }
    return due;
  }

  /**
   * What is due by the history, whose versions must be the files of this jar. Definitions are due
   * where they had another content when they were last run, by whatever ran them.
   */
  private static Due recorded(
      Connection connection, String schema, String where, MigrationFiles files)
      throws SQLException {
    int newest = 0;
    Map<String, Integer> definitions = new HashMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT version::integer, description, checksum FROM "
                    + schema
                    + "."
                    + HistoryTable.NAME
                    + " WHERE success ORDER BY installed_rank")) {
      while (row.next()) {
        int version = row.getInt(1);
        if (row.wasNull()) {
          definitions.put(row.getString(2), row.getInt(3));
          continue;
        }
        newest = Math.max(newest, version);
        if (version <= files.latest()
            && files.versioned().get(version - 1).checksum(schema) != row.getInt(3)) {
          throw new MigrationException(
              "The "
                  + where
                  + " was made with another content of "
                  + files.versioned().get(version - 1).name()
                  + " than this pgkeeper has. Use the pgkeeper that made it, or a released one that is newer.");
        }
      }
    }
    return new Due(
        newest,
        files.after(Math.min(newest, files.latest())).stream()
            .filter(
                file ->
                    !file.isRepeatable()
                        || !Objects.equals(
                            definitions.get(file.description()), file.checksum(schema)))
            .toList());
  }

  private static String where(Connection connection, String schema) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT current_database(), current_user, pg_is_in_recovery()")) {
      row.next();
      String where =
          "schema \""
              + schema
              + "\" of database \""
              + row.getString(1)
              + "\" (as role \""
              + row.getString(2)
              + "\")";
      if (row.getBoolean(3)) {
        throw new MigrationException(
            "The "
                + where
                + " is on a standby, which cannot be written. Connect to the primary, for example with"
                + " targetServerType=primary in the URL.");
      }
      return where;
    }
  }

  private static boolean exists(Connection connection, String query, String argument)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      statement.setString(1, argument);
      try (ResultSet row = statement.executeQuery()) {
        return row.next();
      }
    }
  }

  private static long number(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getLong(1);
    }
  }
}
