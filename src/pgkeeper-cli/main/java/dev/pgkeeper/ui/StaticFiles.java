package dev.pgkeeper.ui;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The files of the page: these, and no others, whatever a request names. */
final class StaticFiles {
  private static final List<String> NAMES =
      List.of(
          "index.html",
          "icon.svg",
          "page.css",
          "page.js",
          "change.js",
          "chart.js",
          "dom.js",
          "format.js",
          "live.js",
          "view-elections.js",
          "view-history.js",
          "view-jobs.js",
          "view-locks.js",
          "view-overview.js",
          "view-parts.js",
          "view-queues.js",
          "view-sessions.js",
          "view-tree.js");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml");

  private final Map<String, StaticFile> files = new TreeMap<>();

  /** A file as it is sent. */
  record StaticFile(String type, byte[] bytes) {}

  StaticFiles() {
    NAMES.forEach(name -> files.put("/" + name, read(name)));
    files.put("/", read("index.html"));
  }

  /** What is at this path; null if there is nothing. */
  @Nullable StaticFile at(String path) {
    return files.get(path);
  }

  private static StaticFile read(String name) {
    String type = TYPES.getOrDefault(name.substring(name.indexOf('.') + 1), "text/plain");
    try (InputStream in = StaticFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new FileNotFoundException(name + " is missing beside " + StaticFiles.class);
      }
      return new StaticFile(type, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
