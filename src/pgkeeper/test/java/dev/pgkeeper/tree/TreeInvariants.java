package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is true of the tables between any two transactions, whatever was done before. */
public final class TreeInvariants {

  /** Each query names what breaks the rule. */
  private static final Map<String, String> RULES = new LinkedHashMap<>();

  static {
    RULES.put(
        "every node but the root has a parent",
        "SELECT n.path FROM ${schema}.node n WHERE n.path <> '/'"
            + " AND NOT EXISTS (SELECT FROM ${schema}.node p WHERE p.path = n.parent)");
    RULES.put(
        "a path is its parent's path and its name",
        "SELECT n.path FROM ${schema}.node n WHERE n.path <> '/'"
            + " AND n.path <> rtrim(n.parent, '/') || '/' || n.name");
    RULES.put(
        "a node with children has a row in parent",
        "SELECT DISTINCT n.parent FROM ${schema}.node n WHERE n.path <> '/'"
            + " AND NOT EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = n.parent)");
    RULES.put(
        "a row in parent belongs to a node that is not ephemeral",
        "SELECT p.path FROM ${schema}.gathering p WHERE NOT EXISTS"
            + " (SELECT FROM ${schema}.node n WHERE n.path = p.path AND n.kind <> 'ephemeral')");
    RULES.put(
        "a parent's children are as many as it counts",
        "SELECT p.path || ': ' || p.children || ' instead of ' || count(n.path)"
            + " FROM ${schema}.gathering p LEFT JOIN ${schema}.node n ON n.parent = p.path"
            + " GROUP BY p.path, p.children HAVING count(n.path) <> p.children");
    RULES.put(
        "nobody has more children than were created",
        "SELECT p.path FROM ${schema}.gathering p WHERE p.creates < p.children OR p.children < 0");
    RULES.put(
        "a parent's pzxid is not older than its children",
        "SELECT p.path FROM ${schema}.gathering p JOIN ${schema}.node n ON n.parent = p.path"
            + " WHERE n.czxid > p.pzxid");
    RULES.put(
        "a node was not set before it was created",
        "SELECT n.path FROM ${schema}.node n WHERE n.mzxid < n.czxid OR n.mtime < n.ctime"
            + " OR n.version = 0 AND n.mzxid <> n.czxid");
    RULES.put(
        "an owner is a living session, 0 or null, as the kind says",
        "SELECT n.path FROM ${schema}.node n WHERE CASE n.kind"
            + " WHEN 'persistent' THEN n.owner IS NOT NULL"
            + " WHEN 'ephemeral' THEN NOT EXISTS"
            + " (SELECT FROM ${schema}.session s WHERE s.id = n.owner)"
            + " ELSE n.owner IS DISTINCT FROM 0 END OR (n.kind = 'ttl') <> (n.ttl_ms IS NOT NULL)");
  }

  private TreeInvariants() {}

  /** Fails with the rule and what breaks it. */
  public static void check(TestDatabase database) {
    RULES.forEach(
        (rule, query) ->
            assertThat(
                    database.queryString(
                        "SELECT string_agg(found, ', ') FROM ("
                            + query
                            + " LIMIT 10) AS f (found)"))
                .as(rule)
                .isNull());
  }

  /** The whole tree as text: two of them are equal if nothing was changed in between. */
  public static String snapshot(TestDatabase database) {
    return database.queryString(
        "SELECT (SELECT string_agg(n::text, E'\\n' ORDER BY n.path) FROM ${schema}.node n) || E'\\n'"
            + " || (SELECT string_agg(p::text, E'\\n' ORDER BY p.path) FROM ${schema}.gathering p)");
  }
}
