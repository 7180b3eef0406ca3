package dev.pgkeeper.proof.check;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether ephemeral nodes live as long as their sessions: whatever a session still had when it
 * ended went in the same transaction, none is there without a session, and no client missed one
 * while it certainly had its session.
 */
final class EphemeralCheck {
  private EphemeralCheck() {}

  static Finding examine(Evidence evidence) throws SQLException {
    List<String> violations = new ArrayList<>();
    violations.addAll(
        Rows.of(
            evidence.database(),
            """
            SELECT b.path || ' of session ' || b.owner || ' outlived it: gone '
                || coalesce((SELECT max(e.at)::text FROM ${schema}.mortal e WHERE e.path = b.path AND e.what = 'delete'), 'never')
                || ', the session ' || d.at
              FROM ${schema}.mortal b JOIN ${schema}.death d ON d.session = b.owner
              WHERE b.what = 'insert' AND NOT EXISTS (
                SELECT FROM ${schema}.mortal e WHERE e.path = b.path AND e.owner = b.owner AND e.what = 'delete'
                  AND (e.xid = d.xid OR e.at <= d.at))
            """));
    violations.addAll(
        Rows.of(
            evidence.database(),
            """
            SELECT n.path || ' is there, and its session is not' FROM ${schema}.node n
              WHERE n.kind = 'ephemeral' AND NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = n.owner)
            """));
    evidence
        .history()
        .said("missing")
        .forEach(path -> violations.add(path + " was missed by its owner, who had its session"));
    long born =
        evidence
            .database()
            .queryLong("SELECT count(*) FROM ${schema}.mortal WHERE what = 'insert'");
    long looks = evidence.history().said("there").size();
    return new Finding(born, "ephemeral nodes, looked at " + looks + " times", violations);
  }
}
