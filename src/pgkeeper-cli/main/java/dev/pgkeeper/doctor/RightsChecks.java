package dev.pgkeeper.doctor;

import dev.pgkeeper.internal.jdbc.OwnConnections;
import java.sql.SQLException;
import java.util.Optional;

/** Who may do more than is needed. */
final class RightsChecks {
  private RightsChecks() {}

  private static boolean seesGrantees(Patient patient) throws SQLException {
    return patient.isTrue(
        "SELECT has_table_privilege(c.oid, 'SELECT') FROM pg_class c WHERE c.oid = to_regclass(?)",
        patient.schema() + ".grantee");
  }

  /** Those that run keepers at this moment, and those that were let in as applications. */
  static void strongRoles(Patient patient, Findings findings) throws SQLException {
    strong(
            patient,
            """
            SELECT usename FROM pg_stat_activity WHERE application_name = ? AND datname = current_database()
            """
                + (seesGrantees(patient)
                    ? " UNION SELECT role FROM %s.grantee WHERE kind = 'application'"
                        .formatted(patient.schema())
                    : ""))
        .ifPresent(
            roles ->
                findings.warning(
                    "applications run pgkeeper as roles that could do anything to it: " + roles,
                    "Give the application a role of its own that owns nothing, with CALL %s.grant_application('ROLE'); migrate as"
                            .formatted(patient.schema())
                        + " the owner."));
  }

  private static Optional<String> strong(Patient patient, String applications) throws SQLException {
    return patient.ask(
        """
        SELECT string_agg(r.rolname || CASE WHEN r.rolsuper THEN ' (superuser)' ELSE ' (owns the schema)' END, ', ' ORDER BY 1)
        FROM pg_roles r, pg_namespace n
        WHERE n.nspname = ? AND pg_has_role(r.oid, n.nspowner, 'USAGE') AND r.rolname IN (%s)
        HAVING count(*) > 0
        """
            .formatted(applications),
        row -> row.getString(1),
        patient.schema(),
        OwnConnections.APPLICATION_NAME);
  }

  /**
   * Who has rights to what there is in the schema, and was not let in. PUBLIC is another matter.
   */
  static void uninvitedRoles(Patient patient, Findings findings) throws SQLException {
    if (!seesGrantees(patient)) {
      return;
    }
    patient
        .ask(
            """
            SELECT string_agg(format('%%s (%%s)', role, what), ', ' ORDER BY role) FROM (
              SELECT pg_get_userbyid(a.grantee) AS role, string_agg(DISTINCT o.name, ', ' ORDER BY o.name) AS what
              FROM (
                SELECT c.relname, c.relowner, c.relacl FROM pg_class c WHERE c.relnamespace = to_regnamespace(?)
                UNION ALL
                SELECT p.proname, p.proowner, p.proacl FROM pg_proc p WHERE p.pronamespace = to_regnamespace(?)
              ) o (name, owner, acl), aclexplode(o.acl) a
              WHERE a.grantee <> o.owner AND a.grantee <> 0
                AND pg_get_userbyid(a.grantee) NOT IN (SELECT g.role FROM %s.grantee g)
              GROUP BY a.grantee) AS uninvited
            HAVING count(*) > 0
            """
                .formatted(patient.schema()),
            row -> row.getString(1),
            patient.schema(),
            patient.schema())
        .ifPresent(
            roles ->
                findings.warning(
                    "these have rights in the schema, and were not let in: " + roles,
                    "Default privileges of the schema's owner may have given them: \\ddp in psql shows those. REVOKE what they have, or"
                        + " let them in with CALL %s.grant_inspector('ROLE')."
                            .formatted(patient.schema())));
  }

  /**
   * Whose functions and operators the application may run. pgkeeper's own name what they use; the
   * application's statements usually do not.
   */
  /**
   * The schemas on the role's path, as an array. The command line asks for a path of its own, see
   * {@code PinnedSource}: then it is what is set for the role, for the database, or by default.
   */
  private static String path(Patient patient) throws SQLException {
    return patient
        .ask(
            """
            WITH configured AS (
              SELECT substr(setting, length('search_path=') + 1) AS path, s.setrole <> 0 AS of_role, s.setdatabase <> 0 AS of_database
                FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
                WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
                  AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                  AND starts_with(setting, 'search_path='))
            SELECT CASE WHEN current_setting('search_path') <> 'pg_catalog,pg_temp' THEN current_schemas(false)::text ELSE
              (SELECT array_agg(CASE name WHEN '$user' THEN session_user::text ELSE name END)::text FROM regexp_split_to_table(coalesce(
                (SELECT path FROM configured ORDER BY of_role DESC, of_database DESC LIMIT 1),
                (SELECT boot_val FROM pg_settings WHERE name = 'search_path')), ',') AS part, btrim(part, ' "') AS name) END
            """,
            row -> row.getString(1))
        .orElseThrow();
  }

  static void creatorsOnThePath(Patient patient, Findings findings) throws SQLException {
    String role = patient.role();
    patient
        .ask(
            """
            SELECT string_agg(format('%s in schema "%s"', CASE a.grantee WHEN 0 THEN 'everybody (PUBLIC)' ELSE pg_get_userbyid(a.grantee) END,
              n.nspname), ', ' ORDER BY n.nspname, a.grantee)
            FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
            WHERE n.nspname = ANY (?::name[]) AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
              AND coalesce(NOT r.rolsuper AND r.rolname <> current_user, true)
            HAVING count(*) > 0
            """,
            row -> row.getString(1), path(patient))
        .ifPresent(
            creators ->
                findings.warning(
                    "others may create functions and operators where the statements of the role \"%s\" look for them: %s"
                        .formatted(role, creators),
                    "What they put there may run with that role's rights. REVOKE CREATE ON SCHEMA … FROM …, as new databases have it"
                        + " for PUBLIC from PostgreSQL 15 on, or give the role another search_path."));
  }

  /** Asked only by who may know the keys. */
  static void strangersLocks(Patient patient, Findings findings) throws SQLException {
    if (!patient.isTrue(
        "SELECT has_function_privilege(to_regprocedure(?), 'EXECUTE')",
        patient.schema() + "._strangers_locks()")) {
      return;
    }
    patient
        .ask(
            "SELECT string_agg(DISTINCT format('%%s (pid %%s) has that of %%s', role, pid, what), ', ') FROM %s._strangers_locks()"
                .formatted(patient.schema()),
            row -> Optional.ofNullable(row.getString(1)))
        .flatMap(held -> held)
        .ifPresent(
            held ->
                findings.error(
                    "somebody who may not write has taken advisory locks of pgkeeper's: " + held,
                    "It keeps clients waiting. End it with pg_terminate_backend, and ask whoever that is; who may connect can take"
                        + " any advisory lock: REVOKE CONNECT ON DATABASE … keeps them out."));
  }

  private record Everybody(String onSchema, long relations, long routines, String creators) {
    boolean mayNothing() {
      return onSchema.isEmpty() && relations == 0 && routines == 0 && creators.isEmpty();
    }
  }

  static void publicRights(Patient patient, Findings findings) throws SQLException {
    Optional<Everybody> everybody =
        patient.ask(
            """
            SELECT coalesce((SELECT string_agg(a.privilege_type, ', ' ORDER BY 1) FROM aclexplode(n.nspacl) a
                WHERE a.grantee = 0), ''),
              (SELECT count(DISTINCT c.oid) FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
                WHERE c.relnamespace = n.oid AND a.grantee = 0),
              (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid
                AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))),
              coalesce((SELECT string_agg(r.rolname, ', ' ORDER BY 1) FROM aclexplode(n.nspacl) a
                JOIN pg_roles r ON r.oid = a.grantee
                WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner), '')
            FROM pg_namespace n WHERE n.nspname = ?
            """,
            row ->
                new Everybody(row.getString(1), row.getLong(2), row.getLong(3), row.getString(4)),
            patient.schema());
    if (everybody.isEmpty() || everybody.get().mayNothing()) {
      return;
    }
    Everybody all = everybody.get();
    StringBuilder found = new StringBuilder();
    if (!all.onSchema().isEmpty() || all.relations() > 0 || all.routines() > 0) {
      found.append(
          "everybody (PUBLIC) has rights in pgkeeper's schema: %s on it, and some on %d tables and %d functions"
              .formatted(
                  all.onSchema().isEmpty() ? "none" : all.onSchema(),
                  all.relations(),
                  all.routines()));
    }
    if (!all.creators().isEmpty()) {
      found.append(found.isEmpty() ? "" : "; ");
      found.append("besides its owner, these may create things in it: ").append(all.creators());
    }
    findings.warning(
        found.toString(),
        "SELECT %1$s.grant_all() takes all that from PUBLIC and gives the roles that were let in what they need; REVOKE CREATE ON SCHEMA %1$s takes the rest."
            .formatted(patient.schema()));
  }
}
