package dev.pgkeeper.security;

import dev.pgkeeper.testing.TestDatabase;

/**
 * A schema in which an attacker has an own version of whatever PostgreSQL names: of every operator,
 * of every function that pgkeeper's functions call, and of every type. Each works as the real one,
 * and says in the server's log for whom it was run. What pgkeeper calls is looked for there, too,
 * if somebody's search_path begins with {@link #PATH}.
 */
final class HostileNames {

  /**
   * Domains are in the temporary schema, where PostgreSQL looks for types before it looks anywhere
   * else.
   */
  static final String PATH = "pg_temp, hostile, pg_catalog";

  /** Makes the domains of one connection. */
  static final String TEMPORARY = "SELECT hostile.domains()";

  /** What the log says, and then the name of a role. */
  static final String RAN_AS = "ran as role ";

  private HostileNames() {}

  /** Makes the schema, for everybody. */
  static void make(TestDatabase database) {
    database.execute(
        """
        CREATE SCHEMA hostile;
        GRANT USAGE, CREATE ON SCHEMA hostile TO PUBLIC;

        CREATE FUNCTION hostile.ran(what text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        BEGIN
          RAISE WARNING '% ran as role %', what, current_user;
          RETURN true;
        END $$;

        CREATE FUNCTION hostile.domains() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        DECLARE
          type name;
        BEGIN
          FOR type IN SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typelem = 0 LOOP
            EXECUTE format('CREATE DOMAIN pg_temp.%I AS pg_catalog.%I CHECK (hostile.ran(%L))', type, type, 'domain ' || type);
          END LOOP;
        END $$;

        DO $$
        DECLARE
          it record;
        BEGIN
          FOR it IN SELECT oid, oprname AS name, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result
              FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b' AND oprresult <> 0
                AND 'p' NOT IN (SELECT typtype FROM pg_type WHERE oid IN (oprleft, oprright, oprresult)) LOOP
            EXECUTE format('CREATE FUNCTION hostile.operator_%s(a %s, b %s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
              it.oid, it.l, it.r, it.result,
              format('BEGIN PERFORM hostile.ran(%L); RETURN a %s b; END', format('operator %s (%s, %s)', it.name, it.l, it.r), it.name));
            EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.operator_%s)', it.name, it.l, it.r, it.oid);
          END LOOP;
          FOR it IN SELECT 'text'::regtype AS l, t::regtype AS r FROM unnest('{bigint,integer,smallint,name,boolean,interval}'::text[]) AS t
              UNION ALL SELECT t::regtype, 'text'::regtype FROM unnest('{bigint,integer,smallint,name,boolean,interval}'::text[]) AS t LOOP
            EXECUTE format('CREATE FUNCTION hostile.joined(a %s, b %s) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
              it.l, it.r, format('BEGIN PERFORM hostile.ran(%L); RETURN a || b; END', format('operator || (%s, %s)', it.l, it.r)));
            EXECUTE format('CREATE OPERATOR hostile.|| (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.joined)', it.l, it.r);
          END LOOP;
          FOR it IN
              SELECT p.oid, p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result,
                  (SELECT string_agg('$' || i, ', ' ORDER BY i) FROM generate_series(1, p.pronargs) AS i) AS passed
                FROM pg_proc p
                WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
                  AND p.proargmodes IS NULL
                  AND 'p' NOT IN (SELECT typtype FROM pg_type WHERE oid IN (SELECT unnest(p.proargtypes) UNION ALL SELECT p.prorettype))
                  AND p.proname IN (SELECT (regexp_matches(pg_get_functiondef(f.oid), '([a-z0-9_]+)\\(', 'g'))[1]
                    FROM pg_proc f WHERE f.pronamespace = '${schema}'::regnamespace) LOOP
            EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L', it.name,
              it.arguments, it.result, format('BEGIN PERFORM hostile.ran(%L); RETURN pg_catalog.%I(%s); END',
                format('function %s(%s)', it.name, it.arguments), it.name, it.passed));
          END LOOP;
          FOR it IN SELECT t AS r FROM unnest('{text,name,bigint,integer,interval,boolean,regprocedure}'::text[]) AS t LOOP
            EXECUTE format('CREATE FUNCTION hostile.format(a text, b %s) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
              it.r, 'BEGIN PERFORM hostile.ran(''function format''); RETURN pg_catalog.format(a, b); END');
          END LOOP;
        END $$;
        """);
  }
}
