package dev.pgkeeper.migration;

/** What {@link Migrations#migrate} does, as SQL to be read and run by a person. */
final class MigrationScript {

  private MigrationScript() {}

  static String of(String schema, MigrationFiles files, int fromVersion) {
    StringBuilder script = new StringBuilder();
    script.append(head(schema, files.latest(), fromVersion));
    for (MigrationFile file : files.after(fromVersion)) {
      script.append("\n-- ---- ").append(file.name()).append("\n\n");
      script.append(file.sqlFor(schema).strip()).append("\n\n");
      script.append(HistoryTable.entry(schema, file, 0));
    }
    script.append("\nCOMMIT;\n");
    return script.toString();
  }

  private static String head(String schema, int latest, int fromVersion) {
    return """
        -- pgkeeper's schema "%1$s": from version %2$d to %3$d, in one transaction.
        -- Run it as the role that is to own the schema: psql -v ON_ERROR_STOP=1 -f this-file
        BEGIN;
        SET LOCAL search_path = %4$s;
        SET LOCAL statement_timeout = 0;
        SET LOCAL client_min_messages = warning;

        DO $$
        DECLARE
          stranger pg_catalog.record;
        BEGIN
          FOR stranger IN
        %5$s  LOOP
            RAISE EXCEPTION 'Schema %1$s is not safe: a stranger, %%, %%. Run this as the owner of the schema, or have it owned by this role alone.',
              stranger.role, stranger.why;
          END LOOP;
        END $$;
        """
            .formatted(
                schema,
                fromVersion,
                latest,
                PlainSession.PATH,
                SchemaOwner.STRANGER.formatted(schema).indent(4))
        + (fromVersion == 0 ? beginning(schema) : continuation(schema, fromVersion));
  }

  private static String beginning(String schema) {
    return """

        DO $$
        BEGIN
          IF EXISTS (%2$s) THEN
            RAISE EXCEPTION 'Schema %1$s is not empty. If it is pgkeeper''s, print the script from its version on.';
          END IF;
          IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '%1$s') THEN
            CREATE SCHEMA %1$s;
          END IF;
        END $$;

        """
            .formatted(schema, SchemaOwner.ANYTHING_THERE.replace("?", "'" + schema + "'"))
        + HistoryTable.creation(schema)
        + "\n";
  }

  private static String continuation(String schema, int fromVersion) {
    return "\n"
        + HistoryTable.lock(schema)
        + """
        ;

        DO $$
        DECLARE
          found integer := (SELECT max(version::integer) FROM %1$s.%2$s WHERE success);
        BEGIN
          IF found IS DISTINCT FROM %3$d THEN
            RAISE EXCEPTION 'Schema %1$s has version %%, this script begins at %3$d. Print it from that version on.', found;
          END IF;
        END $$;

        """
            .formatted(schema, HistoryTable.NAME, fromVersion);
  }
}
