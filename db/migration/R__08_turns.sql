-- Whose turn it is in a line, and who is rung for it. The protocol is told at the head of R__13_lines. This much of it comes before the tree,
-- because whoever deletes a node may delete a contender, or a line.

SET LOCAL search_path = pg_catalog, pg_temp;

-- How many of a line's permits this contender wants.
CREATE OR REPLACE FUNCTION ${schema}._weight(name text, permits integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN permits = 1 THEN 1 WHEN name LIKE '%-write' THEN permits
  ELSE coalesce(substring(name FROM '^[0-9]+-([0-9]{1,9})$')::integer, 1) END;

-- A contender's name; the number alone is a name that neither it nor any behind it is below.
CREATE OR REPLACE FUNCTION ${schema}._contender(number bigint, what text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lpad(number::text, 19, '0') || what;

-- A place in a line's row, as it is rung for: no path has an empty name.
CREATE OR REPLACE FUNCTION ${schema}._row_place(in_line text, in_token bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN in_line || '//' || in_token;

-- Those who wait in a row, but for the one with this token or those of this session: no two of these numbers are the same.
CREATE OR REPLACE FUNCTION ${schema}._without(in_waiting bigint[], in_number bigint) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT coalesce(array_agg(ARRAY[in_waiting[i][1], in_waiting[i][2], in_waiting[i][3], in_waiting[i][4]] ORDER BY i), '{}')
    FROM generate_subscripts(in_waiting, 1) AS i WHERE in_number NOT IN (in_waiting[i][1], in_waiting[i][2]);
END;

-- Whether somebody holds or waits in the row of a line (R__13_lines) whose session has not been ended.
CREATE OR REPLACE FUNCTION ${schema}._is_taken(in_holder bigint, in_waiting bigint[]) RETURNS boolean
LANGUAGE sql STABLE
RETURN ${schema}._is_open(in_holder)
  OR EXISTS (SELECT FROM generate_subscripts(in_waiting, 1) AS i WHERE ${schema}._is_open(in_waiting[i][2]));

-- The contenders of a line that may hold: those whose weights, and those of all ahead of them, fit into the permits.
CREATE OR REPLACE FUNCTION ${schema}._due(in_line text) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT d.path FROM ${schema}.gathering p, LATERAL (
      SELECT a.path, sum(${schema}._weight(a.name, p.permits)) OVER (ORDER BY a.name) AS wanted FROM (
        SELECT c.path, c.name FROM ${schema}.node c WHERE c.parent = in_line AND c.name >= ${schema}._contender(p.low, '')
          ORDER BY c.name LIMIT p.permits) a) d
    WHERE p.path = in_line AND d.wanted <= p.permits AND (p.permits > 1 OR NOT ${schema}._is_taken(p.holder, p.waiting));
END;

-- Whether the holder in a line's row has not been ended, for a caller that holds the row and will wait unless it only tries. The
-- end of the holder's session must not be under way: it would not look at this line.
CREATE OR REPLACE FUNCTION ${schema}._await_holder(in_holder bigint, in_line text, in_try boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(${schema}._owner_key(in_holder)) THEN
    PERFORM FROM ${schema}.session s WHERE s.id = in_holder AND NOT ${schema}._is_kept(${schema}._owner_key(in_holder), true)
      FOR KEY SHARE SKIP LOCKED; -- as _owner_wait does
    IF NOT FOUND AND ${schema}._is_open(in_holder) THEN
      RAISE EXCEPTION 'session % is just being ended', in_holder USING ERRCODE = '40001';
    END IF;
  END IF;
  IF NOT ${schema}._is_open(in_holder) THEN
    RETURN false;
  END IF;
  IF NOT in_try THEN
    INSERT INTO ${schema}.awaited VALUES (in_holder, in_line) ON CONFLICT DO NOTHING;
  END IF;
  RETURN true;
END $$;

-- Unless the holder in a line's row is there, makes a holder of the first one who waits in the row and whose session is there, and
-- rings it; for a caller that holds the row. Returns who holds now; null if there is nobody: then those with nodes are next.
CREATE OR REPLACE FUNCTION ${schema}._pass_on(in_line text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  line ${schema}.gathering;
  next integer;
BEGIN
  SELECT * INTO line FROM ${schema}.gathering p WHERE p.path = in_line;
  IF ${schema}._is_open(line.holder) THEN
    RETURN line.holder;
  END IF;
  IF line.holder IS NOT NULL THEN
    PERFORM ${schema}._note_row(in_line, 'expired');
  END IF;
  SELECT min(i) INTO next FROM generate_subscripts(line.waiting, 1) AS i WHERE ${schema}._is_open(line.waiting[i][2]);
  UPDATE ${schema}.gathering p SET holder = line.waiting[next][2], token = coalesce(line.waiting[next][1], p.token),
      waiting = coalesce(line.waiting[next + 1:], '{}'), revoked = NULL, since = clock_timestamp()
    WHERE p.path = in_line;
  PERFORM ${schema}._ring_place(line.waiting[next][2], in_line, line.waiting[next][1], line.waiting[next][3]);
  RETURN line.waiting[next][2];
END $$;

-- Rings for a place in a line's row, with its key if it holds now; nobody if there is no session.
CREATE OR REPLACE FUNCTION ${schema}._ring_place(in_session bigint, in_line text, in_token bigint, in_key bigint) RETURNS boolean
LANGUAGE sql
RETURN CASE WHEN in_session IS NOT NULL
  THEN ${schema}._ring_session(in_session, ${schema}._row_place(in_line, in_token) || coalesce(E'\n' || in_key, '')) END;

-- Rings all in a line's row.
CREATE OR REPLACE FUNCTION ${schema}._ring_row(in_row ${schema}.gathering) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._ring_place(in_row.holder, in_row.path, in_row.token, NULL);
  SELECT ${schema}._ring_place(in_row.waiting[i][2], in_row.path, in_row.waiting[i][1], NULL)
    FROM generate_subscripts(in_row.waiting, 1) AS i;
END;

-- Makes holders of those contenders of a line that may hold and do not yet, and rings their owners. Who has no key, or a limit that
-- its client has to count from before the grant, is only rung, and takes for itself. Remembers now and then where the line
-- begins: the entries that an index keeps of contenders that went make looking for its beginning long.
CREATE OR REPLACE FUNCTION ${schema}._ring_line(in_line text, in_permits integer, in_low bigint, in_unsure boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  next  record;
  taken bigint := 0;
BEGIN
  FOR next IN SELECT n.path, n.name, n.owner, n.state, n.czxid, CASE WHEN n.ttl_ms IS NULL THEN n.key END AS key
      FROM ${schema}.node n WHERE n.parent = in_line AND n.name >= ${schema}._contender(in_low, '')
        AND NOT (in_unsure AND EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = in_line AND ${schema}._is_taken(p.holder, p.waiting)))
      ORDER BY n.name
  LOOP
    IF taken = 0 AND next.czxid > in_low + 1000 THEN
      UPDATE ${schema}.gathering p SET low = next.czxid WHERE p.path = in_line AND p.low < next.czxid;
    END IF;
    taken := taken + CASE in_permits WHEN 1 THEN 1 ELSE ${schema}._weight(next.name, in_permits) END;
    EXIT WHEN taken > in_permits;
    IF next.state = 'w' THEN
      IF next.key IS NOT NULL THEN
        UPDATE ${schema}.node n SET state = 'h', mtime = clock_timestamp() WHERE n.path = next.path AND n.state = 'w';
      END IF;
      PERFORM ${schema}._ring_session(next.owner, next.path || coalesce(E'\n' || next.key, ''));
    END IF;
    EXIT WHEN taken = in_permits;
  END LOOP;
END $$;

-- The same where it is not known whether this is a line, and whether somebody is in its row: that is asked in the
-- statement that finds the next one, because the line's row is not held, and all may have changed before.
CREATE OR REPLACE FUNCTION ${schema}._ring_line(in_line text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ring_line(p.path, p.permits, p.low, true) FROM ${schema}.gathering p
    WHERE p.path = in_line AND p.recipe <> 'double-barrier' AND p.children > 0 AND NOT ${schema}._is_taken(p.holder, p.waiting);
END $$;

-- Takes care of the rest once a contender is deleted by somebody else than its client: that is told, the next one holds, and the
-- history knows how it ended.
CREATE OR REPLACE FUNCTION ${schema}._contender_gone(was ${schema}.node, in_how text, in_by text, in_why text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._note_contender(was, in_how, in_by, in_why);
  PERFORM ${schema}._ring_session(was.owner, was.path);
  PERFORM ${schema}._ring_line(was.parent);
END $$;

-- Rings the watchers of those of these nodes that have some; they were created or deleted.
CREATE OR REPLACE FUNCTION ${schema}.ring_watched(in_paths text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM unnest(in_paths) AS path, LATERAL unnest(ARRAY[path, ${schema}._new_parent_of(path), '*']) AS concerned,
      LATERAL (SELECT FROM ${schema}.watch w WHERE w.path = concerned ORDER BY w.session LIMIT 1) AS watcher) THEN
    PERFORM ${schema}.ring(path, true) FROM unnest(in_paths) AS path;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.ring_watched(text[]) IS
  'Rings the watchers of these nodes, which were created or deleted, if there are any.';

SELECT ${schema}._pin_and_grant();
