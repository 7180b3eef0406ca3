-- Watches. State is the truth, a ring is a hint that carries an address and never data: whoever is rung, or missed a
-- ring, compares what it last saw (czxid, mzxid, pzxid) with what is there.
--
-- No registration misses a change in between: it reads under a lock that a writer of that path needs. If the node is
-- there, that is its row; if not, it is the row in which the nearest node above it that exists counts its children,
-- for whatever creates the path must first create a child there. A writer looks for watchers after it has its lock, with
-- a snapshot of its own. (A writer above READ COMMITTED cannot look again: its watchers learn of it at their sweep.)

SET LOCAL search_path = pg_catalog, pg_temp;

-- The sessions to ring for a change of this node; `structural` if it was created or deleted. Whoever watches a subtree
-- has a row under '*' too, so that nobody pays for looking at all the ancestors where no subtree is watched.
CREATE OR REPLACE FUNCTION ${schema}._watchers_of(in_path text, in_structural boolean) RETURNS SETOF bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT w.session FROM ${schema}.watch w WHERE w.path = in_path AND (in_structural OR w.kind <> 'c')
  UNION ALL
  SELECT w.session FROM ${schema}.watch w
    WHERE in_structural AND w.path = ${schema}._parent_of(in_path) AND w.kind IN ('c', 'p')
  UNION ALL
  SELECT w.session FROM ${schema}.watch w
    WHERE w.path = ANY (${schema}._ancestors_of(in_path)) AND w.kind = 'r'
      AND EXISTS (SELECT FROM ${schema}.watch r WHERE r.path = '*');
END;

-- Rings those who watch this node, on a channel for each session, when the transaction commits.
CREATE OR REPLACE FUNCTION ${schema}.ring(in_path text, in_structural boolean) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}._ring_session(s.session, in_path)
    FROM (SELECT DISTINCT session FROM ${schema}._watchers_of(in_path, in_structural) AS w (session)) s;
END $$;
COMMENT ON FUNCTION ${schema}.ring(text, boolean) IS
  'Rings the watchers of a node that was changed; the second argument is true if it was created or deleted. After the commit of the change.';

-- Rings those who watch the node or anything below it, after all of it went.
CREATE OR REPLACE FUNCTION ${schema}.ring_subtree(in_path text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ring_session(w.session, w.path) FROM ${schema}.watch w
    WHERE w.path > in_path || '/' AND w.path < in_path || '0';
  PERFORM ${schema}.ring(in_path, true);
END $$;
COMMENT ON FUNCTION ${schema}.ring_subtree(text) IS 'Rings the watchers of a node that was deleted with everything below it.';

-- Registers a session for a path and keeps the path's writers out until this transaction ends. Read the path next, in
-- the same transaction, with a statement of its own. A whole subtree cannot be kept out: see watch_is_settled.
CREATE OR REPLACE FUNCTION ${schema}._watch_register(in_session bigint, in_path text, in_kind "char") RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  nearest text;
  held    text;
  whole   boolean := in_kind NOT IN ('c', 'p') OR ${schema}._hold_children(in_path);
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  LOOP
    PERFORM FROM ${schema}.node n WHERE n.path = in_path FOR SHARE;
    IF FOUND THEN
      EXIT WHEN whole OR ${schema}._hold_children(in_path);
    END IF;
    SELECT max(n.path) INTO nearest FROM ${schema}.node n WHERE n.path = ANY (${schema}._ancestors_of(in_path));
    EXIT WHEN nearest = held;
    PERFORM ${schema}._hold_children(nearest);
    held := nearest;
  END LOOP;
  INSERT INTO ${schema}.watch VALUES (in_path, in_session, in_kind) ON CONFLICT DO NOTHING;
END $$;

-- Keeps everybody from creating or deleting children of this node until this transaction ends. False: there is no node.
CREATE OR REPLACE FUNCTION ${schema}._hold_children(in_path text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.gathering p WHERE p.path = in_path FOR SHARE;
  IF NOT FOUND THEN
    PERFORM FROM ${schema}.gathering p WHERE p.path = ${schema}._parent_of(in_path) FOR SHARE;
    PERFORM FROM ${schema}.node n WHERE n.path = in_path;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    PERFORM FROM ${schema}.gathering p WHERE p.path = in_path FOR SHARE;
  END IF;
  RETURN true;
END $$;

-- A number that only later transactions are above: those below it may have looked for watchers before a registration was there, which has
-- been committed. (What a snapshot calls its end is no such number: transactions above it may have begun.)
CREATE OR REPLACE FUNCTION ${schema}.watch_horizon() RETURNS bigint
LANGUAGE sql
RETURN pg_current_xact_id()::text::bigint;
COMMENT ON FUNCTION ${schema}.watch_horizon() IS
  'After watches of subtrees were committed: a number to ask watch_is_settled with.';

-- Whether all of those have ended: what is read now, and rung from now on, misses nothing in between.
CREATE OR REPLACE FUNCTION ${schema}.watch_is_settled(in_horizon bigint) RETURNS boolean
LANGUAGE sql
RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= in_horizon;
COMMENT ON FUNCTION ${schema}.watch_is_settled(bigint) IS
  'Whether all transactions have ended that may have missed the new watches: what is read from then on misses nothing.';

-- What a client compares for each of these paths; no row for a path without a node.
CREATE OR REPLACE FUNCTION ${schema}.watch_states(in_paths text[]) RETURNS TABLE (path text, czxid bigint, mzxid bigint, pzxid bigint)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT n.path, n.czxid, n.mzxid, coalesce(p.pzxid, n.czxid)
    FROM unnest(in_paths) AS asked (path) JOIN ${schema}.node n ON n.path = asked.path
      LEFT JOIN ${schema}.gathering p ON p.path = n.path;
END $$;
COMMENT ON FUNCTION ${schema}.watch_states(text[]) IS
  'The numbers of these nodes, to be compared with those seen before; no row for a path without a node.';

-- The same for a node and everything below it, without reading more than that.
CREATE OR REPLACE FUNCTION ${schema}.watch_subtree(in_path text) RETURNS TABLE (path text, czxid bigint, mzxid bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.path, n.czxid, n.mzxid, coalesce((SELECT p.pzxid FROM ${schema}.gathering p WHERE p.path = n.path), n.czxid)
    FROM ${schema}.node n
    WHERE n.path = in_path OR (n.path > rtrim(in_path, '/') || '/' AND n.path < rtrim(in_path, '/') || '0')
    ORDER BY n.path;
END;
COMMENT ON FUNCTION ${schema}.watch_subtree(text) IS 'The numbers of a node and of everything below it.';

-- Registers without reading, for a subtree or again after a break of the connection; the caller looks next.
CREATE OR REPLACE FUNCTION ${schema}.watch_again(in_session bigint, in_paths text[], in_kinds text[]) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO ${schema}.watch
    SELECT path, in_session, kind::"char" FROM unnest(in_paths, in_kinds) AS asked (path, kind)
    UNION SELECT '*', in_session, 'r' WHERE 'r' = ANY (in_kinds)
    ORDER BY 1, 3
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION ${schema}.watch_again(bigint, text[], text[]) IS
  'Registers watches of a session without reading: paths, kinds (n node, c children, p both, r all below too). Look at the paths afterwards, with watch_states or watch_subtree.';

CREATE OR REPLACE FUNCTION ${schema}.watch_forget(in_session bigint, in_paths text[], in_kinds text[]) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  DELETE FROM ${schema}.watch w USING unnest(in_paths, in_kinds) AS asked (path, kind)
    WHERE w.path = asked.path AND w.session = in_session AND w.kind = asked.kind::"char";
  DELETE FROM ${schema}.watch w WHERE w.path = '*' AND w.session = in_session
    AND NOT EXISTS (SELECT FROM ${schema}.watch r WHERE r.session = in_session AND r.kind = 'r' AND r.path <> '*');
END;
COMMENT ON FUNCTION ${schema}.watch_forget(bigint, text[], text[]) IS 'Ends watches of a session: paths, kinds.';

CREATE OR REPLACE VIEW ${schema}.watchers AS
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

SELECT ${schema}._pin_and_grant();
