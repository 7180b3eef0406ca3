package dev.pgkeeper.migration;

import dev.pgkeeper.testing.TestDatabase;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Schemas as they were before the last migrations.
 *
 * <p>An older release is made of the present files: of those with a version it has the first ones,
 * and of the definitions those that its tables carry. Each definition had another content then, so
 * that bringing the schema up defines everything anew.
 */
public final class OlderSchema {

  private static final Pattern TABLE_OR_TYPE =
      Pattern.compile("CREATE (?:UNLOGGED )?(?:TABLE|TYPE|FUNCTION) \\$\\{schema}\\.(\\w+)");
  private static final Pattern DEFINED =
      Pattern.compile("CREATE OR REPLACE (?:FUNCTION|PROCEDURE|VIEW) \\$\\{schema}\\.(\\w+)");
  private static final Pattern NAMED = Pattern.compile("\\$\\{schema}\\.(\\w+)");

  private OlderSchema() {}

  /** Makes the schema, which does not exist yet, as it was at this version. */
  public static void make(TestDatabase database, int version) {
    release(version).runScript(database, 0);
  }

  /** The files of the release that made this version. */
  static Release release(int version) {
    MigrationFiles present = MigrationFiles.ofThisJar();
    Map<String, String> contents = new TreeMap<>();
    Set<String> unknown = new TreeSet<>();
    for (MigrationFile file : present.versioned()) {
      if (file.version() <= version) {
        contents.put(file.name(), file.sql());
      } else {
        unknown.addAll(all(TABLE_OR_TYPE, file.sql()));
      }
    }
    for (MigrationFile file : present.definitions()) {
      if (all(NAMED, file.sql()).stream().anyMatch(unknown::contains)) {
        unknown.addAll(all(DEFINED, file.sql()));
      } else {
        contents.put(file.name(), asItWas(file.sql(), version));
      }
    }
    return new Release(contents);
  }

  private static String asItWas(String sql, int version) {
    return sql.replace(" AS $$\n", " AS $$ -- as it was\n")
            .replaceFirst(
                "SELECT %1$d, \\d+;".formatted(Migrations.latest()),
                "SELECT %1$d, %1$d;".formatted(version))
        + "-- Of version "
        + version
        + "\n";
  }

  private static Set<String> all(Pattern pattern, String sql) {
    return pattern
        .matcher(sql)
        .results()
        .map((MatchResult found) -> found.group(1))
        .collect(Collectors.toSet());
  }
}
