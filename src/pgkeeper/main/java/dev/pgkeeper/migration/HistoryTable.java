package dev.pgkeeper.migration;

/** Which files were run: the table that Flyway would have made, and goes on with. */
final class HistoryTable {
  static final String NAME = "migration_history";

  private HistoryTable() {}

  static String creation(String schema) {
    return """
        CREATE TABLE IF NOT EXISTS %1$s.%2$s (
          installed_rank integer NOT NULL,
          version        varchar(50),
          description    varchar(200) NOT NULL,
          type           varchar(20) NOT NULL,
          script         varchar(1000) NOT NULL,
          checksum       integer,
          installed_by   varchar(100) NOT NULL,
          installed_on   timestamp NOT NULL DEFAULT now(),
          execution_time integer NOT NULL,
          success        boolean NOT NULL,
          CONSTRAINT %2$s_pk PRIMARY KEY (installed_rank)
        );
        CREATE INDEX IF NOT EXISTS %2$s_s_idx ON %1$s.%2$s (success);
        """
        .formatted(schema, NAME);
  }

  /**
   * Locks its first row until the transaction ends, which nobody can who may not write here. Others
   * who find it locked are refused at once.
   */
  static String lock(String schema) {
    return "SELECT FROM %s.%s ORDER BY installed_rank LIMIT 1 FOR UPDATE NOWAIT"
        .formatted(schema, NAME);
  }

  /**
   * Notes that a file was run. A file of definitions that had the same content when it was last run
   * is not noted again: a script runs all of them, and leaves the history that Flyway would.
   */
  static String entry(String schema, MigrationFile file, long millis) {
    return """
        INSERT INTO %1$s.%2$s (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
          SELECT coalesce(max(installed_rank), 0) + 1, %3$s, '%4$s', 'SQL', '%5$s', %6$d, current_user, %7$d, true FROM %1$s.%2$s%8$s;
        """
        .formatted(
            schema,
            NAME,
            file.versionLiteral(),
            file.description(),
            file.name(),
            file.checksum(schema),
            millis,
            file.isRepeatable() ? unlessRunBefore(schema, file) : "");
  }

  private static String unlessRunBefore(String schema, MigrationFile file) {
    return """

            HAVING (SELECT h.checksum FROM %1$s.%2$s h WHERE h.version IS NULL AND h.description = '%3$s' AND h.success
              ORDER BY h.installed_rank DESC LIMIT 1) IS DISTINCT FROM %4$d"""
        .formatted(schema, NAME, file.description(), file.checksum(schema));
  }
}
