package dev.pgkeeper.ui;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/**
 * What can be changed through the page: functions for operators, each with a reason, and each
 * leaves a row in the view {@code operations}. The database reads what the page sends.
 */
final class Changes {
  /** The functions by name, with their arguments out of the object {@code a}. */
  private static final Map<String, String> CALLS =
      Map.of(
          "end_session", "end_session((a->>'session')::bigint, a->>'why')",
          "break_lock", "break_lock(a->>'path', a->>'why', (a->>'token')::bigint)",
          "move_leadership", "move_leadership(a->>'path', a->>'candidate', a->>'why')",
          "pause_queue", "pause_queue(a->>'queue', a->>'why')",
          "resume_queue", "resume_queue(a->>'queue', a->>'why')",
          "redrive_queue", "redrive_queue(a->>'queue', a->>'why')",
          "pause_job", "pause_job(a->>'job', a->>'why')",
          "resume_job", "resume_job(a->>'job', a->>'why')",
          "trigger_job", "trigger_job(a->>'job', a->>'why')");

  private final Source source;

  Changes(Source source) {
    this.source = source;
  }

  /** Calls a function and returns what it returned, as {@code {"result": ...}}. */
  String change(String function, String arguments) throws Refused {
    String call = CALLS.get(function);
    if (call == null) {
      throw new Refused(404, "there is nothing called " + function + " to be changed here");
    }
    String sql =
        "SELECT json_build_object('result', to_json(("
            + source.schema()
            + "."
            + call
            + ")::text)) FROM (SELECT ?::json AS a) given";
    try (Connection connection = source.connect()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("SET application_name = 'pgkeeper ui'; SET statement_timeout = '30s'");
      }
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        statement.setString(1, arguments);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          return row.getString(1);
        }
      }
    } catch (SQLException e) {
      throw SqlRefusals.of(source, e);
    }
  }
}
