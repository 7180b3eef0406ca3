package dev.pgkeeper.migration;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * A schema as text: what its users and its code see of it, in an order and in words that are the
 * same on every major version of PostgreSQL. Bodies of functions and views are left to the
 * migrations, where they are read anyway.
 */
final class SchemaSnapshot {

  private static final String TABLES =
      """
      SELECT format('%s %s%s', CASE WHEN c.relpersistence = 'u' THEN 'unlogged table' ELSE 'table' END, c.relname,
               CASE WHEN c.reloptions IS NULL THEN '' ELSE ' with ' || array_to_string(c.reloptions, ', ') END)
        || coalesce((SELECT string_agg(format(E'\\n  %s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
               CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || quote_ident(l.collname) ELSE '' END,
               CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
               coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')), '' ORDER BY a.attnum)
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
               LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
        || coalesce((SELECT string_agg(format(E'\\n  constraint %s %s', k.conname, pg_get_constraintdef(k.oid)), ''
               ORDER BY k.conname COLLATE "C")
             FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n'), '')
        || coalesce((SELECT string_agg(E'\\n  ' || pg_get_indexdef(i.indexrelid), '' ORDER BY x.relname COLLATE "C")
             FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid), '')
        || coalesce((SELECT string_agg(E'\\n  ' || pg_get_triggerdef(g.oid), '' ORDER BY g.tgname COLLATE "C")
             FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal), '')
      FROM pg_class c WHERE c.relnamespace = ?::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migration_history'
      ORDER BY c.relname COLLATE "C"
      """;

  private static final String SEQUENCES =
      """
      SELECT format('sequence %s %s from %s by %s, cache %s', c.relname, format_type(s.seqtypid, NULL), s.seqstart,
        s.seqincrement, s.seqcache)
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = ?::regnamespace
      ORDER BY c.relname COLLATE "C"
      """;

  private static final String TYPES =
      """
      SELECT CASE t.typtype
        WHEN 'e' THEN format('enum %s', t.typname)
          || (SELECT string_agg(format(E'\\n  %s', e.enumlabel), '' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
        WHEN 'd' THEN format('domain %s %s', t.typname, format_type(t.typbasetype, t.typtypmod))
        ELSE format('type %s', t.typname)
          || (SELECT string_agg(format(E'\\n  %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), '' ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = t.typrelid AND NOT a.attisdropped) END
      FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE t.typnamespace = ?::regnamespace AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
      ORDER BY t.typname COLLATE "C"
      """;

  private static final String VIEWS =
      """
      SELECT format('view %s%s', c.relname,
               CASE WHEN c.reloptions IS NULL THEN '' ELSE ' with ' || array_to_string(c.reloptions, ', ') END)
        || (SELECT string_agg(format(E'\\n  %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), '' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
      FROM pg_class c WHERE c.relnamespace = ?::regnamespace AND c.relkind IN ('v', 'm')
      ORDER BY c.relname COLLATE "C"
      """;

  private static final String FUNCTIONS =
      """
      SELECT format('%s %s(%s)%s%s %s%s%s%s%s', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
        p.proname, pg_get_function_arguments(p.oid),
        CASE WHEN p.prokind = 'p' THEN '' ELSE E'\\n  returns ' || pg_get_function_result(p.oid) END,
        E'\\n ', l.lanname,
        CASE WHEN p.prokind = 'p' THEN '' ELSE CASE p.provolatile WHEN 'i' THEN ' immutable' WHEN 's' THEN ' stable' ELSE ' volatile' END END,
        CASE p.proparallel WHEN 's' THEN ' parallel safe' WHEN 'r' THEN ' parallel restricted' ELSE '' END,
        CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END || CASE WHEN p.proisstrict THEN ' strict' ELSE '' END,
        coalesce(' set ' || array_to_string(p.proconfig, ', '), ''))
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = ?::regnamespace
      ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C"
      """;

  /** What others than the owner may do, by what the server assumes where nothing was said. */
  private static final String GRANTS =
      """
      SELECT format('grant %s on %s to %s', string_agg(lower(g.privilege_type), ', ' ORDER BY g.privilege_type COLLATE "C"),
        o.named, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END)
      FROM (
        SELECT 'schema ' || n.nspname AS named, n.nspowner AS owner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
          FROM pg_namespace n WHERE n.oid = ?::regnamespace
        UNION ALL
        SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END || c.relname, c.relowner,
            coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
          FROM pg_class c WHERE c.relnamespace = ?::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT format('%s %s(%s)', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.proname,
            pg_get_function_identity_arguments(p.oid)), p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
          FROM pg_proc p WHERE p.pronamespace = ?::regnamespace
        UNION ALL
        SELECT 'type ' || t.typname, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner))
          FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
          WHERE t.typnamespace = ?::regnamespace AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
      ) o, aclexplode(o.acl) g
      WHERE g.grantee <> o.owner
      GROUP BY o.named, g.grantee
      ORDER BY CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END COLLATE "C", o.named COLLATE "C"
      """;

  private static final String COMMENTS =
      """
      SELECT format('comment on %s %s: %s', i.type, replace(i.identity, quote_ident(?) || '.', ''), d.description)
      FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
      WHERE i.schema = ? OR (i.type = 'schema' AND i.name = ?) OR i.identity LIKE ? || '.%'
      ORDER BY i.type COLLATE "C", i.identity COLLATE "C"
      """;

  private SchemaSnapshot() {}

  static String of(Connection connection, String schema) throws SQLException {
    StringBuilder text = new StringBuilder();
    for (String query :
        new String[] {TYPES, TABLES, SEQUENCES, VIEWS, FUNCTIONS, GRANTS, COMMENTS}) {
      append(connection, query, schema, text);
    }
    return text.toString().replaceAll("\\b" + schema + "\\b", "\\${schema}");
  }

  private static void append(Connection connection, String query, String schema, StringBuilder text)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      for (int i = 1; i <= statement.getParameterMetaData().getParameterCount(); i++) {
        statement.setString(i, schema);
      }
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          text.append(rows.getString(1)).append('\n');
        }
      }
    }
    text.append('\n');
  }
}
