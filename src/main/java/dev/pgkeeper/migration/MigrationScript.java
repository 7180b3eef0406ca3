package dev.pgkeeper.migration;

import java.util.List;

/** What {@link Migrations#migrate} does, as SQL to be read and run by a person. */
final class MigrationScript {

  private MigrationScript() {}

  static String of(String schema, List<MigrationFile> files, int fromVersion) {
    StringBuilder script = new StringBuilder();
    script.append(head(schema, files.size(), fromVersion));
    for (MigrationFile file : files.subList(fromVersion, files.size())) {
      script.append("\n-- ---- ").append(file.name()).append("\n\n");
      script.append(file.sqlFor(schema).strip()).append("\n\n");
      script.append(record(schema, file));
    }
    script.append("\nCOMMIT;\n");
    return script.toString();
  }

  private static String head(String schema, int latest, int fromVersion) {
    return """
        -- pgkeeper's schema "%1$s": from version %2$d to %3$d, in one transaction.
        -- Run it as the role that is to own the schema: psql -v ON_ERROR_STOP=1 -f this-file
        BEGIN;
        SET LOCAL statement_timeout = 0;
        SET LOCAL client_min_messages = warning;
        SELECT pg_advisory_xact_lock(%4$d, hashtext('%1$s'));
        """
            .formatted(schema, fromVersion, latest, Migrations.LOCK_CLASS)
        + (fromVersion == 0 ? beginning(schema) : continuation(schema, fromVersion))
        + "SET LOCAL search_path = "
        + PlainSession.PATH
        + ";\n";
  }

  /** The history's table is what Flyway would have made. */
  private static String beginning(String schema) {
    return """

        DO $$
        BEGIN
          IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '%1$s') THEN
            RAISE EXCEPTION 'Schema %1$s is not empty. If it is pgkeeper''s, print the script from its version on.';
          END IF;
          IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '%1$s') THEN
            CREATE SCHEMA %1$s;
          END IF;
        END $$;

        CREATE TABLE %1$s.%2$s (
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
        CREATE INDEX %2$s_s_idx ON %1$s.%2$s (success);

        """
        .formatted(schema, Migrations.HISTORY);
  }

  private static String continuation(String schema, int fromVersion) {
    return """

        DO $$
        DECLARE
          found integer := (SELECT max(version::integer) FROM %1$s.%2$s WHERE success);
        BEGIN
          IF found IS DISTINCT FROM %3$d THEN
            RAISE EXCEPTION 'Schema %1$s has version %%, this script begins at %3$d. Print it from that version on.', found;
          END IF;
        END $$;

        """
        .formatted(schema, Migrations.HISTORY, fromVersion);
  }

  private static String record(String schema, MigrationFile file) {
    return """
        INSERT INTO %1$s.%2$s (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
          SELECT coalesce(max(installed_rank), 0) + 1, '%3$s', '%4$s', 'SQL', '%5$s', %6$d, current_user, 0, true FROM %1$s.%2$s;
        """
        .formatted(
            schema,
            Migrations.HISTORY,
            file.versionText(),
            file.description(),
            file.name(),
            file.checksum());
  }
}
