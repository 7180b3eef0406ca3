package dev.pgkeeper.migration;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * One of the SQL files beside this class: {@code V003__tree.sql} leads to version 3 of the schema.
 */
record MigrationFile(int version, String name, String sql) {

  private static final String FIRST = "V001__tables.sql";
  private static final Pattern NAME = Pattern.compile("V(\\d{3})__(\\w+)\\.sql");

  private static final List<MigrationFile> ALL = readAll();

  /** All of them, in the order in which they are run; the first leads to version 1. */
  static List<MigrationFile> all() {
    return ALL;
  }

  /** The number as Flyway's history has it. */
  String versionText() {
    return name.substring(1, 4);
  }

  /** What Flyway makes of the name. */
  String description() {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalStateException(name);
    }
    return matcher.group(2).replace('_', ' ');
  }

  /** What Flyway's history keeps, to find out that a file was changed after it had been run. */
  int checksum() {
    CRC32 crc = new CRC32();
    sql.lines().forEach(line -> crc.update(line.getBytes(StandardCharsets.UTF_8)));
    return (int) crc.getValue();
  }

  /** The SQL with the schema's name in it. */
  String sqlFor(String schema) {
    return sql.replace("${schema}", schema);
  }

  private static List<MigrationFile> readAll() {
    URL first = MigrationFile.class.getResource(FIRST);
    if (first == null) {
      throw new IllegalStateException(
          "pgkeeper's migrations are not on the class path: " + FIRST + " is missing from its jar");
    }
    try {
      List<MigrationFile> files = namesBeside(first).sorted().map(MigrationFile::read).toList();
      for (int i = 0; i < files.size(); i++) {
        if (files.get(i).version() != i + 1) {
          throw new IllegalStateException(
              "pgkeeper's migrations have a gap before " + files.get(i).name());
        }
      }
      return files;
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("pgkeeper's migrations cannot be listed at " + first, e);
    }
  }

  /** From a directory of classes or from a jar, nested ones included. */
  private static Stream<String> namesBeside(URL file) throws IOException, URISyntaxException {
    URLConnection connection = file.openConnection();
    if (connection instanceof JarURLConnection entry) {
      String folder =
          entry.getEntryName().substring(0, entry.getEntryName().length() - FIRST.length());
      entry.setUseCaches(false);
      try (JarFile jar = entry.getJarFile()) {
        return jar.stream()
            .map(each -> each.getName())
            .filter(name -> name.startsWith(folder))
            .map(name -> name.substring(folder.length()))
            .filter(name -> NAME.matcher(name).matches())
            .toList()
            .stream();
      }
    }
    try (Stream<Path> beside = Files.list(Path.of(file.toURI()).resolveSibling(""))) {
      return beside
          .map(path -> path.getFileName().toString())
          .filter(name -> NAME.matcher(name).matches())
          .toList()
          .stream();
    }
  }

  private static MigrationFile read(String name) {
    try (InputStream in = MigrationFile.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("pgkeeper's migration " + name + " cannot be read");
      }
      String sql = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return new MigrationFile(Integer.parseInt(name.substring(1, 4)), name, sql);
    } catch (IOException e) {
      throw new UncheckedIOException("pgkeeper's migration " + name + " cannot be read", e);
    }
  }
}
