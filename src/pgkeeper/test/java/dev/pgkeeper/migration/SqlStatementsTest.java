package dev.pgkeeper.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SqlStatementsTest {

  private static void assertSplit(String sql, String... statements) {
    assertThat(SqlStatements.of(sql)).isEqualTo(List.of(statements));
  }

  @Test
  void aSemicolonEndsAStatement() {
    assertSplit("SELECT 1;\nSELECT 2 ; SELECT 3", "SELECT 1", "SELECT 2", "SELECT 3");
    assertSplit("-- nothing but words;\n\n;\n");
  }

  @Test
  void whatIsQuotedOrSaidEndsNone() {
    assertSplit(
        "SELECT 'a;''b;', \"c;d\" -- e;\n/* f; */, 1; SELECT 2",
        "SELECT 'a;''b;', \"c;d\" -- e;\n/* f; */, 1",
        "SELECT 2");
    assertSplit(
        "DO $$ BEGIN x; END $$; DO $a$ y; $$ z; $$ $a$; SELECT $1; SELECT 1",
        "DO $$ BEGIN x; END $$",
        "DO $a$ y; $$ z; $$ $a$",
        "SELECT $1",
        "SELECT 1");
  }

  @Test
  void aBodyWithoutQuotesIsOneStatement() {
    String function =
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC\n  SELECT CASE WHEN a THEN 1 END;"
            + "\n  SELECT CASE b WHEN 1 THEN CASE c WHEN 2 THEN 3 END END;\nEND";
    assertSplit(function + ";\nSELECT 1;", function, "SELECT 1");
    assertSplit("BEGIN; SELECT ended; END; SELECT 1", "BEGIN", "SELECT ended", "END", "SELECT 1");
  }
}
