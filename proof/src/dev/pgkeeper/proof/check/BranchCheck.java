package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.client.GrowAndPrune;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Whether each leaf that is left has its branch, and each branch as many leaves as it counts. */
final class BranchCheck {
  private BranchCheck() {}

  static Finding examine(Evidence evidence) throws SQLException {
    List<String> violations = new ArrayList<>();
    violations.addAll(
        Rows.of(
            evidence.database(),
            """
            SELECT n.path || ' is there, and its branch is not' FROM ${schema}.node n
              WHERE n.path LIKE '%s/%%' AND NOT EXISTS (SELECT FROM ${schema}.node b WHERE b.path = n.parent)
            """
                .formatted(GrowAndPrune.ROOT)));
    violations.addAll(
        Rows.of(
            evidence.database(),
            """
            SELECT p.path || ' counts ' || p.children || ' leaves, and has ' || count(n.path)
              FROM ${schema}.gathering p LEFT JOIN ${schema}.node n ON n.parent = p.path
              WHERE p.path LIKE '%s/%%' GROUP BY p.path HAVING count(n.path) <> p.children
            """
                .formatted(GrowAndPrune.ROOT)));
    int tries = evidence.history().said("spared").size() + evidence.history().said("pruned").size();
    return new Finding(tries, "branches pruned, or left for a reason", violations);
  }
}
