package dev.pgkeeper.proof.check;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether ephemeral nodes live as long as their sessions: each was gone by the commit that ended
 * its session, none is there without a session, and no client missed one while it certainly had its
 * session. The server keeps the moments of commits for it.
 */
public final class EphemeralCheck {
  private EphemeralCheck() {}

  public static Finding examine(Evidence evidence) throws SQLException {
    List<String> violations = new ArrayList<>();
    violations.addAll(
        Rows.of(
            evidence.database(),
            """
            SELECT b.path || ' of session ' || b.owner || ' outlived it: gone ' || coalesce(max(gone)::text, 'never')
                || ', the session ' || min(ended)
              FROM ${schema}.mortal b
              JOIN (SELECT session, pg_xact_commit_timestamp(xid::xid) AS ended FROM ${schema}.death) d ON d.session = b.owner
              LEFT JOIN (SELECT path, owner, pg_xact_commit_timestamp(xid::xid) AS gone FROM ${schema}.mortal WHERE what = 'delete') e
                ON e.path = b.path AND e.owner = b.owner
              WHERE b.what = 'insert' GROUP BY b.path, b.owner HAVING coalesce(max(gone) > min(ended), true)
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
