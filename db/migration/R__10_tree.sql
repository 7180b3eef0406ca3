-- The znode tree. Every function may be called inside a transaction of the caller's and ends with it. A broken rule is
-- an answer, not an error: the transaction stays usable.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Creates a node; decides on the parent's row, which also numbers the children. The existence of the node is looked at
-- together with that row, so that nothing is changed if it is there. Of two who create the same path at the same moment,
-- the second finds out at its insert and gives its turn back; the parent's pzxid stays where it came to, which costs
-- those who watch the children one look.
--
-- Each statement and each expression of a function is set up anew in every transaction, which costs more than what most of
-- them do: the way that a creation usually goes is a check of the arguments and two statements.
CREATE OR REPLACE FUNCTION ${schema}._create(in_path text, in_data bytea, in_kind ${schema}.node_kind, in_sequential boolean,
    in_session bigint, in_ttl_ms bigint, in_parents boolean, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  above      text := ${schema}._new_parent_of(in_path);
  number     bigint;
  zxid       bigint;
  moment     timestamptz;
  above_kind ${schema}.node_kind;
  missing    text;
  refusal    text;
  outcome    ${schema}.outcome;
BEGIN
  refusal := CASE
    WHEN in_path = '/' AND in_sequential IS NOT TRUE THEN 'node_exists'
    WHEN NOT ${schema}._is_new_node(in_path, in_kind, in_sequential, in_ttl_ms) THEN 'bad_arguments'
    WHEN in_kind = 'ephemeral' AND NOT ${schema}._session_joined(in_session) THEN 'session_expired' END;
  IF refusal IS NOT NULL THEN
    RETURN ${schema}._refused(refusal, in_path);
  END IF;
  LOOP
    UPDATE ${schema}.gathering p
      SET creates = creates + 1, children = children + 1, pzxid = coalesce(in_zxid, ${schema}._next_zxid())
      WHERE p.path = above AND p.recipe IS NULL AND (SELECT true FROM ${schema}.node n
        WHERE n.path = ${schema}._numbered(in_path, p.creates, in_sequential) ORDER BY n.path LIMIT 1) IS NULL
      RETURNING creates - 1, pzxid, clock_timestamp() INTO number, zxid, moment;
    IF FOUND THEN
      INSERT INTO ${schema}.node AS n (path, parent, name, kind, owner, ttl_ms, version, czxid, mzxid, ctime, mtime, data)
        VALUES (${schema}._numbered(in_path, number, in_sequential), above,
          ${schema}._numbered(right(in_path, strpos(reverse(in_path), '/') - 1), number, in_sequential), in_kind,
          CASE in_kind WHEN 'persistent' THEN NULL WHEN 'ephemeral' THEN in_session ELSE 0 END, in_ttl_ms, 0,
          zxid, zxid, moment, moment, in_data)
        ON CONFLICT DO NOTHING
        RETURNING 'ok', n.path, zxid, zxid, moment, moment, 0, 0, coalesce(n.owner, 0), length(n.data), 0, zxid
        INTO outcome;
      IF FOUND THEN
        RETURN outcome;
      END IF;
      UPDATE ${schema}.gathering p SET creates = creates - 1, children = children - 1 WHERE p.path = above;
      RETURN ${schema}._refused('node_exists', ${schema}._numbered(in_path, number, in_sequential));
    ELSIF EXISTS (SELECT FROM ${schema}.gathering p, ${schema}.node n
        WHERE p.path = above AND n.path = ${schema}._numbered(in_path, p.creates, in_sequential)) THEN
      RETURN ${schema}._refused('node_exists', in_path);
    ELSIF EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = above AND p.recipe IS NOT NULL) THEN
      RETURN ${schema}._refused('wrong_recipe', in_path);
    END IF;
    SELECT n.kind INTO above_kind FROM ${schema}.node n WHERE n.path = above;
    IF above_kind = 'ephemeral' THEN
      RETURN ${schema}._refused('no_children_for_ephemerals', in_path);
    ELSIF FOUND THEN
      PERFORM FROM ${schema}.gathering p WHERE p.path = ${schema}._parent_of(above) FOR NO KEY UPDATE;
      INSERT INTO ${schema}.gathering SELECT n.path, 0, 0, n.czxid FROM ${schema}.node n WHERE n.path = above
        ON CONFLICT DO NOTHING;
    ELSIF in_parents THEN
      -- From the top, and not each by the one below it: a thousand calls within each other are too deep.
      FOREACH missing IN ARRAY ARRAY(
          SELECT a FROM unnest(${schema}._ancestors_of(in_path)) AS a
            WHERE NOT EXISTS (SELECT FROM ${schema}.node n WHERE n.path = a) ORDER BY length(a)) LOOP
        outcome := ${schema}._create(missing, '', 'persistent', false, NULL, NULL, true, in_zxid);
        IF outcome.code NOT IN ('ok', 'node_exists') THEN
          RETURN outcome;
        END IF;
      END LOOP;
    ELSE
      RETURN ${schema}._refused('no_node', in_path);
    END IF;
  END LOOP;
END $$;

-- Sets a node's data if it has the version; -1 matches any. Decides on the node's row. Where the row was not there, or had
-- another version, and then is as wanted after all, somebody was just changing it: it is tried again.
CREATE OR REPLACE FUNCTION ${schema}._set(in_path text, in_data bytea, in_version integer, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  outcome  ${schema}.outcome;
  found_at integer;
BEGIN
  LOOP
    UPDATE ${schema}.node n
      SET data = in_data, version = version + 1, mzxid = coalesce(in_zxid, ${schema}._next_zxid()), mtime = clock_timestamp()
      FROM (SELECT) AS always LEFT JOIN ${schema}.gathering p ON p.path = in_path
      WHERE n.path = in_path AND (in_version = -1 OR n.version = in_version)
      RETURNING 'ok', n.path, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
        coalesce(n.owner, 0), length(in_data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
      INTO outcome;
    IF FOUND THEN
      RETURN outcome;
    END IF;
    SELECT n.version INTO found_at FROM ${schema}.node n WHERE n.path = in_path;
    IF NOT FOUND THEN
      RETURN ${schema}._refused('no_node', in_path);
    ELSIF in_version IS NULL OR in_version NOT IN (-1, found_at) THEN
      RETURN ${schema}._refused('bad_version', in_path);
    END IF;
  END LOOP;
END $$;

-- Deletes a childless node if it has the version; -1 matches any. Decides on the rows of the children above and below
-- it, then on the node's. A node that never had children usually is as it looks, and takes two statements; only where
-- somebody was just changing it, its turn is given back and the decision taken under all the locks.
CREATE OR REPLACE FUNCTION ${schema}._delete(in_path text, in_version integer, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  above     text := ${schema}._parent_of(in_path);
  found_at  integer;
  below     bigint;
  in_row    bigint;
  contender ${schema}.node[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  UPDATE ${schema}.gathering p SET children = children - 1, pzxid = coalesce(in_zxid, ${schema}._next_zxid())
    WHERE p.path = above AND NOT EXISTS (SELECT FROM ${schema}.gathering b WHERE b.path = in_path)
      AND EXISTS (SELECT FROM ${schema}.node n WHERE n.path = in_path AND in_version IN (-1, n.version));
  IF FOUND THEN
    DELETE FROM ${schema}.node n WHERE n.path = in_path AND in_version IN (-1, n.version)
      AND NOT EXISTS (SELECT FROM ${schema}.gathering b WHERE b.path = in_path)
      RETURNING CASE WHEN n.state IS NOT NULL THEN ARRAY[n] END INTO contender;
    IF FOUND THEN
      IF contender IS NOT NULL THEN
        PERFORM ${schema}._contender_gone(contender[1], 'deleted', NULL, NULL);
      END IF;
      RETURN ${schema}._refused('ok', in_path);
    END IF;
    UPDATE ${schema}.gathering p SET children = children + 1 WHERE p.path = above;
  ELSIF above = '' THEN
    RETURN ${schema}._refused('bad_arguments', in_path);
  END IF;
  PERFORM FROM ${schema}.gathering p WHERE p.path IN (above, in_path) ORDER BY p.path FOR NO KEY UPDATE;
  SELECT n.version INTO found_at FROM ${schema}.node n WHERE n.path = in_path FOR UPDATE;
  IF NOT FOUND THEN
    RETURN ${schema}._refused('no_node', in_path);
  ELSIF in_version IS NULL OR in_version NOT IN (-1, found_at) THEN
    RETURN ${schema}._refused('bad_version', in_path);
  END IF;
  SELECT p.children + ${schema}._is_taken(p.holder, p.waiting)::integer, p.holder INTO below, in_row
    FROM ${schema}.gathering p WHERE p.path = in_path;
  IF below > 0 THEN
    RETURN ${schema}._refused('not_empty', in_path);
  ELSIF in_row IS NOT NULL THEN
    PERFORM ${schema}._note_row(in_path, 'deleted');
  END IF;
  DELETE FROM ${schema}.gathering p WHERE p.path = in_path;
  DELETE FROM ${schema}.node n WHERE n.path = in_path RETURNING CASE WHEN n.state IS NOT NULL THEN ARRAY[n] END INTO contender;
  UPDATE ${schema}.gathering p SET children = children - 1, pzxid = coalesce(in_zxid, ${schema}._next_zxid())
    WHERE p.path = above;
  IF contender IS NOT NULL THEN
    PERFORM ${schema}._contender_gone(contender[1], 'deleted', NULL, NULL);
  END IF;
  RETURN ${schema}._refused('ok', in_path);
END $$;

-- Deletes a node with all that is below it, under one number; the answer's number tells how many went. Locks
-- until two looks in a row find the same rows: then every row is held, and nobody can have added one unseen.
CREATE OR REPLACE FUNCTION ${schema}._delete_recursive(in_path text) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  above        text := ${schema}._parent_of(in_path);
  parents      bigint;
  nodes        bigint;
  parents_then bigint := -1;
  nodes_then   bigint := -1;
  outcome      ${schema}.outcome;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF above = '' THEN
    RETURN ${schema}._refused('bad_arguments', in_path);
  END IF;
  PERFORM FROM ${schema}.gathering p WHERE p.path = above FOR NO KEY UPDATE;
  LOOP
    PERFORM FROM ${schema}.gathering p
      WHERE p.path = in_path OR (p.path > in_path || '/' AND p.path < in_path || '0') ORDER BY p.path FOR UPDATE;
    GET DIAGNOSTICS parents = ROW_COUNT;
    PERFORM FROM ${schema}.node n
      WHERE n.path = in_path OR (n.path > in_path || '/' AND n.path < in_path || '0') ORDER BY n.path FOR UPDATE;
    GET DIAGNOSTICS nodes = ROW_COUNT;
    EXIT WHEN parents = parents_then AND nodes = nodes_then;
    parents_then := parents;
    nodes_then := nodes;
  END LOOP;
  IF nodes = 0 THEN
    RETURN ${schema}._refused('no_node', in_path);
  END IF;
  PERFORM ${schema}._ring_session(n.owner, n.path) FROM ${schema}.node n
    WHERE (n.path = in_path OR (n.path > in_path || '/' AND n.path < in_path || '0')) AND n.state IS NOT NULL;
  PERFORM ${schema}._ring_row(p) FROM ${schema}.gathering p
    WHERE (p.path = in_path OR (p.path > in_path || '/' AND p.path < in_path || '0')) AND p.holder IS NOT NULL;
  PERFORM ${schema}._note_subtree(in_path);
  DELETE FROM ${schema}.gathering p WHERE p.path = in_path OR (p.path > in_path || '/' AND p.path < in_path || '0');
  DELETE FROM ${schema}.node n WHERE n.path = in_path OR (n.path > in_path || '/' AND n.path < in_path || '0');
  UPDATE ${schema}.gathering p SET children = children - 1, pzxid = ${schema}._next_zxid() WHERE p.path = above;
  PERFORM ${schema}._ring_line(above);
  outcome := ${schema}._refused('ok', in_path);
  outcome.number := nodes;
  RETURN outcome;
END $$;

-- Fails unless the node has the version, and keeps it so until the transaction ends.
CREATE OR REPLACE FUNCTION ${schema}._check(in_path text, in_version integer) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  found_at integer;
BEGIN
  SELECT n.version INTO found_at FROM ${schema}.node n WHERE n.path = in_path FOR SHARE;
  RETURN ${schema}._refused(
    CASE WHEN found_at IS NULL THEN 'no_node' WHEN in_version IN (-1, found_at) THEN 'ok' ELSE 'bad_version' END, in_path);
END $$;

-- Fails unless this was the last change of the node's data, and keeps it so until the transaction ends: no other change has its
-- number, so a node that was deleted and created again is told apart.
CREATE OR REPLACE FUNCTION ${schema}._check_change(in_path text, in_mzxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  last bigint;
BEGIN
  SELECT n.mzxid INTO last FROM ${schema}.node n WHERE n.path = in_path FOR SHARE;
  RETURN ${schema}._refused(
    CASE WHEN last IS NULL THEN 'no_node' WHEN last = in_mzxid THEN 'ok' ELSE 'bad_version' END, in_path);
END $$;

-- Several steps as a whole: all are done under one number, or none. The locks of all of them are taken first, in the order
-- that everybody keeps. The types are create, set, delete, check and check_change; the arrays run in parallel. If a step fails, the
-- answers before it are 'ok', it has its own, those after it are 'runtime_inconsistency', and nothing was changed.
CREATE OR REPLACE FUNCTION ${schema}._multi(in_session bigint, in_types text[], in_paths text[], in_data bytea[],
    in_versions integer[], in_kinds text[], in_sequentials boolean[], in_ttls_ms bigint[]) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  steps   integer := coalesce(cardinality(in_types), 0);
  at_step integer := 0;
  zxid    bigint;
  outcome ${schema}.outcome;
  answers ${schema}.outcome[] := '{}';
BEGIN
  IF 'ephemeral' = ANY (in_kinds) AND NOT ${schema}._session_joined(in_session) THEN
    RETURN ARRAY(SELECT ${schema}._refused(CASE i WHEN 1 THEN 'session_expired' ELSE 'runtime_inconsistency' END, in_paths[i])
      FROM generate_series(1, steps) i ORDER BY i);
  END IF;
  PERFORM ${schema}._hold_steps(in_types, in_paths);
  zxid := ${schema}._next_zxid();
  WHILE at_step < steps LOOP
    at_step := at_step + 1;
    outcome := ${schema}._step(in_session, in_types[at_step], in_paths[at_step], in_data[at_step], in_versions[at_step],
      in_kinds[at_step], in_sequentials[at_step], in_ttls_ms[at_step], zxid);
    IF outcome.code <> 'ok' THEN
      RAISE EXCEPTION 'step % refused', at_step USING ERRCODE = 'PK002';
    END IF;
    answers := answers || outcome;
  END LOOP;
  RETURN answers;
EXCEPTION
  WHEN SQLSTATE 'PK002' THEN
    RETURN ARRAY(SELECT CASE
        WHEN i < at_step THEN ${schema}._refused('ok', in_paths[i])
        WHEN i = at_step THEN outcome
        ELSE ${schema}._refused('runtime_inconsistency', in_paths[i]) END
      FROM generate_series(1, steps) i ORDER BY i);
END $$;

CREATE OR REPLACE FUNCTION ${schema}._step(in_session bigint, in_type text, in_path text, in_data bytea, in_version integer,
    in_kind text, in_sequential boolean, in_ttl_ms bigint, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE in_type
    WHEN 'create' THEN ${schema}._create(in_path, in_data, in_kind::${schema}.node_kind, in_sequential, in_session, in_ttl_ms,
      false, in_zxid)
    WHEN 'set' THEN ${schema}._set(in_path, in_data, in_version, in_zxid)
    WHEN 'delete' THEN ${schema}._delete(in_path, in_version, in_zxid)
    WHEN 'check' THEN ${schema}._check(in_path, in_version)
    WHEN 'check_change' THEN ${schema}._check_change(in_path, ${schema}._number_of(in_data)::bigint)
    WHEN 'add' THEN ${schema}._add(in_path, ${schema}._number_of(in_data), in_zxid)
    ELSE ${schema}._refused('bad_arguments', in_path) END;
END $$;

-- Several steps, each for itself, in whatever order: with all locks held, those that are as they look are done by one
-- statement for each type. What is left is done, or refused, one after the other.
CREATE OR REPLACE FUNCTION ${schema}._each(in_session bigint, in_types text[], in_paths text[], in_data bytea[],
    in_versions integer[], in_kinds text[], in_sequentials boolean[], in_ttls_ms bigint[]) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  joined   boolean := 'ephemeral' = ANY (in_kinds) AND ${schema}._session_joined(in_session);
  done     record;
  outcomes ${schema}.outcome[];
BEGIN
  PERFORM ${schema}._hold_steps(in_types, in_paths);
  IF 'create' = ANY (in_types) THEN
    FOR done IN
      WITH fit AS MATERIALIZED (
        SELECT DISTINCT ON (s.path, CASE WHEN s.sequential THEN s.step END) s.*, p.path AS above, p.creates
          FROM unnest(in_types, in_paths, in_data, in_kinds, in_sequentials, in_ttls_ms) WITH ORDINALITY
              AS s (type, path, data, kind, sequential, ttl_ms, step)
            JOIN ${schema}.gathering p ON p.path = ${schema}._new_parent_of(s.path) AND p.recipe IS NULL
          WHERE s.type = 'create' AND (s.kind <> 'ephemeral' OR joined)
            AND ${schema}._is_new_node(s.path, s.kind::${schema}.node_kind, s.sequential, s.ttl_ms)
            AND (s.sequential OR NOT EXISTS (SELECT FROM ${schema}.node n WHERE n.path = s.path))
          ORDER BY s.path, CASE WHEN s.sequential THEN s.step END, s.step
      ), new AS MATERIALIZED (
        SELECT f.step, f.above, f.data, f.kind::${schema}.node_kind AS kind, f.ttl_ms, ${schema}._next_zxid() AS zxid,
            clock_timestamp() AS moment, ${schema}._numbered(f.path, f.number, f.sequential) AS path,
            ${schema}._numbered(right(f.path, strpos(reverse(f.path), '/') - 1), f.number, f.sequential) AS name
          FROM (SELECT *, creates + row_number() OVER (PARTITION BY above ORDER BY step) - 1 AS number FROM fit) f
      ), counted AS (
        UPDATE ${schema}.gathering p
          SET creates = p.creates + c.number, children = p.children + c.number, pzxid = c.zxid
          FROM (SELECT above, count(*) AS number, max(zxid) AS zxid FROM new GROUP BY above) c WHERE p.path = c.above
      ), made AS (
        INSERT INTO ${schema}.node AS n (path, parent, name, kind, owner, ttl_ms, version, czxid, mzxid, ctime, mtime, data)
          SELECT path, above, name, kind, CASE kind WHEN 'persistent' THEN NULL WHEN 'ephemeral' THEN in_session ELSE 0 END,
            ttl_ms, 0, zxid, zxid, moment, moment, data FROM new ORDER BY path
          RETURNING n.path, coalesce(n.owner, 0) AS owner, length(n.data) AS data_length
      )
      SELECT new.step, ROW('ok', path, zxid, zxid, moment, moment, 0, 0, owner, data_length, 0, zxid, NULL, NULL, NULL)::${schema}.outcome AS outcome
        FROM new JOIN made USING (path)
    LOOP
      outcomes[done.step] := done.outcome;
    END LOOP;
  END IF;
  IF 'set' = ANY (in_types) THEN
    FOR done IN
      WITH fit AS MATERIALIZED (
        SELECT DISTINCT ON (path) * FROM unnest(in_types, in_paths, in_data, in_versions) WITH ORDINALITY
            AS s (type, path, data, version, step)
          WHERE type = 'set' ORDER BY path, step
      ), made AS (
        UPDATE ${schema}.node n
          SET data = f.data, version = n.version + 1, mzxid = ${schema}._next_zxid(), mtime = clock_timestamp()
          FROM fit f WHERE n.path = f.path AND f.version IN (-1, n.version)
          RETURNING f.step, n.path, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(n.owner, 0) AS owner,
            length(n.data) AS data_length
      )
      SELECT m.step, ROW('ok', m.path, m.czxid, m.mzxid, m.ctime, m.mtime, m.version, coalesce(2 * p.creates - p.children, 0),
          m.owner, m.data_length, coalesce(p.children, 0), coalesce(p.pzxid, m.czxid), NULL, NULL, NULL)::${schema}.outcome AS outcome
        FROM made m LEFT JOIN ${schema}.gathering p USING (path)
    LOOP
      outcomes[done.step] := done.outcome;
    END LOOP;
  END IF;
  IF 'add' = ANY (in_types) THEN
    FOR done IN SELECT * FROM ${schema}._add_each(in_types, in_paths, in_data) LOOP
      outcomes[done.at_step] := done.answer;
    END LOOP;
  END IF;
  IF 'delete' = ANY (in_types) THEN
    FOR done IN
      WITH fit AS MATERIALIZED (
        SELECT DISTINCT ON (s.path) s.step, s.path, n.parent AS above
          FROM unnest(in_types, in_paths, in_versions) WITH ORDINALITY AS s (type, path, version, step)
            JOIN ${schema}.node n ON n.path = s.path
          WHERE s.type = 'delete' AND s.version IN (-1, n.version) AND s.path <> '/' AND n.state IS NULL
            AND NOT EXISTS (SELECT FROM ${schema}.gathering b WHERE b.path = s.path)
          ORDER BY s.path, s.step
      ), counted AS (
        UPDATE ${schema}.gathering p SET children = p.children - c.number, pzxid = ${schema}._next_zxid()
          FROM (SELECT above, count(*) AS number FROM fit GROUP BY above) c WHERE p.path = c.above
      ), gone AS (
        DELETE FROM ${schema}.node n USING fit f WHERE n.path = f.path
      )
      SELECT step, ${schema}._refused('ok', path) AS outcome FROM fit
    LOOP
      outcomes[done.step] := done.outcome;
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(in_types) LOOP
    IF (outcomes[i]).code IS NULL THEN
      outcomes[i] := ${schema}._step(in_session, in_types[i], in_paths[i], in_data[i], in_versions[i], in_kinds[i],
        in_sequentials[i], in_ttls_ms[i], NULL);
    END IF;
  END LOOP;
  RETURN outcomes;
END $$;

-- Takes the locks that these steps will need.
CREATE OR REPLACE FUNCTION ${schema}._hold_steps(in_types text[], in_paths text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  target record;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM FROM ${schema}.gathering p WHERE p.path IN (
      SELECT ${schema}._new_parent_of(path) FROM unnest(in_types, in_paths) AS step (type, path)
        WHERE type IN ('create', 'delete')
      UNION SELECT path FROM unnest(in_types, in_paths) AS step (type, path) WHERE type = 'delete'
      UNION SELECT ${schema}._parent_of(above) FROM unnest(in_types, in_paths) AS step (type, path),
          LATERAL ${schema}._new_parent_of(path) AS above
        WHERE type = 'create' AND NOT EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = above))
    ORDER BY p.path FOR NO KEY UPDATE;
  FOR target IN
    SELECT path COLLATE "C" AS path, bool_or(type = 'delete') AS goes FROM unnest(in_types, in_paths) AS step (type, path)
      WHERE type <> 'create' GROUP BY path COLLATE "C" ORDER BY path COLLATE "C"
  LOOP
    IF target.goes THEN
      PERFORM FROM ${schema}.node n WHERE n.path = target.path FOR UPDATE;
    ELSE
      PERFORM FROM ${schema}.node n WHERE n.path = target.path FOR NO KEY UPDATE;
    END IF;
  END LOOP;
END $$;

-- One tick for nodes that go by themselves: containers that lost their last child (or got none in five minutes), and
-- childless nodes that were not set for their time to live. Deletes at most `in_most`, and passes over those that somebody
-- holds on to. Returns how many went.
CREATE OR REPLACE FUNCTION ${schema}.reap_nodes(in_most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  ripe   text;
  reaped integer := 0;
BEGIN
  FOR ripe IN SELECT n.path FROM ${schema}.node n LEFT JOIN ${schema}.gathering p USING (path)
      WHERE n.owner = 0 AND ${schema}._is_perished(n, p) ORDER BY n.path LIMIT in_most
  LOOP
    IF ${schema}._perish(ripe) THEN
      reaped := reaped + 1;
      PERFORM ${schema}.ring(ripe, true);
    END IF;
  END LOOP;
  RETURN reaped;
END $$;
COMMENT ON FUNCTION ${schema}.reap_nodes(integer) IS
  'Deletes at most so many empty containers and ttl nodes whose time is over. Clients do this by themselves.';

-- Deletes a node whose time is over. False: it is not, or somebody holds on to it.
CREATE OR REPLACE FUNCTION ${schema}._perish(in_path text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM set_config('lock_timeout', '5ms', true);
  PERFORM FROM ${schema}.gathering p WHERE p.path IN (${schema}._parent_of(in_path), in_path) ORDER BY p.path FOR NO KEY UPDATE;
  PERFORM FROM ${schema}.node n WHERE n.path = in_path FOR UPDATE;
  RETURN EXISTS (SELECT FROM ${schema}.node n LEFT JOIN ${schema}.gathering p USING (path)
      WHERE n.path = in_path AND ${schema}._is_perished(n, p))
    AND (${schema}._delete(in_path, -1, NULL)).code = 'ok';
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN false;
END $$;

-- Whether a node's time is over, by what is known of it and of its children.
CREATE OR REPLACE FUNCTION ${schema}._is_perished(n ${schema}.node, p ${schema}.gathering) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(p.children, 0) = 0 AND CASE n.kind
  WHEN 'container' THEN NOT ${schema}._is_taken(p.holder, p.waiting) AND CASE WHEN p.recipe IS NULL
    THEN p.creates > 0 OR n.ctime < clock_timestamp() - interval '5 minutes'
    ELSE coalesce(p.since, n.ctime) < clock_timestamp() - interval '1 minute' END
  WHEN 'ttl' THEN n.mtime < clock_timestamp() - n.ttl_ms * interval '1 millisecond'
  ELSE false END;

SELECT ${schema}._pin_and_grant();
