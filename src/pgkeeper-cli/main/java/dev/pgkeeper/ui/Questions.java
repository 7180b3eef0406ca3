package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the page asks for by itself: levels of the tree, and history. On one connection that can
 * only read, opened when it is first needed and again after it broke.
 */
final class Questions implements AutoCloseable {
  private static final int MOST_PATHS = 50;

  /** The node itself, and the first of its children: for each path that is open in the tree. */
  private static final String LEVELS =
      """
      SELECT coalesce(json_object_agg(asked.path, json_build_object(
          'node', (SELECT row_to_json(n) FROM (SELECT path, kind, version, data_length, children, session::text, alive, created, modified,
              extract(epoch FROM ttl) AS ttl, czxid::text, mzxid::text, pzxid::text FROM ${schema}.nodes WHERE nodes.path = asked.path) n),
          'rows', (SELECT json_agg(c) FROM (SELECT path, name, kind, children, data_length, version, alive, modified
              FROM ${schema}.nodes WHERE parent = asked.path ORDER BY name LIMIT asked.most) c)
        )), '{}')
      FROM unnest(?::text[], ?::int[]) AS asked (path, most)
      """;

  private static final String COLUMNS =
      """
      kind, path, recipe, what, token::text, session::text, client, host, pid, since, until, how, ended_by, why
      """;

  /** What ended last, of one path or job or of all. */
  private static final String HISTORY =
      "SELECT coalesce(json_agg(h), '[]') FROM (SELECT "
          + COLUMNS
          + " FROM ${schema}.history WHERE path = ? ORDER BY until DESC, since DESC LIMIT 200) h";

  private static final String HISTORY_OF_ALL =
      "SELECT coalesce(json_agg(h), '[]') FROM (SELECT "
          + COLUMNS
          + " FROM ${schema}.history ORDER BY until DESC, since DESC LIMIT 100) h";

  private static final String HELD_AT =
      "SELECT coalesce(json_agg(h), '[]') FROM (SELECT "
          + COLUMNS
          + " FROM ${schema}.held_at(?, ?::timestamptz)) h";

  private final Source source;
  private @Nullable Connection kept;

  Questions(Source source) {
    this.source = source;
  }

  /** The answer to this question as JSON. */
  String answer(String question, Map<String, List<String>> asked) throws Refused {
    return switch (question) {
      case "tree" -> levels(asked.getOrDefault("path", List.of("/")), asked);
      case "history" -> {
        String path = first(asked, "path");
        yield path == null ? ask(HISTORY_OF_ALL) : ask(HISTORY, path);
      }
      case "held_at" -> {
        String path = first(asked, "path");
        String at = first(asked, "at");
        if (path == null || at == null) {
          throw new Refused(400, "held_at needs a path and a moment; use ?path=/locks/a&at=...");
        }
        yield ask(HELD_AT, path, at);
      }
      default -> throw new Refused(404, "there is nothing called " + question);
    };
  }

  private String levels(List<String> paths, Map<String, List<String>> asked) throws Refused {
    if (paths.size() > MOST_PATHS) {
      throw new Refused(400, "at most " + MOST_PATHS + " paths can be asked for at once");
    }
    List<String> most = asked.getOrDefault("most", List.of());
    Integer[] mosts = new Integer[paths.size()];
    for (int i = 0; i < mosts.length; i++) {
      mosts[i] = i < most.size() ? number(most.get(i)) : 100;
    }
    return ask(LEVELS, paths.toArray(String[]::new), mosts);
  }

  private static int number(String text) throws Refused {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= 1000) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new Refused(400, "most is no number; use 1 to 1000", e);
    }
    throw new Refused(400, "most is too small or too large; use 1 to 1000");
  }

  private static @Nullable String first(Map<String, List<String>> asked, String name) {
    List<String> values = asked.get(name);
    return values == null || values.get(0).isEmpty() ? null : values.get(0);
  }

  private synchronized String ask(String question, Object... parameters) throws Refused {
    try {
      try {
        return askOnce(question, parameters);
      } catch (SQLException e) {
        if (kept == null || kept.isValid(1)) {
          throw e;
        }
        forget();
        return askOnce(question, parameters); // the connection had broken while nobody asked
      }
    } catch (SQLException e) {
      throw SqlRefusals.of(source, e);
    }
  }

  private String askOnce(String question, Object... parameters) throws SQLException {
    if (kept == null) {
      kept = Looker.open(source);
    }
    try (PreparedStatement statement =
        kept.prepareStatement(question.replace("${schema}", source.schema()))) {
      for (int i = 0; i < parameters.length; i++) {
        if (parameters[i] instanceof Object[] array) {
          String type = array instanceof Integer[] ? "int4" : "text";
          statement.setArray(i + 1, kept.createArrayOf(type, array));
        } else {
          statement.setObject(i + 1, parameters[i]);
        }
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private void forget() throws SQLException {
    if (kept != null) {
      Connection broken = kept;
      kept = null;
      broken.close();
    }
  }

  @Override
  public synchronized void close() throws SQLException {
    forget();
  }
}
