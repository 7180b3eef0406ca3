package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Functions that people and clients in other languages may call are told apart from the others. */
class PublicFunctionsTest {

  private static final Path LIST = Path.of("docs", "sql-functions.md");
  private static final Path GUIDE = Path.of("docs", "sql.md");

  /** What {@code psql} makes of {@code \\df+ pgkeeper.[a-z]*}. */
  private static final String SHOWN = "p.proname ~ '^([a-z].*)$' COLLATE pg_catalog.default";

  private static final String OURS =
      " FROM pg_proc p WHERE p.pronamespace = '${schema}'::regnamespace AND ";

  private static final Pattern COMMENT =
      Pattern.compile(
          "(?m)^COMMENT ON (?:FUNCTION|PROCEDURE) \\$\\{schema}\\.(\\w+)\\([^)]*\\) IS\\s+'((?:[^']|'')*)';");

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static String names(String condition) {
    return database.queryString(
        "SELECT coalesce(string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname), '')"
            + OURS
            + condition);
  }

  @Test
  void theCommandOfTheGuideListsThoseThatHaveACommentAndNoOthers() throws IOException {
    assertThat(Files.readString(GUIDE)).contains("`\\df+ pgkeeper.[a-z]*`");
    assertThat(names(SHOWN + " AND obj_description(p.oid, 'pg_proc') IS NULL")).isEmpty();
    assertThat(names("NOT " + SHOWN + " AND obj_description(p.oid, 'pg_proc') IS NOT NULL"))
        .isEmpty();
    assertThat(names(SHOWN)).contains("enqueue", "break_lock", "request_join");
  }

  @Test
  void allOthersBeginWithAnUnderscore() {
    assertThat(names("NOT " + SHOWN + " AND p.proname NOT LIKE '\\_%'")).isEmpty();
  }

  @Test
  void theListOfFunctionsIsWhatTheCommentsSay() throws IOException {
    String actual = list();
    if (Boolean.getBoolean("pgkeeper.snapshot.update")) {
      Files.writeString(LIST, actual);
    }
    assertThat(Files.readString(LIST))
        .as("mvn test -Dtest=PublicFunctionsTest -Dpgkeeper.snapshot.update=true makes it anew")
        .isEqualTo(actual);
    for (String name : names(SHOWN).split(" ")) {
      assertThat(actual).contains("| `" + name + "` |");
    }
  }

  private static String list() {
    StringBuilder list = new StringBuilder();
    list.append("# SQL functions\n\n");
    list.append(
        "What people and clients in other languages may call, by subject: see [SQL](sql.md).");
    list.append(" `\\df+ pgkeeper.[a-z]*` shows the arguments too.\n");
    for (MigrationFile file : MigrationFiles.ofThisJar().definitions()) {
      String subject = file.description().substring(3);
      StringBuilder rows = new StringBuilder();
      COMMENT.matcher(file.sql()).results().forEach(found -> rows.append(row(found)));
      if (!rows.isEmpty()) {
        list.append("\n## ")
            .append(Character.toUpperCase(subject.charAt(0)))
            .append(subject.substring(1))
            .append("\n\n| function | what it does |\n|---|---|\n")
            .append(rows);
      }
    }
    return list.toString();
  }

  private static String row(MatchResult found) {
    String what =
        found
            .group(2)
            .replace("''", "'")
            .replace("${schema}", "pgkeeper")
            .replace("<", "&lt;")
            .replace("|", "&#124;");
    return "| `" + found.group(1) + "` | " + what + " |\n";
  }
}
