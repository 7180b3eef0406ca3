package dev.pgkeeper.migration;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * One of the SQL files beside this class. {@code V003__lines.sql} has history: it leads to version
 * 3 of the schema, and is run once. {@code R__10_tree.sql} has definitions as they are now: it is
 * run again whenever its content has changed. The names, their order and the checksums are
 * Flyway's.
 *
 * @param version the version that the file leads to, 0 for a file of definitions
 */
record MigrationFile(int version, String name, String sql) {

  private static final Pattern NAME = Pattern.compile("(?:V(\\d{3})|R)__(\\w+)\\.sql");

  static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  static MigrationFile of(String name, String sql) {
    String version = parsed(name).group(1);
    return new MigrationFile(version == null ? 0 : Integer.parseInt(version), name, sql);
  }

  /** Whether this file has definitions, and is run again when its content has changed. */
  boolean isRepeatable() {
    return version == 0;
  }

  /** The version as a literal of SQL, as Flyway's history has it. */
  String versionLiteral() {
    return isRepeatable() ? "NULL" : "'" + parsed(name).group(1) + "'";
  }

  /** What Flyway makes of the name. */
  String description() {
    return parsed(name).group(2).replace('_', ' ');
  }

  /**
   * What Flyway's history keeps, to find out that a file was changed after it had been run. Flyway
   * computes it from a file of definitions with the schema's name in it, and from other files as
   * they are.
   */
  int checksum(String schema) {
    CRC32 crc = new CRC32();
    String content = isRepeatable() ? sqlFor(schema) : sql;
    content.lines().forEach(line -> crc.update(line.getBytes(StandardCharsets.UTF_8)));
    return (int) crc.getValue();
  }

  /** The SQL with the schema's name in it. */
  String sqlFor(String schema) {
    return sql.replace("${schema}", schema);
  }

  private static Matcher parsed(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalStateException(name);
    }
    return matcher;
  }
}
