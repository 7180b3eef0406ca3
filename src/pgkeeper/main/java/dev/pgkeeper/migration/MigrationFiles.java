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
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * The SQL files of one release, in the order in which they are run: first those that have history,
 * then the definitions.
 *
 * @param versioned the file at index 0 leads to version 1
 * @param definitions sorted by description, as Flyway does
 */
record MigrationFiles(List<MigrationFile> versioned, List<MigrationFile> definitions) {

  private static final String FIRST = "V001__sessions_and_roles.sql";

  private static final MigrationFiles OF_THIS_JAR = readAll();

  static MigrationFiles ofThisJar() {
    return OF_THIS_JAR;
  }

  /** Sorts the files of a release; the map has their contents by their names. */
  static MigrationFiles of(Map<String, String> contents) {
    List<MigrationFile> all =
        new TreeMap<>(contents)
            .entrySet().stream()
                .map(file -> MigrationFile.of(file.getKey(), file.getValue()))
                .toList();
    List<MigrationFile> versioned = all.stream().filter(file -> !file.isRepeatable()).toList();
    for (int i = 0; i < versioned.size(); i++) {
      MigrationFile file = versioned.get(i);
      if (file.version() <= i) {
        throw new IllegalStateException(
            "pgkeeper's migrations have two files of version %d: %s and %s. A build directory may have kept one that is gone; empty it"
                .formatted(file.version(), versioned.get(i - 1).name(), file.name()));
      }
      if (file.version() > i + 1) {
        throw new IllegalStateException("pgkeeper's migrations have a gap before " + file.name());
      }
    }
    return new MigrationFiles(
        versioned,
        all.stream()
            .filter(MigrationFile::isRepeatable)
            .sorted(Comparator.comparing(MigrationFile::description))
            .toList());
  }

  /** The version that a schema has once these files have been run. */
  int latest() {
    return versioned.size();
  }

  /** What is to be run on a schema of this version, if all definitions have to be run again. */
  List<MigrationFile> after(int version) {
    return Stream.concat(
            versioned.subList(version, versioned.size()).stream(), definitions.stream())
        .toList();
  }

  private static MigrationFiles readAll() {
    URL first = MigrationFiles.class.getResource(FIRST);
    if (first == null) {
      throw new IllegalStateException(
          "pgkeeper's migrations are not on the class path: " + FIRST + " is missing from its jar");
    }
    try {
      Map<String, String> contents = new TreeMap<>();
      for (String name : namesBeside(first)) {
        contents.put(name, read(name));
      }
      return of(contents);
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("pgkeeper's migrations cannot be listed at " + first, e);
    }
  }

  /** From a directory of classes or from a jar, nested ones included. */
  private static List<String> namesBeside(URL file) throws IOException, URISyntaxException {
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
            .filter(MigrationFile::isName)
            .toList();
      }
    }
    try (Stream<Path> beside = Files.list(Path.of(file.toURI()).resolveSibling(""))) {
      return beside
          .map(path -> path.getFileName().toString())
          .filter(MigrationFile::isName)
          .toList();
    }
  }

  private static String read(String name) {
    try (InputStream in = MigrationFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("pgkeeper's migration " + name + " cannot be read");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("pgkeeper's migration " + name + " cannot be read", e);
    }
  }
}
