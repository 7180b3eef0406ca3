package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the two kinds of SQL files promise: see the head of {@code R__01_names_and_roles.sql}. */
class DefinitionsTest {

  private static final String NAME = "\\$\\{schema}\\.(\\w+)";
  private static final Pattern NAMED = Pattern.compile(NAME);
  private static final Pattern CREATED = Pattern.compile("(?m)^CREATE .*");
  private static final Pattern DEFINED =
      Pattern.compile("(?m)^CREATE OR REPLACE (?:FUNCTION|PROCEDURE|VIEW) " + NAME);
  private static final Pattern MADE =
      Pattern.compile("(?m)^CREATE (?:UNLOGGED )?(?:TABLE|TYPE|SEQUENCE|FUNCTION) " + NAME);
  private static final String PATH = "SET LOCAL search_path = pg_catalog, pg_temp;\n";

  private static Stream<MigrationFile> files() {
    return MigrationFiles.ofThisJar().after(0).stream();
  }

  private static Stream<MigrationFile> definitions() {
    return MigrationFiles.ofThisJar().definitions().stream();
  }

  /** Without comments, which may name what comes later. */
  private static String code(MigrationFile file) {
    return file.sql().replaceAll("--.*", "");
  }

  private static List<String> all(Pattern pattern, String sql) {
    return pattern.matcher(sql).results().map((MatchResult found) -> found.group(1)).toList();
  }

  /** PL/pgSQL finds out about a function only when it is called: so this reads the files. */
  @Test
  void whatAFileNamesIsInItOrInAFileBeforeIt() {
    Map<String, String> where = new HashMap<>();
    files()
        .forEach(
            file -> {
              all(file.isRepeatable() ? DEFINED : MADE, code(file))
                  .forEach(name -> where.putIfAbsent(name, file.name()));
            });
    List<String> before = new ArrayList<>();
    List<String> tooEarly = new ArrayList<>();
    files()
        .forEach(
            file -> {
              before.add(file.name());
              for (String name : new TreeSet<>(all(NAMED, code(file)))) {
                String home = where.get(name);
                if (home != null && !before.contains(home)) {
                  tooEarly.add(file.name() + " names " + name + " of " + home);
                }
              }
            });
    assertThat(where).hasSizeGreaterThan(300);
    assertThat(tooEarly).isEmpty();
  }

  @Test
  void aNameIsDefinedInOneFile() {
    Map<String, String> where = new HashMap<>();
    List<String> twice = new ArrayList<>();
    definitions()
        .forEach(
            file ->
                new TreeSet<>(all(DEFINED, code(file)))
                    .forEach(
                        name -> {
                          String other = where.put(name, file.name());
                          if (other != null) {
                            twice.add(name + " is in " + other + " and " + file.name());
                          }
                        }));
    assertThat(twice).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("files")
  void eachFileSetsThePathBeforeItNamesAnything(MigrationFile file) {
    assertThat(code(file).strip()).startsWith(PATH.strip());
  }

  @ParameterizedTest
  @MethodSource("definitions")
  void definitionsReplaceWhatIsThereAndEndWithPinsAndGrants(MigrationFile file) {
    assertThat(CREATED.matcher(code(file)).results().map(MatchResult::group))
        .allMatch(line -> line.matches("CREATE OR REPLACE (FUNCTION|PROCEDURE|VIEW) .*"));
    assertThat(file.sql())
        .endsWith(
            file.name().startsWith("R__01")
                ? "\nSELECT ${schema}._pin_all();\nSELECT ${schema}.grant_all();\n"
                : "\nSELECT ${schema}._pin_and_grant();\n")
        .doesNotContain("DROP ");
  }

  /** A function that is a setting has history; no table, constraint or index needs another one. */
  @Test
  void filesWithHistoryDefineNothingElse() {
    assertThat(
            MigrationFiles.ofThisJar().versioned().stream()
                .flatMap(file -> CREATED.matcher(code(file)).results().map(MatchResult::group))
                .filter(line -> line.matches("CREATE (OR REPLACE )?(FUNCTION|PROCEDURE|VIEW) .*")))
        .containsExactly("CREATE FUNCTION ${schema}._history_on() RETURNS boolean");
  }

  /** So a change to one file, which is run alone then, finds what it needs and breaks nothing. */
  @Test
  void eachFileCanBeRunAgainAlone() {
    try (TestDatabase database = TestDatabase.fresh()) {
      String before = MigrationsTest.bodies(database);
      definitions()
          .forEach(
              file -> database.runScript("BEGIN;\n" + file.sqlFor(database.schema()) + "COMMIT;"));
      assertThat(MigrationsTest.bodies(database)).isEqualTo(before);
    }
  }
}
