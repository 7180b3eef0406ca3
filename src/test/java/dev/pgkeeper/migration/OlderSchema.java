package dev.pgkeeper.migration;

import dev.pgkeeper.testing.TestDatabase;

/** Schemas as they were before the last migrations. */
public final class OlderSchema {
  private OlderSchema() {}

  /** Makes the schema, which does not exist yet, as it was at this version. */
  public static void make(TestDatabase database, int version) {
    MigrationFiles files = MigrationFiles.ofThisJar();
    database.runScript(
        MigrationScript.of(
            database.schema(),
            new MigrationFiles(files.versioned().subList(0, version), files.definitions()),
            0));
  }
}
