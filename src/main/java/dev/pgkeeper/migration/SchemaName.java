package dev.pgkeeper.migration;

import java.util.regex.Pattern;

/** The rule for a schema's name: it is written into SQL as it is, so it must never need quoting. */
public final class SchemaName {

  private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_]{0,39}");

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
    return schema;
  }
}
