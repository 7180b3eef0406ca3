package dev.pgkeeper.sql;

import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * A statement that looks at a view, or calls a function with arguments that mean nothing. It names
 * everything with its schema.
 *
 * @param name of the view or function
 * @param ofOperators whether it runs with its owner's rights
 */
public record EveryCall(String name, boolean isView, boolean ofOperators, String sql) {

  /** Each view, and each function twice: with nulls, and with something of each type. */
  public static List<EveryCall> of(TestDatabase database) throws SQLException {
    List<EveryCall> calls = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT viewname, true, false, format('SELECT * FROM %I.%I', schemaname, viewname) FROM pg_views
                  WHERE schemaname = '${schema}'
                UNION ALL
                SELECT p.proname, false, p.prosecdef,
                    format('%s %s(%s)', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT * FROM' END, p.oid::regproc, (
                      SELECT string_agg(format('%s::%I.%I', CASE WHEN NOT given OR t.typtype = 'c' THEN 'NULL'
                          WHEN t.typelem <> 0 AND t.typlen = -1 THEN quote_literal(CASE
                            WHEN t.typelem::regtype::text IN ('boolean', 'smallint', 'integer', 'bigint', 'text', 'bytea') THEN '{1,0}' ELSE '{}' END)
                          ELSE quote_literal(CASE t.typname WHEN 'node_kind' THEN 'persistent' WHEN 'text' THEN '/hostile'
                            WHEN 'interval' THEN '1 day' WHEN 'timestamptz' THEN '2026-01-01' ELSE '1' END)
                          END, n.nspname, t.typname), ', ' ORDER BY a.place)
                        FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) WITH ORDINALITY AS a (type, mode, place)
                          JOIN pg_type t ON t.oid = a.type JOIN pg_namespace n ON n.oid = t.typnamespace
                        WHERE a.mode IS NULL OR a.mode IN ('i', 'b') OR p.prokind = 'p'))
                  FROM pg_proc p, unnest(ARRAY[false, true]) AS given
                  WHERE p.pronamespace = '${schema}'::regnamespace
                """
                    .replace("${schema}", database.schema()))) {
      while (rows.next()) {
        calls.add(
            new EveryCall(
                rows.getString(1), rows.getBoolean(2), rows.getBoolean(3), rows.getString(4)));
      }
    }
    return calls;
  }
}
