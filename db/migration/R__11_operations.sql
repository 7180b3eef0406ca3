-- The operations as callers ask for them. Each has one inner function (R__10_tree) and two thin entrances:
--   create, set, delete, … : inside any transaction, for any language; they ring when that transaction commits.
--   request_create, … : what the library calls, in a transaction of its own. They note the reply in the caller's slot and
--     leave the ring to the caller, after the commit, because a transaction that notifies and waits for a flush makes
--     all others that notify wait with it. The caller rings only if the answer says `watched`.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Reads. They answer no row for a node that is not there.

CREATE OR REPLACE FUNCTION ${schema}.get(in_path text) RETURNS TABLE (data bytea, czxid bigint, mzxid bigint, ctime timestamptz,
    mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.data, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
      coalesce(n.owner, 0), length(n.data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
    FROM ${schema}.node n LEFT JOIN ${schema}.gathering p ON p.path = n.path WHERE n.path = in_path;
END;
COMMENT ON FUNCTION ${schema}.get(text) IS 'Data and stat of a node; no row if there is none.';

CREATE OR REPLACE FUNCTION ${schema}.exists(in_path text) RETURNS TABLE (czxid bigint, mzxid bigint, ctime timestamptz,
    mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
      coalesce(n.owner, 0), length(n.data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
    FROM ${schema}.node n LEFT JOIN ${schema}.gathering p ON p.path = n.path WHERE n.path = in_path;
END;
COMMENT ON FUNCTION ${schema}.exists(text) IS 'The stat of a node; no row if there is none.';

-- Names of children after one name ('' for the first), sorted.
CREATE OR REPLACE FUNCTION ${schema}.children(in_path text, in_after text DEFAULT '', in_limit integer DEFAULT NULL)
RETURNS TABLE (name text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.name FROM ${schema}.node n WHERE n.parent = in_path AND n.name > in_after ORDER BY n.name LIMIT in_limit;
END;
COMMENT ON FUNCTION ${schema}.children(text, text, integer) IS
  'Names of children, sorted: those after in_after, at most in_limit.';

-- The names of all children at once, with the node's own numbers; no row if there is no such node. The limit that limits
-- nothing makes the planner read the index in its order, also before anybody has analysed the table: a bitmap scan would
-- never clean up the index entries of children that went.
CREATE OR REPLACE FUNCTION ${schema}.children_at(in_path text) RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint, names text[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.czxid, n.mzxid, coalesce(p.pzxid, n.czxid),
      ARRAY(SELECT c.name FROM ${schema}.node c WHERE c.parent = in_path ORDER BY c.name LIMIT (SELECT NULL::bigint))
    FROM ${schema}.node n LEFT JOIN ${schema}.gathering p ON p.path = n.path WHERE n.path = in_path;
END;
COMMENT ON FUNCTION ${schema}.children_at(text) IS 'The names of all children, with the node''s own numbers; no row if there is none.';

-- Several reads at one moment, in the order they were asked: of the children where `in_children` says so, else of the node. By
-- the indices, also where the tables have few rows: who reads this follows what comes and goes, and leaves many dead ones.
CREATE OR REPLACE FUNCTION ${schema}.read_all(in_paths text[], in_children boolean[]) RETURNS TABLE (present boolean, names text[],
    data bytea, czxid bigint, mzxid bigint, ctime timestamptz, mtime timestamptz, version integer, cversion bigint,
    owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT n.czxid IS NOT NULL,
      CASE WHEN asked.list THEN ARRAY(SELECT c.name FROM ${schema}.node c
        WHERE c.parent = asked.path ORDER BY c.name LIMIT (SELECT NULL::bigint)) END,
      CASE WHEN NOT asked.list THEN n.data END, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, n.cversion, n.owner,
      n.data_length, n.children, n.pzxid
    FROM unnest(in_paths, in_children) WITH ORDINALITY AS asked (path, list, number)
      LEFT JOIN LATERAL ${schema}.get(asked.path) n ON true
    ORDER BY asked.number;
END $$;
COMMENT ON FUNCTION ${schema}.read_all(text[], boolean[]) IS
  'Reads several nodes at one moment: children where the second array says true, else data and stat.';

-- Writes inside the caller's transaction.

CREATE OR REPLACE FUNCTION ${schema}.create(in_path text, in_data bytea DEFAULT '', in_kind ${schema}.node_kind DEFAULT 'persistent',
    in_sequential boolean DEFAULT false, in_session bigint DEFAULT NULL, in_ttl_ms bigint DEFAULT NULL,
    in_parents boolean DEFAULT false) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._create(in_path, in_data, in_kind, in_sequential,
    in_session, in_ttl_ms, in_parents, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring_created(outcome.path, in_parents);
  END IF;
  RETURN outcome;
END $$;
COMMENT ON FUNCTION ${schema}.create(text, bytea, ${schema}.node_kind, boolean, bigint, bigint, boolean) IS
  'Creates a node: SELECT * FROM ${schema}.create(''/a/b'', ''data''). in_sequential appends a number to the name, in_session owns an ephemeral node, in_ttl_ms belongs to the kind ttl, in_parents creates what is missing above. code: ok, node_exists, no_node (the parent), no_children_for_ephemerals, session_expired or bad_arguments.';

CREATE OR REPLACE FUNCTION ${schema}.set(in_path text, in_data bytea, in_version integer DEFAULT -1) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._set(in_path, in_data, in_version, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, false);
  END IF;
  RETURN outcome;
END $$;
COMMENT ON FUNCTION ${schema}.set(text, bytea, integer) IS
  'Sets the data if the node has in_version (-1: any). code: ok, no_node or bad_version.';

CREATE OR REPLACE FUNCTION ${schema}.delete(in_path text, in_version integer DEFAULT -1) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._delete(in_path, in_version, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, true);
  END IF;
  RETURN outcome;
END $$;
COMMENT ON FUNCTION ${schema}.delete(text, integer) IS
  'Deletes a childless node if it has in_version (-1: any). code: ok, no_node, bad_version, not_empty or bad_arguments.';

CREATE OR REPLACE FUNCTION ${schema}.delete_recursive(in_path text) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._delete_recursive(in_path);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring_subtree(in_path);
  END IF;
  RETURN outcome;
END $$;
COMMENT ON FUNCTION ${schema}.delete_recursive(text) IS
  'Deletes a node with all that is below it; number says how many nodes went. code: ok, no_node or bad_arguments.';

CREATE OR REPLACE FUNCTION ${schema}.multi(in_session bigint, in_types text[], in_paths text[], in_data bytea[],
    in_versions integer[], in_kinds text[], in_sequentials boolean[], in_ttls_ms bigint[]) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcomes ${schema}.outcome[] := ${schema}._multi(in_session, in_types, in_paths, in_data, in_versions, in_kinds,
    in_sequentials, in_ttls_ms);
BEGIN
  PERFORM ${schema}.ring(o.path, in_types[o.step] <> 'set') FROM unnest(outcomes) WITH ORDINALITY AS o
      (code, path, czxid, mzxid, ctime, mtime, version, cversion, owner, data_length, children, pzxid, number, granted, attempt, step)
    WHERE in_types[o.step] NOT IN ('check', 'check_change') AND NOT EXISTS (SELECT FROM unnest(outcomes) AS f WHERE f.code <> 'ok')
    ORDER BY o.step;
  RETURN outcomes;
END $$;
COMMENT ON FUNCTION ${schema}.multi(bigint, text[], text[], bytea[], integer[], text[], boolean[], bigint[]) IS
  'All steps or none. Parallel arrays: types (create, set, delete, check, check_change), paths, data (of check_change the mzxid, in digits), versions, kinds, sequential, ttl in ms; the first argument owns ephemeral nodes.';

-- A node that was created, and with `parents` perhaps nodes above it.
CREATE OR REPLACE FUNCTION ${schema}.ring_created(in_path text, in_parents boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_parents THEN
    PERFORM ${schema}.ring(above, true) FROM unnest(${schema}._ancestors_of(in_path)) AS above WHERE above <> '/';
  END IF;
  PERFORM ${schema}.ring(in_path, true);
END $$;
COMMENT ON FUNCTION ${schema}.ring_created(text, boolean) IS
  'Rings the watchers of a node that was created, and of those above it if they may have been created with it.';

-- Writes in a transaction of their own: see R__06_replies.

CREATE OR REPLACE FUNCTION ${schema}.request_create(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea,
    in_kind text, in_sequential boolean, in_ttl_ms bigint, in_parents boolean,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._create(in_path, in_data, in_kind::${schema}.node_kind, in_sequential, in_session, in_ttl_ms,
    in_parents, NULL);
  IF outcome.code = 'ok' THEN
    IF in_parents THEN
      PERFORM ${schema}._move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
      watched := true;
    ELSE
      watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], outcome.path,
        ${schema}._parent_of(outcome.path));
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_create(bigint, integer, bigint, text, bytea, text, boolean, bigint, boolean) IS
  'Like create, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_created next.';

CREATE OR REPLACE FUNCTION ${schema}.request_set(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea,
    in_version integer, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._set(in_path, in_data, in_version, NULL);
  IF outcome.code = 'ok' THEN
    watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, in_path);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_set(bigint, integer, bigint, text, bytea, integer) IS
  'Like set, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring next.';

CREATE OR REPLACE FUNCTION ${schema}.request_delete(in_session bigint, in_slot integer, in_request bigint, in_path text,
    in_version integer, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._delete(in_path, in_version, NULL);
  IF outcome.code = 'ok' THEN
    watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, ${schema}._parent_of(in_path));
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_delete(bigint, integer, bigint, text, integer) IS
  'Like delete, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring next.';

CREATE OR REPLACE FUNCTION ${schema}.request_delete_recursive(in_session bigint, in_slot integer, in_request bigint, in_path text,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._delete_recursive(in_path);
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
    watched := true;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_delete_recursive(bigint, integer, bigint, text) IS
  'Like delete_recursive, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_subtree next.';

CREATE OR REPLACE FUNCTION ${schema}.request_multi(in_session bigint, in_slot integer, in_request bigint, in_types text[],
    in_paths text[], in_data bytea[], in_versions integer[], in_kinds text[], in_sequentials boolean[],
    in_ttls_ms bigint[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcomes := ${schema}._multi(in_session, in_types, in_paths, in_data, in_versions, in_kinds, in_sequentials,
    in_ttls_ms);
  IF NOT EXISTS (SELECT FROM unnest(outcomes) AS o WHERE o.code <> 'ok') THEN
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
    watched := ${schema}._is_watched(outcomes);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_multi(bigint, integer, bigint, text[], text[], bytea[], integer[], text[], boolean[], bigint[]) IS
  'Like multi, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring next for each path.';

-- Changes that have nothing to do with each other, in one transaction because they came at the same time: each has its own
-- outcome. Not worth waiting long for somebody who holds on to something of one of them: then it fails with 55P03, and the
-- caller asks for each alone.
CREATE OR REPLACE FUNCTION ${schema}.request_each(in_session bigint, in_slot integer, in_request bigint, in_types text[],
    in_paths text[], in_data bytea[], in_versions integer[], in_kinds text[], in_sequentials boolean[],
    in_ttls_ms bigint[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan 
  SET enable_hashjoin = off SET enable_mergejoin = off SET lock_timeout = '10ms' AS $$
BEGIN
  outcomes := ${schema}._each(in_session, in_types, in_paths, in_data, in_versions, in_kinds, in_sequentials,
    in_ttls_ms);
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  watched := ${schema}._is_watched(outcomes);
END $$;
COMMENT ON FUNCTION ${schema}.request_each(bigint, integer, bigint, text[], text[], bytea[], integer[], text[], boolean[], bigint[]) IS
  'Several steps, each for itself, in a transaction of their own, numbered so that a lost reply can be settled: types (create, set, add, delete), arguments like those of multi. Fails with 55P03 where one of them is kept waiting; ask for each alone then.';

-- Reads that leave a watch: registered and read under one lock. A registration need not survive a crash, so its commit
-- is not flushed: call them in a transaction of their own. The registration stays also if there is no such node.

CREATE OR REPLACE FUNCTION ${schema}.watch_node(in_session bigint, in_path text) RETURNS TABLE (data bytea, czxid bigint, mzxid bigint,
    ctime timestamptz, mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer,
    children bigint, pzxid bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}._watch_register(in_session, in_path, 'n');
  RETURN QUERY SELECT * FROM ${schema}.get(in_path);
END $$;
COMMENT ON FUNCTION ${schema}.watch_node(bigint, text) IS
  'Data and stat of a node, and a watch of it for a session; no row if there is none, and then its creation is watched for. In a transaction of its own.';

CREATE OR REPLACE FUNCTION ${schema}.watch_children(in_session bigint, in_path text)
RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint, names text[])
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}._watch_register(in_session, in_path, 'c');
  RETURN QUERY SELECT * FROM ${schema}.children_at(in_path);
END $$;
COMMENT ON FUNCTION ${schema}.watch_children(bigint, text) IS
  'The names of all children of a node, and a watch of them for a session. In a transaction of its own.';

CREATE OR REPLACE FUNCTION ${schema}.watch_persistent(in_session bigint, in_path text)
RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}._watch_register(in_session, in_path, 'p');
  RETURN QUERY SELECT s.czxid, s.mzxid, s.pzxid FROM ${schema}.watch_states(ARRAY[in_path]) s;
END $$;
COMMENT ON FUNCTION ${schema}.watch_persistent(bigint, text) IS
  'The numbers of a node, and a watch of it and of its children that stays. In a transaction of its own.';

-- What everybody may look at.

CREATE OR REPLACE VIEW ${schema}.nodes AS
  SELECT n.path, n.kind, n.version, length(n.data) AS data_length, coalesce(p.children, 0) AS children,
    nullif(n.owner, 0) AS session, n.kind <> 'ephemeral' OR coalesce(s.alive, false) AS alive,
    n.ctime AS created, n.mtime AS modified, n.ttl_ms * interval '1 millisecond' AS ttl,
    n.czxid, n.mzxid, coalesce(p.pzxid, n.czxid) AS pzxid, n.parent, n.name
  FROM ${schema}.node n LEFT JOIN ${schema}.gathering p USING (path)
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

SELECT ${schema}._pin_and_grant();
