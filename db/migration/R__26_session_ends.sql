-- The end of a session, with all that it owned: see "Two detectors" in R__03_sessions for who decides it.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Ends a session and deletes all that it owned, under one number; what it held in the rows of lines is the next one's then, and
-- messages that it had taken (R__20_claims) go back. What it was, and who ended it if that was an operator, is history (R__07_history). Returns
-- the paths that went, and those lines; null if there was no such session. For a caller that has its lock; waits for transactions that
-- hold on to something of it.
CREATE OR REPLACE FUNCTION ${schema}._session_end(in_session bigint, in_by text DEFAULT NULL, in_why text DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  ending text;
  lines  text[];
  gone   text[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  WITH ended AS (
    DELETE FROM ${schema}.session s WHERE s.id = in_session RETURNING *
  )
  INSERT INTO ${schema}.past_session AS o (id, client, host, pid, opened, ended, how, ended_by, why)
    SELECT e.id, e.client, e.host, e.pid, e.opened, clock_timestamp(), CASE WHEN in_by IS NOT NULL THEN 'revoked'
        WHEN e.suspected IS NOT NULL OR ${schema}._lease_end(e.renewed, e.lease_ms) <= clock_timestamp() THEN 'expired'
        ELSE 'closed' END, in_by, in_why
      FROM ended e
    RETURNING o.how INTO ending;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  DELETE FROM ${schema}.watch w WHERE w.session = in_session;
  PERFORM ${schema}._claims_leave(in_session);
  WITH awaited AS (
    DELETE FROM ${schema}.awaited a WHERE a.session = in_session RETURNING a.line
  )
  SELECT coalesce(array_agg(line), '{}') INTO lines FROM awaited;
  PERFORM FROM ${schema}.gathering p
    WHERE p.path IN (SELECT n.parent FROM ${schema}.node n WHERE n.owner = in_session UNION ALL SELECT unnest(lines))
    ORDER BY p.path FOR NO KEY UPDATE;
  IF lines <> '{}' THEN
    UPDATE ${schema}.gathering p SET waiting = ${schema}._without(p.waiting, in_session)
      WHERE p.path = ANY (lines) AND in_session = ANY (p.waiting);
    PERFORM ${schema}._pass_on(p.path) FROM ${schema}.gathering p WHERE p.path = ANY (lines) AND p.holder = in_session;
  END IF;
  PERFORM FROM ${schema}.node n WHERE n.owner = in_session ORDER BY n.path FOR UPDATE;
  IF NOT FOUND THEN
    RETURN lines;
  END IF;
  WITH number AS MATERIALIZED (
    SELECT ${schema}._next_zxid() AS zxid
  ), deleted AS (
    DELETE FROM ${schema}.node n WHERE n.owner = in_session
      RETURNING n.path, n.parent, n.name, n.state, n.czxid, n.mtime, CASE WHEN n.state <> 'w' THEN n.data END AS data
  ), counted AS (
    UPDATE ${schema}.gathering p SET children = children - d.number, pzxid = number.zxid
      FROM number, (SELECT parent, count(*) AS number FROM deleted GROUP BY parent) d WHERE p.path = d.parent
      RETURNING p.path, p.recipe
  ), noted AS (
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how, ended_by, why)
      SELECT l.path, l.recipe, ${schema}._hold_what(l.recipe, d.name, d.data), d.czxid, in_session, d.mtime, clock_timestamp(),
          ending, in_by, in_why
        FROM deleted d JOIN counted l ON l.path = d.parent WHERE d.state <> 'w' AND ${schema}._history_on()
  )
  SELECT array_agg(path ORDER BY path) INTO gone FROM deleted;
  RETURN lines || gone;
END $$;

-- Rings whoever watched or waited for these nodes, which went with their session.
CREATE OR REPLACE FUNCTION ${schema}._ring_gone(in_paths text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ring(path, true) FROM unnest(in_paths) AS path;
  PERFORM ${schema}._ring_line(p.path) FROM ${schema}.gathering p
    WHERE p.path IN (SELECT unnest(ARRAY[path, ${schema}._new_parent_of(path)]) FROM unnest(in_paths) AS path)
      AND p.children > 0 AND p.recipe IS NOT NULL;
  PERFORM ${schema}._meetings_without(in_paths);
END $$;

-- Ends a session and rings whoever watches or waits for what it owned. False: it had ended before.
CREATE OR REPLACE FUNCTION ${schema}.session_end(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  gone text[];
BEGIN
  PERFORM ${schema}._owner_lock(in_session);
  gone := ${schema}._session_end(in_session);
  PERFORM ${schema}._ring_gone(gone);
  RETURN gone IS NOT NULL;
END $$;
COMMENT ON FUNCTION ${schema}.session_end(bigint) IS 'Ends a session and deletes all it owned; false if it had ended.';

-- Suspects a session whose backend is without its lock, or whose lease is over. Both are looked at while the row is held: see "Two detectors".
CREATE OR REPLACE FUNCTION ${schema}._session_suspect(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  was ${schema}.session;
BEGIN
  SELECT * INTO was FROM ${schema}.session s WHERE s.id = in_session AND s.direct AND s.suspected IS NULL FOR UPDATE SKIP LOCKED;
  IF FOUND AND (${schema}._lease_end(was.renewed, was.lease_ms) <= clock_timestamp() OR ${schema}._is_cut_off(was)) THEN
    UPDATE ${schema}.session s SET suspected = clock_timestamp() WHERE s.id = in_session;
  END IF;
END $$;

-- Ends a session if its time is still over once nobody can change that: its lease is and it has no connection, or it is under a
-- suspicion that is ripe, and its client still without its lock or its lease over. Returns the paths that went, null if it lives or is busy.
CREATE OR REPLACE FUNCTION ${schema}._session_judge(in_session bigint) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  was     ${schema}.session;
  is_mine boolean;
BEGIN
  PERFORM set_config('lock_timeout', '20ms', true);
  is_mine := pg_try_advisory_xact_lock(${schema}._owner_key(in_session))
    OR ${schema}._wait_for_lock(${schema}._owner_key(in_session), false, ${schema}._patience());
  SELECT * INTO was FROM ${schema}.session s
    WHERE s.id = in_session
      AND (NOT s.direct AND ${schema}._lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}._suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp())
    FOR UPDATE;
  IF NOT FOUND OR NOT (${schema}._lease_end(was.renewed, was.lease_ms) <= clock_timestamp() OR ${schema}._is_cut_off(was)) THEN
    RETURN NULL;
  ELSIF NOT is_mine AND ${schema}._is_kept(${schema}._owner_key(in_session), false) THEN
    RETURN NULL;
  END IF;
  RETURN ${schema}._session_end(in_session);
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN NULL;
END $$;

-- Suspects, and tells which sessions are to be judged: any of them, so that those that cannot be ended yet keep no others waiting. In a
-- new run of the server it tells none, and begins an epoch first.
CREATE OR REPLACE FUNCTION ${schema}._reap_begin(in_most integer) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF NOT EXISTS (SELECT FROM ${schema}.epoch WHERE only_row AND server_started = pg_postmaster_start_time()) THEN
    PERFORM ${schema}._epoch_begin();
    RETURN '{}';
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}._session_suspect(s.id) FROM (
    SELECT id FROM ${schema}.session
      WHERE direct AND suspected IS NULL AND (${schema}._lease_end(renewed, lease_ms) <= clock_timestamp()
        OR (live, backend) NOT IN (SELECT l.key, l.pid FROM ${schema}._advisory_locks() l WHERE l.pid IS NOT NULL))
      LIMIT 200) s;
  RETURN ARRAY(
    SELECT s.id FROM ${schema}.session s
      WHERE NOT s.direct AND ${schema}._lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}._suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp()
      ORDER BY random() LIMIT in_most);
END $$;

-- In how many milliseconds the next suspicion is ripe; null if there is none.
CREATE OR REPLACE FUNCTION ${schema}._next_suspicion_ms() RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT extract(epoch FROM min(${schema}._suspicion_end(suspected, grace_ms, timeout_ms)) - clock_timestamp()) * 1000
    FROM ${schema}.session WHERE suspected IS NOT NULL;
END;

-- One tick of the reaper: suspects the sessions whose connection is gone, and ends at most `in_most` of those whose
-- time is over, each in a transaction of its own; then the holds whose limit is over. `next_ms`: when the next suspicion will be ripe.
-- Several that reap at once do the same twice, and each session is ended once.
CREATE OR REPLACE PROCEDURE ${schema}.reap(in_most integer, OUT ended integer, OUT holds integer, OUT next_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  condemned bigint;
  gone      pg_catalog.text[];
BEGIN
  ended := 0;
  FOREACH condemned IN ARRAY ${schema}._reap_begin(in_most) LOOP
    COMMIT;
    gone := ${schema}._session_judge(condemned);
    COMMIT;
    IF gone IS NOT NULL THEN
      ended := ended OPERATOR(pg_catalog.+) 1;
      PERFORM ${schema}._ring_gone(gone);
    END IF;
  END LOOP;
  COMMIT;
  holds := ${schema}.reap_holds(in_most);
  COMMIT;
  next_ms := ${schema}._next_suspicion_ms();
END $$;
COMMENT ON PROCEDURE ${schema}.reap(integer) IS
  'The same for at most so many, as clients do it: CALL ${schema}.reap(50, NULL, NULL, NULL) answers how many sessions and holds it ended, and in how many milliseconds the next suspicion is ripe.';

-- All that is over by now, for a job of the database's own where no client may be there to do it: CALL ${schema}.reap().
CREATE OR REPLACE PROCEDURE ${schema}.reap()
LANGUAGE plpgsql AS $$
DECLARE
  ended   integer;
  holds   integer;
  next_ms bigint;
BEGIN
  LOOP
    CALL ${schema}.reap(1000, ended, holds, next_ms);
    EXIT WHEN ended OPERATOR(pg_catalog.+) holds OPERATOR(pg_catalog.=) 0;
  END LOOP;
END $$;
COMMENT ON PROCEDURE ${schema}.reap() IS
  'Ends all sessions whose time is over, and all holds whose limit is: CALL ${schema}.reap(). Clients do this by themselves; call it where none is left.';

-- Deletes what ended sessions left behind: registrations that came too late to go with them, notes of lines in whose rows
-- they are no more, and replies that nobody can still be settling.
CREATE OR REPLACE FUNCTION ${schema}._tidy() RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  DELETE FROM ${schema}.watch w WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = w.session);
  DELETE FROM ${schema}.awaited a WHERE NOT EXISTS (
    SELECT FROM ${schema}.gathering p WHERE p.path = a.line AND (p.holder = a.session OR a.session = ANY (p.waiting)));
  DELETE FROM ${schema}.reply r WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = r.session)
    AND r.at < clock_timestamp() - interval '2 days';
END;

SELECT ${schema}._pin_and_grant();
