package dev.pgkeeper.bench.server;

import dev.pgkeeper.testing.PrivateServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Every statement that clients send to a private server, out of the server's own log. A pool's
 * empty queries, which only see whether a connection still lives, are not in it.
 */
public final class StatementLog {
  /** What the server has to be started with. */
  public static final Map<String, String> SETTINGS =
      Map.of(
          "logging_collector", "on",
          "log_directory", "statements",
          "log_filename", "log",
          "log_rotation_size", "0",
          "log_statement", "all",
          "log_parameter_max_length", "0",
          "log_line_prefix", "%u@%d ");

  private static final Pattern STATEMENT =
      Pattern.compile("LOG: {2}(?:statement|execute [^:]*): (.+)");

  private final Path file;
  private final String prefix;
  private long start;

  /** What this role sends in this database. */
  public StatementLog(PrivateServer server, String role, String database) {
    file = server.dataDirectory().resolve("statements").resolve("log");
    prefix = role + "@" + database + " ";
  }

  /** Statements count from now on. */
  public void begin() {
    start = file.toFile().length();
  }

  /** How often each statement was sent since; of a long one, its first line. */
  public Map<String, Integer> end() {
    Map<String, Integer> counts = new HashMap<>();
    try (RandomAccessFile log = new RandomAccessFile(file.toFile(), "r")) {
      byte[] bytes = new byte[Math.toIntExact(log.length() - start)];
      log.seek(start);
      log.readFully(bytes);
      new String(bytes, StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.startsWith(prefix))
          .map(line -> STATEMENT.matcher(line.substring(prefix.length())))
          .filter(Matcher::matches)
          .forEach(matcher -> counts.merge(matcher.group(1), 1, Integer::sum));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return counts;
  }
}
