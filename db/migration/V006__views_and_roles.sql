-- What everybody may look at, and who may do what. A view that tells of a session too looks for the session of each of its rows (a
-- LATERAL that OFFSET 0 keeps from becoming a join): asked for one path, it does not look at all the sessions there are.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE VIEW ${schema}.sessions AS
  SELECT s.id AS session, s.client, s.host, s.pid, s.opened, s.renewed,
    d.ends, d.ends > clock_timestamp() AS alive,
    CASE WHEN s.direct THEN s.suspected IS NULL END AS connected,
    s.timeout_ms * interval '1 millisecond' AS timeout, s.grace_ms * interval '1 millisecond' AS grace, s.reconnects,
    (SELECT ${schema}.channel(k, s.id) FROM ${schema}.secret k WHERE k.only_row) AS channel
  FROM ${schema}.session s CROSS JOIN (SELECT ${schema}.leases_from(p) AS began FROM ${schema}.epoch p LIMIT 1) e
    CROSS JOIN LATERAL (SELECT least(${schema}.lease_end(s.renewed, s.lease_ms, e.began),
      ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms, e.began)) AS ends) d;
COMMENT ON VIEW ${schema}.sessions IS 'The clients, and until when each of them lives by the database''s clock.';
COMMENT ON COLUMN ${schema}.sessions.session IS 'The number that ephemeral nodes name as their owner.';
COMMENT ON COLUMN ${schema}.sessions.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.sessions.host IS 'The client''s machine, as it calls itself.';
COMMENT ON COLUMN ${schema}.sessions.pid IS 'The client''s process on that machine.';
COMMENT ON COLUMN ${schema}.sessions.opened IS 'When the session was opened.';
COMMENT ON COLUMN ${schema}.sessions.renewed IS 'When the lease was last renewed.';
COMMENT ON COLUMN ${schema}.sessions.ends IS 'When the session ends if nothing more is heard of it.';
COMMENT ON COLUMN ${schema}.sessions.alive IS 'Whether that moment is still to come.';
COMMENT ON COLUMN ${schema}.sessions.connected IS 'Whether its connection stands; null for a client that has only a lease.';
COMMENT ON COLUMN ${schema}.sessions.timeout IS 'How long the client may be silent.';
COMMENT ON COLUMN ${schema}.sessions.grace IS 'How long it may take to come back after its connection broke.';
COMMENT ON COLUMN ${schema}.sessions.reconnects IS 'How often it came back so.';
COMMENT ON COLUMN ${schema}.sessions.channel IS 'Where it is rung: what LISTEN needs.';

CREATE VIEW ${schema}.nodes AS
  SELECT n.path, n.kind, n.version, length(n.data) AS data_length, coalesce(p.children, 0) AS children,
    nullif(n.owner, 0) AS session, n.kind <> 'ephemeral' OR coalesce(s.alive, false) AS alive,
    n.ctime AS created, n.mtime AS modified, n.ttl_ms * interval '1 millisecond' AS ttl,
    n.czxid, n.mzxid, coalesce(p.pzxid, n.czxid) AS pzxid, n.parent, n.name
  FROM ${schema}.node n LEFT JOIN ${schema}.parent p USING (path)
    LEFT JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = n.owner OFFSET 0) s ON true;
COMMENT ON VIEW ${schema}.nodes IS 'The znodes, without their data.';
COMMENT ON COLUMN ${schema}.nodes.path IS 'Where the node is.';
COMMENT ON COLUMN ${schema}.nodes.kind IS 'How long it lives: persistent, ephemeral, container or ttl.';
COMMENT ON COLUMN ${schema}.nodes.version IS 'How often its data was set.';
COMMENT ON COLUMN ${schema}.nodes.data_length IS 'The length of its data in bytes.';
COMMENT ON COLUMN ${schema}.nodes.children IS 'How many children it has.';
COMMENT ON COLUMN ${schema}.nodes.session IS 'The session an ephemeral node goes with.';
COMMENT ON COLUMN ${schema}.nodes.alive IS 'False for an ephemeral node whose session is over and which is about to go.';
COMMENT ON COLUMN ${schema}.nodes.created IS 'When it was created.';
COMMENT ON COLUMN ${schema}.nodes.modified IS 'When its data was last set.';
COMMENT ON COLUMN ${schema}.nodes.ttl IS 'How long a ttl node stays childless and unset before it goes.';
COMMENT ON COLUMN ${schema}.nodes.czxid IS 'The change that created it; never smaller for a later node of this path.';
COMMENT ON COLUMN ${schema}.nodes.mzxid IS 'The change that last set its data.';
COMMENT ON COLUMN ${schema}.nodes.pzxid IS 'The change that last created or deleted a child.';
COMMENT ON COLUMN ${schema}.nodes.parent IS 'The path of the node above.';
COMMENT ON COLUMN ${schema}.nodes.name IS 'The last part of the path.';

CREATE VIEW ${schema}.watchers AS
  SELECT w.path, w.session,
    CASE w.kind WHEN 'n' THEN 'node' WHEN 'c' THEN 'children' WHEN 'p' THEN 'persistent' ELSE 'recursive' END AS kind,
    s.client, s.host, s.pid
  FROM ${schema}.watch w LEFT JOIN ${schema}.session s ON s.id = w.session WHERE w.path <> '*';
COMMENT ON VIEW ${schema}.watchers IS 'Which session is rung for changes of which path.';
COMMENT ON COLUMN ${schema}.watchers.path IS 'The path that is watched, whether or not there is a node.';
COMMENT ON COLUMN ${schema}.watchers.session IS 'The session that is rung.';
COMMENT ON COLUMN ${schema}.watchers.kind IS 'node, children, persistent (both) or recursive (all below too).';
COMMENT ON COLUMN ${schema}.watchers.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.watchers.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.watchers.pid IS 'The client''s process.';

CREATE VIEW ${schema}.epochs AS
  SELECT e.first, e.began, e.timeline, e.server_started = pg_postmaster_start_time() AS current FROM ${schema}.epoch e LIMIT 1;
COMMENT ON VIEW ${schema}.epochs IS 'Which run of the server the numbers belong to.';
COMMENT ON COLUMN ${schema}.epochs.first IS 'All numbers of before are smaller. Grows with every timeline and every cluster, about as the clock does.';
COMMENT ON COLUMN ${schema}.epochs.began IS 'Leases count from here if they were renewed before.';
COMMENT ON COLUMN ${schema}.epochs.timeline IS 'PostgreSQL''s timeline in this epoch.';
COMMENT ON COLUMN ${schema}.epochs.current IS 'False from a restart until the first client is back.';

-- Which protocol this schema speaks, and the oldest client that it still serves.
CREATE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 6, 6;
END;

-- Which roles were let in, so that later migrations grant them what is new.
CREATE TABLE ${schema}.grantee (
  role text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('application', 'inspector', 'operator'))
);

-- Those that still are. PostgreSQL keeps what a role was granted by the role itself and not by its name: who was dropped has nothing any
-- more, nor has somebody else who was given that name since, and a dump takes it along.
CREATE FUNCTION ${schema}.let_in() RETURNS SETOF ${schema}.grantee
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT g.* FROM ${schema}.grantee g JOIN pg_roles r ON r.rolname = g.role
    WHERE EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
      WHERE n.nspname = '${schema}' AND a.grantee = r.oid AND a.privilege_type = 'USAGE');
END;

-- Grants every role what its kind may do. An application runs everything but what is for operators, and owns nothing; an inspector
-- looks at the views, which show no payload; an operator does that and runs what is for operators (V014): all those functions,
-- and no others, run with their owner's rights. Nobody writes through a view: it would be done with the owner's rights.
CREATE FUNCTION ${schema}.grant_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  for_views     CONSTANT name[] := '{protocol,lock_key,channel,leases_from,lease_end,suspicion_end,text_of,candidate_identity,hold_what,history_on,held_at}';
  for_the_owner CONSTANT name[] := '{pin_all,grant_all,grant_as,grant_application,grant_inspector,grant_operator,revoke_role,
    let_in,let_out,withdraw_all,history_switch,note_operation}';
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
  FOR g IN SELECT * FROM ${schema}.let_in() LOOP
    PERFORM ${schema}.withdraw_all(g.role);
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

-- Takes all that a role has here.
CREATE FUNCTION ${schema}.withdraw_all(in_role text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM %I', in_role);
  EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA ${schema} FROM %I', in_role);
END $$;

-- Remembers what a role may do, instead of what it could before, and grants it.
CREATE FUNCTION ${schema}.grant_as(in_role text, in_kind text) RETURNS void
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
CREATE PROCEDURE ${schema}.grant_application(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}.grant_as(in_role, 'application');
END;

-- Lets a role look at the views, and at nothing else.
CREATE PROCEDURE ${schema}.grant_inspector(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}.grant_as(in_role, 'inspector');
END;

-- Lets a role look at the views and run what is for operators, and nothing else.
CREATE PROCEDURE ${schema}.grant_operator(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}.grant_as(in_role, 'operator');
END;

-- Lets a role do nothing any more, from its next statement on. What its sessions own stays theirs, until they end.
CREATE FUNCTION ${schema}.let_out(in_role text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  renamed text;
BEGIN
  DELETE FROM ${schema}.grantee g WHERE g.role = in_role;
  IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = in_role) THEN
    PERFORM ${schema}.withdraw_all(in_role);
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

CREATE PROCEDURE ${schema}.revoke_role(in_role text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}.let_out(in_role);
END;

COMMENT ON FUNCTION ${schema}.protocol() IS 'The version of this schema, and the oldest client that it serves.';
COMMENT ON PROCEDURE ${schema}.grant_application(text) IS 'Lets a role use everything, without rights to change the schema.';
COMMENT ON PROCEDURE ${schema}.revoke_role(text) IS 'Lets a role do nothing here any more.';
COMMENT ON PROCEDURE ${schema}.grant_inspector(text) IS 'Lets a role look at the views, which show no payloads, and at nothing else.';
COMMENT ON PROCEDURE ${schema}.grant_operator(text) IS
  'Lets a role look at the views and call what is for operators, and nothing else: each such call asks for a reason and is noted in operations.';

SELECT ${schema}.pin_all();
SELECT ${schema}.grant_all();
