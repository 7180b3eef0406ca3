package dev.pgkeeper.migration;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Whether a schema that is there already can be trusted. Its owner, and whoever may create in it,
 * can put functions there that fit a call better than pgkeeper's own; some of those run with the
 * rights of whoever migrated.
 */
final class SchemaOwner {
  /** Has a row if something is in the schema. */
  static final String ANYTHING_THERE =
      """
      SELECT FROM pg_namespace n WHERE n.nspname = ? AND (EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
        OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid) OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid))
      """;

  /**
   * The role that is not trusted, and why; no row if there is none. Superusers are members of every
   * role, so of theirs only what was granted counts.
   */
  static final String STRANGER =
      """
      WITH RECURSIVE mine AS (
        SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user
        UNION
        SELECT g.roleid FROM mine, LATERAL (
          SELECT m.roleid FROM pg_auth_members m WHERE m.member = mine.oid
          UNION ALL
          SELECT o.oid FROM pg_roles o, pg_database d
            WHERE o.rolname = 'pg_database_owner' AND d.datname = current_database() AND d.datdba = mine.oid) AS g (roleid))
      SELECT o.rolname::text AS role, 'owns it' AS why FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
        WHERE n.nspname = '%1$s' AND NOT o.rolsuper AND n.nspowner NOT IN (SELECT oid FROM mine)
      UNION ALL
      SELECT coalesce(r.rolname::text, 'PUBLIC'), 'may create in it'
        FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE n.nspname = '%1$s' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
          AND NOT coalesce(r.rolsuper, false) AND a.grantee NOT IN (SELECT oid FROM mine)
      LIMIT 1
      """;

  private SchemaOwner() {}

  static void check(Connection connection, String schema, String where) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(STRANGER.formatted(schema));
        ResultSet row = statement.executeQuery()) {
      if (row.next()) {
        throw new MigrationException(
            "The "
                + where
                + " is not safe: the role \""
                + row.getString(1)
                + "\" "
                + row.getString(2)
                + ", and what it puts there could run with the rights of this role. Migrate as the schema's owner, or"
                + " have it owned by this role alone (ALTER SCHEMA … OWNER TO …, REVOKE CREATE ON SCHEMA … FROM …).");
      }
    }
  }
}
