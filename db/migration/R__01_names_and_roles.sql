-- The definitions are in R__01 to R__30: functions and views as they are now, a subject a file. They are run after the tables, in the order
-- of their numbers, and each names only what it or a file before it defines (DefinitionsTest). A file is run again once it has changed,
-- while clients work. So all of it is CREATE OR REPLACE, and each file ends with _pin_and_grant. What cannot be replaced, a function's
-- signature or a view's column, is dropped by a migration (V…); so is a function that others may call from now on.
--
-- Names. Whoever calls a function chooses the search_path, and may have put operators, functions and domains of its own there. So nothing
-- is looked up on a caller's path:
--   functions in SQL are bound when they are created (RETURN, BEGIN ATOMIC), as views are; and still written out where they are called.
--   functions in PL/pgSQL run under a path of PostgreSQL's own names: _pin_all sees to it at the end of each file. Each does, not only
--   those that are called from outside: a connection looks up the types of variables when it first calls a function, and keeps them.
-- Each file sets the same path for itself, so that what it binds is bound alike by whatever runs it. bench/results/pins.md has what
-- this costs.
--
-- Plans. What is called all the time reads by index however small a table is (`enable_seqscan = off`): see QueryPlansTest. So each
-- of its statements needs an index that serves it, and no sequence is read as a table. Else PostgreSQL before 18 adds 10^10 to the
-- plan's cost, and a server with JIT compiles it at every execution, for fifty times what it takes: see EveryPlanTest.
--
-- Whatever writes plans once, and by index (`plan_cache_mode = force_generic_plan`). The small tables whose rows change all the time are
-- one page long to a planner that looks at the right moment, and many pages of old versions to the plan that it then keeps; and some of
-- these statements it would plan anew each time, for a third of their cost.
--
-- Views. A view that tells of a session too looks for the session of each of its rows (a LATERAL that OFFSET 0 keeps from becoming a join):
-- asked for one path, it does not look at all the sessions there are.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Pins the path of all functions in PL/pgSQL. A procedure that commits cannot be pinned so, and does it itself.
CREATE OR REPLACE FUNCTION ${schema}._pin_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  unpinned regprocedure;
BEGIN
  FOR unpinned IN
    SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.pronamespace = '${schema}'::regnamespace AND l.lanname = 'plpgsql' AND p.prokind = 'f'
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', unpinned);
  END LOOP;
END $$;

-- The roles that were let in and still are. PostgreSQL keeps what a role was granted by the role itself and not by its name: who was dropped
-- has nothing any more, nor has somebody else who was given that name since, and a dump takes it along.
CREATE OR REPLACE FUNCTION ${schema}._let_in() RETURNS SETOF ${schema}.grantee
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT g.* FROM ${schema}.grantee g JOIN pg_roles r ON r.rolname = g.role
    WHERE EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
      WHERE n.nspname = '${schema}' AND a.grantee = r.oid AND a.privilege_type = 'USAGE');
END;

-- What each file ends with: pins its functions, and grants what is new in it. What was there before keeps its rights when it is replaced.
-- What is new has no rights written down yet, or, by the owner's default privileges, what everybody has by default.
CREATE OR REPLACE FUNCTION ${schema}._pin_and_grant() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  new text[] := ARRAY(
    SELECT 'ROUTINE ' || p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = '${schema}'::regnamespace AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))
    UNION ALL
    SELECT 'TABLE ' || c.oid::regclass FROM pg_class c
      WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
        AND (c.relacl IS NULL OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)));
BEGIN
  PERFORM ${schema}._pin_all();
  FOR i IN 1 .. cardinality(new) LOOP
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', new[i]);
  END LOOP;
  IF new <> '{}' AND EXISTS (SELECT FROM ${schema}._let_in()) THEN
    PERFORM ${schema}.grant_all();
  END IF;
END $$;

-- Takes all that a role has here.
CREATE OR REPLACE FUNCTION ${schema}._withdraw_all(in_role text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA ${schema} FROM %I', in_role);
END $$;

-- Grants every role what its kind may do. An application runs everything but what is for operators, and owns nothing; an inspector
-- looks at the views, which show no payload; an operator does that and runs what is for operators (R__27_operators): all those functions,
-- and no others, run with their owner's rights. Nobody writes through a view: it would be done with the owner's rights.
CREATE OR REPLACE FUNCTION ${schema}.grant_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  for_views     CONSTANT name[] := '{protocol,_lock_key,_channel,_leases_from,_lease_end,_suspicion_end,_text_of,_candidate_identity,_hold_what,_history_on,held_at}';
  for_the_owner CONSTANT name[] := '{_pin_all,grant_all,_pin_and_grant,_grant_as,grant_application,grant_inspector,grant_operator,revoke_role,
    _let_in,_let_out,_withdraw_all,_history_switch,_note_operation}';
  read_only     CONSTANT name[] := '{secret}';
  for_nobody    CONSTANT name[] := '{grantee,migration_history,operation}';
  g ${schema}.grantee;
  t record;
  routine regprocedure;
BEGIN
  REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC;
  REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM PUBLIC;
  REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM PUBLIC;
  REVOKE ALL ON ALL ROUTINES IN SCHEMA ${schema} FROM PUBLIC;
  FOR g IN SELECT * FROM ${schema}._let_in() LOOP
    PERFORM ${schema}._withdraw_all(g.role);
    EXECUTE format('GRANT USAGE ON SCHEMA ${schema} TO %I', g.role);
    FOR t IN SELECT c.relname, c.relkind = 'v' AS is_view FROM pg_class c
        WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind IN ('r', 'p', 'v') LOOP
      IF t.is_view OR g.kind = 'application' AND t.relname = ANY (read_only) OR g.kind <> 'application' AND t.relname = 'epoch' THEN
        EXECUTE format('GRANT SELECT ON ${schema}.%I TO %I', t.relname, g.role);
      ELSIF g.kind = 'application' AND t.relname <> ALL (for_nobody) THEN
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.%I TO %I', t.relname, g.role);
      END IF;
    END LOOP;
    IF g.kind = 'application' THEN
      EXECUTE format('GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA ${schema} TO %I', g.role);
    END IF;
    FOR routine IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = '${schema}'::regnamespace
        AND CASE g.kind WHEN 'application' THEN NOT p.prosecdef AND p.proname <> ALL (for_the_owner)
          ELSE p.proname = ANY (for_views) OR p.prosecdef AND g.kind = 'operator' END LOOP
      EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', routine, g.role);
    END LOOP;
  END LOOP;
END $$;
COMMENT ON FUNCTION ${schema}.grant_all() IS
  'Takes all rights here from PUBLIC and gives the roles that were let in what they may do. For the owner of the schema; an upgrade does it by itself.';

-- Remembers what a role may do, instead of what it could before, and grants it.
CREATE OR REPLACE FUNCTION ${schema}._grant_as(in_role text, in_kind text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = in_role) THEN
    RAISE EXCEPTION 'there is no role "%"', in_role USING ERRCODE = '42704', HINT = 'Create it first, or check the spelling.';
  ELSIF EXISTS (SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = '${schema}' AND r.rolname = in_role) THEN
    RAISE EXCEPTION 'the role "%" owns the schema, and may do everything', in_role USING ERRCODE = '22023',
      HINT = 'Give applications, inspectors and operators roles of their own.';
  END IF;
  INSERT INTO ${schema}.grantee VALUES (in_role, in_kind) ON CONFLICT (role) DO UPDATE SET kind = excluded.kind;
  EXECUTE format('GRANT USAGE ON SCHEMA ${schema} TO %I', in_role);
  PERFORM ${schema}.grant_all();
END $$;

-- Lets a role run everything, without rights to change the schema.
CREATE OR REPLACE PROCEDURE ${schema}.grant_application(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._grant_as(in_role, 'application');
END;
COMMENT ON PROCEDURE ${schema}.grant_application(text) IS 'Lets a role use everything, without rights to change the schema.';

-- Lets a role look at the views, and at nothing else.
CREATE OR REPLACE PROCEDURE ${schema}.grant_inspector(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._grant_as(in_role, 'inspector');
END;
COMMENT ON PROCEDURE ${schema}.grant_inspector(text) IS 'Lets a role look at the views, which show no payloads, and at nothing else.';

-- Lets a role look at the views and run what is for operators, and nothing else.
CREATE OR REPLACE PROCEDURE ${schema}.grant_operator(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._grant_as(in_role, 'operator');
END;
COMMENT ON PROCEDURE ${schema}.grant_operator(text) IS
  'Lets a role look at the views and call what is for operators, and nothing else: each such call asks for a reason and is noted in operations.';

-- Lets a role do nothing any more, from its next statement on. What its sessions own stays theirs, until they end.
CREATE OR REPLACE FUNCTION ${schema}._let_out(in_role text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  renamed text;
BEGIN
  DELETE FROM ${schema}.grantee g WHERE g.role = in_role;
  IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = in_role) THEN
    PERFORM ${schema}._withdraw_all(in_role);
    IF has_schema_privilege(in_role, '${schema}', 'USAGE') THEN
      RAISE EXCEPTION 'the role "%" has rights here that are not its own', in_role USING ERRCODE = '42501',
        HINT = 'It is a superuser, or a member of a role that was let in: let that one out, or take its membership. Nothing was changed.';
    END IF;
  ELSIF NOT FOUND THEN
    RAISE EXCEPTION 'there is no role "%"', in_role USING ERRCODE = '42704', HINT = 'Check the spelling.';
  END IF;
  renamed := (SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ') FROM pg_namespace n, aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = '${schema}' AND a.grantee <> n.nspowner AND r.rolname NOT IN (SELECT g.role FROM ${schema}.grantee g));
  IF renamed IS NOT NULL THEN
    RAISE WARNING 'these have rights here and were not let in by that name: %', renamed
      USING HINT = 'A role that was renamed is let out by the name that it has now: CALL ${schema}.revoke_role(…).';
  END IF;
END $$;

CREATE OR REPLACE PROCEDURE ${schema}.revoke_role(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._let_out(in_role);
END;
COMMENT ON PROCEDURE ${schema}.revoke_role(text) IS 'Lets a role do nothing here any more.';

SELECT ${schema}._pin_all();
SELECT ${schema}.grant_all();
