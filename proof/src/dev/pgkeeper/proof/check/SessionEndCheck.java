package dev.pgkeeper.proof.check;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether each session that ended had come to the end of its lease, or had been suspected for as
 * long as its grace, by the database's clock at the end of the transaction that ended it, or else
 * its own client said that it closes it. Sessions that the library opens by itself, in the place of
 * a lost one, it also closes by itself: only those of which clients said that they have them are
 * judged.
 */
public final class SessionEndCheck {
  private SessionEndCheck() {}

  public static Finding examine(Evidence evidence) throws SQLException {
    Set<String> known = new HashSet<>(evidence.history().said("session"));
    Set<String> closed = new HashSet<>(evidence.history().said("closing"));
    List<String> violations = new ArrayList<>();
    int examined = 0;
    try (Connection connection = evidence.database().connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT session::text, client, at >= lease_end OR coalesce(at >= suspicion_end, false),
                    format('at %%s, with a lease until %%s and a suspicion until %%s', at, lease_end, suspicion_end)
                  FROM %s.death WHERE client LIKE 'c%%.%%'
                """
                    .formatted(evidence.database().schema()))) {
      while (rows.next()) {
        boolean isKnown = known.contains(rows.getString(1));
        examined += isKnown ? 1 : 0;
        if (isKnown && !rows.getBoolean(3) && !closed.contains(rows.getString(1))) {
          violations.add(
              "session %s of %s ended %s"
                  .formatted(rows.getString(1), rows.getString(2), rows.getString(4)));
        }
      }
    }
    return new Finding(examined, "ends of sessions", violations);
  }
}
