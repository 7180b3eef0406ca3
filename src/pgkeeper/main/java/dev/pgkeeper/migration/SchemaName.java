package dev.pgkeeper.migration;

import java.util.Set;
import java.util.regex.Pattern;

/** The rule for a schema's name: it is written into SQL as it is, so it must never need quoting. */
public final class SchemaName {

  private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_]{0,39}");

  /** Words that PostgreSQL 14 to 18 take for a schema's name only in quotes. */
  private static final Set<String> RESERVED =
      Set.of(
          """
          all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
          collation column concurrently constraint create cross current_catalog current_date current_role
          current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
          except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
          is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
          only or order outer overlaps placing primary references returning right select session_user similar some
          symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when
          where window with
          """
              .strip()
              .split("\\s+"));

  private SchemaName() {}

  /**
   * Returns the name if it is a plain identifier.
   *
   * @throws IllegalArgumentException if it is not, saying which rule it breaks
   */
  public static String check(String schema) {
    if (!PLAIN.matcher(schema).matches()) {
      throw new IllegalArgumentException(
          "The schema name \""
              + schema
              + "\" is not a plain identifier. Choose one of 1 to 40 characters, a to z, 0 to 9 and"
              + " _, which does not begin with a digit.");
    }
    if (schema.startsWith("pg_")) {
      throw new IllegalArgumentException(
          "The schema name \""
              + schema
              + "\" begins with pg_, which PostgreSQL keeps for itself. Choose another one.");
    }
    if (RESERVED.contains(schema)) {
      throw new IllegalArgumentException(
          "The schema name \"" + schema + "\" is a word of SQL. Choose another one.");
    }
    return schema;
  }
}
