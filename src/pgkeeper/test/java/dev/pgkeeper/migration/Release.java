package dev.pgkeeper.migration;

import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/** SQL files as some release has them, for each of the three ways to run them. */
record Release(Map<String, String> contents) {

  /** The files of this jar. */
  static Release present() {
    Map<String, String> contents = new TreeMap<>();
    for (MigrationFile file : MigrationFiles.ofThisJar().after(0)) {
      contents.put(file.name(), file.sql());
    }
    return new Release(contents);
  }

  /** The same release with one more file, or with another content of one. */
  Release with(String name, String sql) {
    Map<String, String> changed = new TreeMap<>(contents);
    changed.put(name, sql);
    return new Release(changed);
  }

  MigrationFiles files() {
    return MigrationFiles.of(contents);
  }

  Migrated migrate(TestDatabase database) {
    return Migrations.migrate(database.plainDataSource(), database.schema(), files());
  }

  /** As an administrator does. */
  void runScript(TestDatabase database, int fromVersion) {
    database.runScript(MigrationScript.of(database.schema(), files(), fromVersion));
  }

  /** As an application would that has Flyway run all that it migrates; the folder must be empty. */
  Flyway flyway(TestDatabase database, Path folder) throws IOException {
    for (Map.Entry<String, String> file : contents.entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), file.getValue());
    }
    return configured(database).locations("filesystem:" + folder).load();
  }

  static FluentConfiguration configured(TestDatabase database) {
    return Flyway.configure()
        .dataSource(database.plainDataSource())
        .schemas(database.schema())
        .table(HistoryTable.NAME)
        .placeholders(Map.of("schema", database.schema()));
  }
}
