-- The operations as callers ask for them. Each has one inner function (V003) and two thin entrances:
--   create, set, delete, … : inside any transaction, for any language; they ring when that transaction commits.
--   request_create, … : what the library calls, in a transaction of its own. They note the reply in the caller's slot and
--     leave the ring to the caller, after the commit, because a transaction that notifies and waits for a flush makes
--     all others that notify wait with it. The caller rings only if the answer says `watched`.
--
-- A lost reply. The slot remembers the last request that committed, and only ever moves on. `settle` moves it on by
-- itself to the request in question: it finds the reply if the request had committed, and waits for it if it is just
-- committing; otherwise the request finds the slot moved on, whenever it may arrive, and does nothing. Either way its fate
-- is known and final, and the caller takes the reply or asks again under the next number.
--
-- Whatever writes plans once, and by index. The small tables whose rows change all the time are one page long to a planner
-- that looks at the right moment, and many pages of old versions to the plan that it then keeps; and some of these
-- statements it would plan anew each time, for a third of their cost.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Reads. They answer no row for a node that is not there.

CREATE FUNCTION ${schema}.get(in_path text) RETURNS TABLE (data bytea, czxid bigint, mzxid bigint, ctime timestamptz,
    mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.data, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
      coalesce(n.owner, 0), length(n.data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
    FROM ${schema}.node n LEFT JOIN ${schema}.parent p ON p.path = n.path WHERE n.path = in_path;
END;

CREATE FUNCTION ${schema}.exists(in_path text) RETURNS TABLE (czxid bigint, mzxid bigint, ctime timestamptz,
    mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
      coalesce(n.owner, 0), length(n.data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
    FROM ${schema}.node n LEFT JOIN ${schema}.parent p ON p.path = n.path WHERE n.path = in_path;
END;

-- Names of children after one name ('' for the first), sorted.
CREATE FUNCTION ${schema}.children(in_path text, in_after text DEFAULT '', in_limit integer DEFAULT NULL)
RETURNS TABLE (name text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.name FROM ${schema}.node n WHERE n.parent = in_path AND n.name > in_after ORDER BY n.name LIMIT in_limit;
END;

-- The names of all children at once, with the node's own numbers; no row if there is no such node. The limit that limits
-- nothing makes the planner read the index in its order, also before anybody has analysed the table: a bitmap scan would
-- never clean up the index entries of children that went.
CREATE FUNCTION ${schema}.children_at(in_path text) RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint, names text[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.czxid, n.mzxid, coalesce(p.pzxid, n.czxid),
      ARRAY(SELECT c.name FROM ${schema}.node c WHERE c.parent = in_path ORDER BY c.name LIMIT (SELECT NULL::bigint))
    FROM ${schema}.node n LEFT JOIN ${schema}.parent p ON p.path = n.path WHERE n.path = in_path;
END;

-- Several reads at one moment, in the order they were asked: of the children where `in_children` says so, else of the node. By
-- the indices, also where the tables have few rows: who reads this follows what comes and goes, and leaves many dead ones.
CREATE FUNCTION ${schema}.read_all(in_paths text[], in_children boolean[]) RETURNS TABLE (present boolean, names text[],
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

-- Writes inside the caller's transaction.

CREATE FUNCTION ${schema}.create(in_path text, in_data bytea DEFAULT '', in_kind ${schema}.node_kind DEFAULT 'persistent',
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

CREATE FUNCTION ${schema}.set(in_path text, in_data bytea, in_version integer DEFAULT -1) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._set(in_path, in_data, in_version, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, false);
  END IF;
  RETURN outcome;
END $$;

CREATE FUNCTION ${schema}.delete(in_path text, in_version integer DEFAULT -1) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._delete(in_path, in_version, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, true);
  END IF;
  RETURN outcome;
END $$;

CREATE FUNCTION ${schema}.delete_recursive(in_path text) RETURNS ${schema}.outcome
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._delete_recursive(in_path);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring_subtree(in_path);
  END IF;
  RETURN outcome;
END $$;

CREATE FUNCTION ${schema}.multi(in_session bigint, in_types text[], in_paths text[], in_data bytea[],
    in_versions integer[], in_kinds text[], in_sequentials boolean[], in_ttls_ms bigint[]) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcomes ${schema}.outcome[] := ${schema}._multi(in_session, in_types, in_paths, in_data, in_versions, in_kinds,
    in_sequentials, in_ttls_ms);
BEGIN
  PERFORM ${schema}.ring(o.path, in_types[o.step] <> 'set') FROM unnest(outcomes) WITH ORDINALITY AS o
      (code, path, czxid, mzxid, ctime, mtime, version, cversion, owner, data_length, children, pzxid, step)
    WHERE in_types[o.step] NOT IN ('check', 'check_change') AND NOT EXISTS (SELECT FROM unnest(outcomes) AS f WHERE f.code <> 'ok')
    ORDER BY o.step;
  RETURN outcomes;
END $$;

-- A node that was created, and with `parents` perhaps nodes above it.
CREATE FUNCTION ${schema}.ring_created(in_path text, in_parents boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_parents THEN
    PERFORM ${schema}.ring(above, true) FROM unnest(${schema}.ancestors_of(in_path)) AS above WHERE above <> '/';
  END IF;
  PERFORM ${schema}.ring(in_path, true);
END $$;

-- Writes in a transaction of their own, numbered so that a lost reply can be settled.

-- Notes the reply to a request that is about to commit. True: somebody may have to be rung, who watches one path or the
-- other or a subtree. That is looked up here, after the last lock and in the same statement: it costs less than any function
-- that could be called for it. (So do two texts instead of the outcome: to take a field out of it in a statement costs
-- more than all the rest.) Fails, and so takes the request back, if it was settled before.
CREATE FUNCTION ${schema}.note_reply(in_session bigint, in_slot integer, in_request bigint,
    in_outcomes ${schema}.outcome[], in_path text, in_above text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  watched boolean;
BEGIN
  LOOP
    UPDATE ${schema}.reply r SET request = in_request, at = clock_timestamp(), outcomes = in_outcomes
      WHERE r.session = in_session AND r.slot = in_slot AND r.request < in_request
      RETURNING coalesce(
        (SELECT true FROM ${schema}.watch w WHERE w.path = in_path ORDER BY w.session LIMIT 1),
        (SELECT true FROM ${schema}.watch w WHERE w.path = in_above ORDER BY w.session LIMIT 1),
        (SELECT true FROM ${schema}.watch w WHERE w.path = '*' ORDER BY w.session LIMIT 1), false)
      INTO watched;
    IF FOUND THEN
      RETURN watched;
    END IF;
    PERFORM ${schema}.move_slot(in_session, in_slot, in_request - 1, NULL);
  END LOOP;
END $$;

-- Moves a slot on to a request, with its reply if it has one. Fails if the slot is there already, or past it.
CREATE FUNCTION ${schema}.move_slot(in_session bigint, in_slot integer, in_request bigint,
    in_outcomes ${schema}.outcome[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.reply AS r VALUES (in_session, in_slot, in_request, clock_timestamp(), in_outcomes)
    ON CONFLICT (session, slot) DO UPDATE
      SET request = excluded.request, at = excluded.at, outcomes = excluded.outcomes WHERE r.request < excluded.request;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'slot % of session % has moved past request %', in_slot, in_session, in_request
      USING ERRCODE = 'PK001';
  END IF;
END $$;

-- What became of a request whose reply was lost: its outcomes; or none, and then it never will be done. Flushes what it tells of:
-- where that was to be flushed by a commit after its own, the connection may have broken in between.
CREATE FUNCTION ${schema}.settle(in_session bigint, in_slot integer, in_request bigint) RETURNS SETOF ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  noted ${schema}.outcome[];
BEGIN
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, NULL);
EXCEPTION
  WHEN SQLSTATE 'PK001' THEN
    SELECT r.outcomes INTO STRICT noted FROM ${schema}.reply r
      WHERE r.session = in_session AND r.slot = in_slot AND r.request = in_request;
    PERFORM pg_logical_emit_message(true, '${schema}', '');
    RETURN QUERY SELECT * FROM unnest(noted);
END $$;

-- Forgets a slot that its client uses no more. Only one all of whose replies arrived: a request that is still on its way would
-- find no slot that has moved past it, and be done.
CREATE FUNCTION ${schema}.slot_forget(in_session bigint, in_slot integer) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM ${schema}.reply r WHERE r.session = in_session AND r.slot = in_slot;
END $$;

CREATE FUNCTION ${schema}.request_create(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea,
    in_kind text, in_sequential boolean, in_ttl_ms bigint, in_parents boolean,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._create(in_path, in_data, in_kind::${schema}.node_kind, in_sequential, in_session, in_ttl_ms,
    in_parents, NULL);
  IF outcome.code = 'ok' THEN
    IF in_parents THEN
      PERFORM ${schema}.move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
      watched := true;
    ELSE
      watched := ${schema}.note_reply(in_session, in_slot, in_request, ARRAY[outcome], outcome.path,
        ${schema}.parent_of(outcome.path));
    END IF;
  END IF;
END $$;

CREATE FUNCTION ${schema}.request_set(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea,
    in_version integer, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._set(in_path, in_data, in_version, NULL);
  IF outcome.code = 'ok' THEN
    watched := ${schema}.note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, in_path);
  END IF;
END $$;

CREATE FUNCTION ${schema}.request_delete(in_session bigint, in_slot integer, in_request bigint, in_path text,
    in_version integer, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._delete(in_path, in_version, NULL);
  IF outcome.code = 'ok' THEN
    watched := ${schema}.note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, ${schema}.parent_of(in_path));
  END IF;
END $$;

CREATE FUNCTION ${schema}.request_delete_recursive(in_session bigint, in_slot integer, in_request bigint, in_path text,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._delete_recursive(in_path);
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
    watched := true;
  END IF;
END $$;

CREATE FUNCTION ${schema}.request_multi(in_session bigint, in_slot integer, in_request bigint, in_types text[],
    in_paths text[], in_data bytea[], in_versions integer[], in_kinds text[], in_sequentials boolean[],
    in_ttls_ms bigint[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcomes := ${schema}._multi(in_session, in_types, in_paths, in_data, in_versions, in_kinds, in_sequentials,
    in_ttls_ms);
  IF NOT EXISTS (SELECT FROM unnest(outcomes) AS o WHERE o.code <> 'ok') THEN
    PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
    watched := ${schema}.is_watched(outcomes);
  END IF;
END $$;

-- Changes that have nothing to do with each other, in one transaction because they came at the same time: each has its own
-- outcome. Not worth waiting long for somebody who holds on to something of one of them: then it fails with 55P03, and the
-- caller asks for each alone.
CREATE FUNCTION ${schema}.request_each(in_session bigint, in_slot integer, in_request bigint, in_types text[],
    in_paths text[], in_data bytea[], in_versions integer[], in_kinds text[], in_sequentials boolean[],
    in_ttls_ms bigint[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan 
  SET enable_hashjoin = off SET enable_mergejoin = off SET lock_timeout = '10ms' AS $$
BEGIN
  outcomes := ${schema}._each(in_session, in_types, in_paths, in_data, in_versions, in_kinds, in_sequentials,
    in_ttls_ms);
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
  watched := ${schema}.is_watched(outcomes);
END $$;

-- Whether somebody may have to be rung for one of these.
CREATE FUNCTION ${schema}.is_watched(outcomes ${schema}.outcome[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM unnest(outcomes) AS o,
      LATERAL unnest(ARRAY[o.path, ${schema}.parent_of(o.path), '*']) AS concerned (path),
      LATERAL (SELECT FROM ${schema}.watch w WHERE w.path = concerned.path ORDER BY w.session LIMIT 1) AS watcher
    WHERE o.code = 'ok');
END $$;

-- Reads that leave a watch: registered and read under one lock. A registration need not survive a crash, so its commit
-- is not flushed: call them in a transaction of their own. The registration stays also if there is no such node.

CREATE FUNCTION ${schema}.watch_node(in_session bigint, in_path text) RETURNS TABLE (data bytea, czxid bigint, mzxid bigint,
    ctime timestamptz, mtime timestamptz, version integer, cversion bigint, owner bigint, data_length integer,
    children bigint, pzxid bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.watch_register(in_session, in_path, 'n');
  RETURN QUERY SELECT * FROM ${schema}.get(in_path);
END $$;

CREATE FUNCTION ${schema}.watch_children(in_session bigint, in_path text)
RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint, names text[])
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.watch_register(in_session, in_path, 'c');
  RETURN QUERY SELECT * FROM ${schema}.children_at(in_path);
END $$;

CREATE FUNCTION ${schema}.watch_persistent(in_session bigint, in_path text)
RETURNS TABLE (czxid bigint, mzxid bigint, pzxid bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.watch_register(in_session, in_path, 'p');
  RETURN QUERY SELECT s.czxid, s.mzxid, s.pzxid FROM ${schema}.watch_states(ARRAY[in_path]) s;
END $$;

COMMENT ON FUNCTION ${schema}.create(text, bytea, ${schema}.node_kind, boolean, bigint, bigint, boolean) IS
  'Creates a node: SELECT * FROM ${schema}.create(''/a/b'', ''data''). in_sequential appends a number to the name, in_session owns an ephemeral node, in_ttl_ms belongs to the kind ttl, in_parents creates what is missing above. code: ok, node_exists, no_node (the parent), no_children_for_ephemerals, session_expired or bad_arguments.';
COMMENT ON FUNCTION ${schema}.get(text) IS 'Data and stat of a node; no row if there is none.';
COMMENT ON FUNCTION ${schema}.exists(text) IS 'The stat of a node; no row if there is none.';
COMMENT ON FUNCTION ${schema}.children(text, text, integer) IS
  'Names of children, sorted: those after in_after, at most in_limit.';
COMMENT ON FUNCTION ${schema}.read_all(text[], boolean[]) IS
  'Reads several nodes at one moment: children where the second array says true, else data and stat.';
COMMENT ON FUNCTION ${schema}.set(text, bytea, integer) IS
  'Sets the data if the node has in_version (-1: any). code: ok, no_node or bad_version.';
COMMENT ON FUNCTION ${schema}.delete(text, integer) IS
  'Deletes a childless node if it has in_version (-1: any). code: ok, no_node, bad_version, not_empty or bad_arguments.';
COMMENT ON FUNCTION ${schema}.delete_recursive(text) IS
  'Deletes a node with all that is below it; children says how many nodes went. code: ok, no_node or bad_arguments.';
COMMENT ON FUNCTION ${schema}.multi(bigint, text[], text[], bytea[], integer[], text[], boolean[], bigint[]) IS
  'All steps or none. Parallel arrays: types (create, set, delete, check, check_change), paths, data (of check_change the mzxid, in digits), versions, kinds, sequential, ttl in ms; the first argument owns ephemeral nodes.';
COMMENT ON FUNCTION ${schema}.session_open(bigint, bigint, boolean, text, text, bigint) IS
  'Opens a session and returns its number: timeout and grace in ms, direct (a liveness lock on this connection; false for a lease alone), client name, host, pid. Renew it with session_renew within the timeout.';
COMMENT ON FUNCTION ${schema}.session_renew(bigint) IS 'Renews a lease; false if the session has ended. In a transaction of its own.';
COMMENT ON FUNCTION ${schema}.session_end(bigint) IS 'Ends a session and deletes all it owned; false if it had ended.';
COMMENT ON PROCEDURE ${schema}.reap() IS
  'Ends all sessions whose time is over, and all holds whose limit is: CALL ${schema}.reap(). Clients do this by themselves; call it where none is left.';
COMMENT ON PROCEDURE ${schema}.reap(integer) IS
  'The same for at most so many, as clients do it: CALL ${schema}.reap(50, NULL, NULL, NULL) answers how many sessions and holds it ended, and in how many milliseconds the next suspicion is ripe.';
COMMENT ON FUNCTION ${schema}.reap_nodes(integer) IS
  'Deletes at most so many empty containers and ttl nodes whose time is over. Clients do this by themselves.';
COMMENT ON FUNCTION ${schema}.children_at(text) IS 'The names of all children, with the node''s own numbers; no row if there is none.';
COMMENT ON FUNCTION ${schema}.session_attach(bigint, bigint) IS
  'Takes the liveness lock of a session on this connection and renews its lease; false if the session has ended. Refused if a way with the same or a larger number was gone since.';
COMMENT ON FUNCTION ${schema}.session_ping(bigint) IS
  'Whether the session is alive, and a number if the caller is the one to call reap now.';
COMMENT ON FUNCTION ${schema}.settle(bigint, integer, bigint) IS
  'What became of a numbered request whose reply was lost: its outcomes; none if it was not done, and then it never will be.';
COMMENT ON TYPE ${schema}.outcome IS
  'The answer about one node. code is ok, or names the rule that was broken; then nothing was changed.';
COMMENT ON TYPE ${schema}.node_kind IS 'What becomes of a node: stays, goes with its session, goes when empty, goes when not set in time.';

SELECT ${schema}.pin_all();
