-- What operators do: end a session, break a lock, move a leadership, pause and resume, redrive, prune. Each asks for a reason, and is
-- noted with that and with who asked for it (operations); what it takes from somebody is in the history with both.
--
-- All of these functions, and no others, run with the rights of the schema's owner (SECURITY DEFINER), so that an operator needs no
-- right to any table. They name everything they use, and their search_path is pinned, so nobody can put something of
-- their own in its place.
--
-- Whoever has something taken away is rung, as after any other change. Until its client has heard of that it believes that it still
-- holds; what it writes with a fence is refused from the commit of the operator's call on. A transaction that has fenced already is
-- waited for, 5 s at most: it counts as before.
--
-- Unknown things fail with PK004, a missing reason with 22023; both say what to do.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The reason as it is noted; fails if there is none.
CREATE OR REPLACE FUNCTION ${schema}._reason(in_why text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(btrim(in_why, E' \t\r\n'), '') = '' THEN
    RAISE EXCEPTION 'this needs a reason' USING ERRCODE = '22023',
      HINT = 'Say why in a few words: they are kept with your name.';
  END IF;
  RETURN left(btrim(in_why, E' \t\r\n'), 1000);
END $$;

CREATE OR REPLACE FUNCTION ${schema}._note_operation(in_what text, in_target text, in_why text, in_result text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    INSERT INTO ${schema}.operation (number, at, who, what, target, why, result)
      SELECT greatest(${schema}._clock_zxid(), coalesce(max(o.number), 0) + 1), clock_timestamp(), session_user, in_what, in_target,
          ${schema}._reason(in_why), in_result
        FROM ${schema}.operation o
      ON CONFLICT DO NOTHING; -- somebody else has just taken that number
    EXIT WHEN FOUND;
  END LOOP;
END $$;

-- Says that there is no such thing, and where to look.
CREATE OR REPLACE FUNCTION ${schema}._unknown(in_message text, in_hint text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', in_message USING ERRCODE = 'PK004', HINT = in_hint;
END $$;

-- Says that somebody's transaction keeps what was to be taken away.
CREATE OR REPLACE FUNCTION ${schema}._kept(in_what text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is kept by a transaction that fences it, or is just being changed', in_what USING ERRCODE = '55P03',
    HINT = 'Ask again; pg_stat_activity shows transactions that stay open, and pg_terminate_backend ends one.';
END $$;

-- Tells who has an advisory lock of ours and may not write: see "Strangers" in R__03_sessions. The locks of sessions and queues can be worked out
-- from the tables. Any other lock is found once somebody who may write waits for it.
CREATE OR REPLACE FUNCTION ${schema}._strangers_locks() RETURNS TABLE (role name, pid integer, what text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH ours AS (
    SELECT s.live AS key, 'the connection of session ' || s.id AS what FROM ${schema}.session s WHERE s.direct
    UNION ALL SELECT ${schema}._lock_key(k, 'owner.' || s.id), 'session ' || s.id FROM ${schema}.secret k, ${schema}.session s
    UNION ALL SELECT ${schema}._idle_key(k, q.name), 'queue ' || q.name FROM ${schema}.secret k, ${schema}.queue q
    UNION ALL SELECT ${schema}._lane_key(k, l.queue, l.lane), 'queue ' || q.name
      FROM ${schema}.secret k, ${schema}.lane l JOIN ${schema}.queue q ON q.id = l.queue
  ), held AS (
    SELECT l.key, l.pid, l.role FROM ${schema}._advisory_locks() l WHERE NOT ${schema}._is_writer(l.role)
  )
  SELECT pg_get_userbyid(h.role), h.pid, o.what FROM held h JOIN ours o ON o.key = h.key
  UNION ALL
  SELECT pg_get_userbyid(h.role), h.pid, 'backend ' || a.pid || ', which waits for it'
    FROM held h JOIN pg_locks w ON w.locktype = 'advisory' AND w.objsubid = 1 AND NOT w.granted
        AND (w.classid::bigint << 32) | w.objid::bigint = h.key
        AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      JOIN pg_stat_activity a ON a.pid = w.pid
    WHERE ${schema}._is_writer(a.usesysid) AND h.key NOT IN (SELECT o.key FROM ours o WHERE o.key IS NOT NULL);
END;

-- Ends a session, with everything it owns. Its client is rung, and finds out by that or at its next ping.
CREATE OR REPLACE FUNCTION ${schema}.end_session(in_session bigint, in_why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  gone     text[];
  stranger record;
BEGIN
  PERFORM ${schema}._owner_lock(in_session);
  gone := ${schema}._session_end(in_session, session_user::text, ${schema}._reason(in_why));
  IF gone IS NULL THEN
    PERFORM ${schema}._unknown(format('there is no session %s', coalesce(in_session::text, 'without a number')),
      'The view sessions has those that there are, past_sessions those that were.');
  END IF;
  PERFORM ${schema}._ring_gone(gone);
  PERFORM ${schema}._ring_session(in_session, 'ended');
  PERFORM ${schema}._note_operation('end_session', in_session::text, in_why, 'ended');
EXCEPTION
  WHEN lock_not_available THEN
    SELECT * INTO stranger FROM ${schema}._strangers_locks() l WHERE l.what = 'session ' || in_session LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'the role "%" has the lock of session %, and no right to it', stranger.role, in_session USING ERRCODE = '55P03',
        HINT = CASE WHEN stranger.pid IS NULL THEN 'ROLLBACK PREPARED takes it away, see pg_prepared_xacts.'
          ELSE format('pg_terminate_backend(%s) takes it away.', stranger.pid) END || ' Once the time of the session is over, it ends all the same.';
    END IF;
    PERFORM ${schema}._kept(format('something of session %s', in_session));
END $$;
COMMENT ON FUNCTION ${schema}.end_session(bigint, text) IS
  'For operators: ends a session, with everything it owns: SELECT ${schema}.end_session(4711, ''host is gone'').';

-- Takes a lock, permits or a leadership away from whoever holds it: from all who do, or from the one with this token. Whoever is next
-- holds then. Returns from how many it was taken.
CREATE OR REPLACE FUNCTION ${schema}.break_lock(in_path text, in_why text, in_token bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  why    text := ${schema}._reason(in_why);
  line   ${schema}.gathering;
  was    ${schema}.node;
  tokens bigint[] := '{}';
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  SELECT * INTO line FROM ${schema}.gathering p WHERE p.path = in_path AND p.recipe IS NOT NULL FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM ${schema}._unknown(format('%s is no lock and no election', coalesce(quote_literal(in_path), 'null')),
      'The views locks and leaders have what is held.');
  END IF;
  FOR was IN SELECT * FROM ${schema}.node n
      WHERE n.parent = in_path AND n.state IN ('h', 'r') AND n.czxid = coalesce(in_token, n.czxid) ORDER BY n.path FOR UPDATE LOOP
    PERFORM ${schema}._contender_revoke(was, why);
    tokens := tokens || was.czxid;
  END LOOP;
  IF line.token = coalesce(in_token, line.token) AND ${schema}._is_open(line.holder) THEN
    PERFORM ${schema}._note_row(in_path, 'revoked', session_user::text, why);
    UPDATE ${schema}.gathering p SET holder = NULL, since = clock_timestamp() WHERE p.path = in_path;
    PERFORM ${schema}._pass_on(in_path);
    PERFORM ${schema}._ring_place(line.holder, in_path, line.token, NULL);
    tokens := tokens || line.token;
  END IF;
  IF tokens = '{}' THEN
    PERFORM ${schema}._unknown(format('nobody holds %s%s', in_path, ' with token ' || in_token),
      'The views locks and leaders have what is held.');
  END IF;
  PERFORM ${schema}._ring_line(in_path);
  PERFORM ${schema}._note_operation('break_lock', in_path, why, format('taken from %s: token %s', cardinality(tokens),
    array_to_string(tokens, ', ')));
  RETURN cardinality(tokens);
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(in_path);
END $$;
COMMENT ON FUNCTION ${schema}.break_lock(text, text, bigint) IS
  'For operators: takes a lock, permits or a leadership from all who hold it, or from the one with this token; whoever is next holds then: SELECT ${schema}.break_lock(''/locks/a'', ''stuck since noon''). Returns from how many.';

-- Deletes a contender for an operator, for a caller that holds its row and its line's; the caller sees to who is next.
CREATE OR REPLACE FUNCTION ${schema}._contender_revoke(was ${schema}.node, in_why text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.node n WHERE n.path = was.path;
  DELETE FROM ${schema}.hold_limit h WHERE h.path = was.path;
  UPDATE ${schema}.gathering p SET children = children - 1, pzxid = ${schema}._next_zxid() WHERE p.path = was.parent;
  PERFORM ${schema}._note_contender(was, 'revoked', session_user::text, in_why);
  PERFORM ${schema}._ring_session(was.owner, was.path);
  PERFORM ${schema}.ring(was.path, true);
END $$;

-- Makes this candidate the leader; if several call themselves so, the one that has stood longest. Tokens of a path only grow, and
-- nobody gets ahead of somebody who stays in the line: so the leader, and all who stand before the candidate, are taken out. Their
-- clients are told; those that requeue stand again, behind the others. Returns the token of the new leadership.
CREATE OR REPLACE FUNCTION ${schema}.move_leadership(in_path text, in_candidate text, in_why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  why    text := ${schema}._reason(in_why);
  line   ${schema}.gathering;
  chosen ${schema}.node;
  was    ${schema}.node;
  ahead  integer := 0;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  SELECT * INTO line FROM ${schema}.gathering p WHERE p.path = in_path AND p.recipe = 'election' FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM ${schema}._unknown(format('%s is no election', coalesce(quote_literal(in_path), 'null')),
      'The view candidates has the elections and who stands in them.');
  END IF;
  SELECT * INTO chosen FROM ${schema}.node n WHERE n.parent = in_path AND n.state IS NOT NULL
      AND ${schema}._candidate_identity(n.data) = in_candidate AND ${schema}._session_lives(n.owner)
    ORDER BY n.name LIMIT 1;
  IF NOT FOUND THEN
    PERFORM ${schema}._unknown(format('no candidate of %s is called %s', in_path, coalesce(quote_literal(in_candidate), 'null')),
      'Those who stand: ' || coalesce((SELECT string_agg(DISTINCT ${schema}._candidate_identity(n.data), ', ')
        FROM ${schema}.node n WHERE n.parent = in_path AND n.state IS NOT NULL), 'nobody'));
  END IF;
  IF ${schema}._is_open(line.holder) THEN
    ahead := 1 + cardinality(line.waiting) / 4;
    PERFORM ${schema}._note_row(in_path, 'revoked', session_user::text, why);
    PERFORM ${schema}._ring_row(line);
    UPDATE ${schema}.gathering p SET holder = NULL, waiting = '{}', since = clock_timestamp() WHERE p.path = in_path;
  END IF;
  FOR was IN SELECT * FROM ${schema}.node n WHERE n.parent = in_path AND n.state IS NOT NULL AND n.name < chosen.name
      ORDER BY n.path FOR UPDATE LOOP
    PERFORM ${schema}._contender_revoke(was, why);
    ahead := ahead + 1;
  END LOOP;
  PERFORM ${schema}._ring_line(in_path);
  PERFORM ${schema}._note_operation('move_leadership', in_path, why, CASE ahead WHEN 0 THEN format('%s led before: token %s',
    in_candidate, chosen.czxid) ELSE format('to %s: token %s, %s before it taken out', in_candidate, chosen.czxid, ahead) END);
  RETURN chosen.czxid;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(in_path);
END $$;
COMMENT ON FUNCTION ${schema}.move_leadership(text, text, text) IS
  'For operators: makes a candidate, by its identity, the leader of an election: SELECT ${schema}.move_leadership(''/leader'', ''node-2'', ''node-1 is to be replaced''). All who stand before it are taken out. Returns its token.';

-- Pauses: nobody takes from the queue, or runs the job but by hand. False: that was so before.

CREATE OR REPLACE FUNCTION ${schema}.pause_queue(in_queue text, in_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  changed boolean;
BEGIN
  PERFORM ${schema}._queue_known(in_queue);
  changed := ${schema}.pause(in_queue);
  PERFORM ${schema}._note_operation('pause_queue', in_queue, in_why, CASE WHEN changed THEN 'paused' ELSE 'was paused before' END);
  RETURN changed;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('the queue %s', in_queue));
END $$;
COMMENT ON FUNCTION ${schema}.pause_queue(text, text) IS 'For operators: lets nobody take from a queue; false if that was so before.';

CREATE OR REPLACE FUNCTION ${schema}.resume_queue(in_queue text, in_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  changed boolean;
BEGIN
  PERFORM ${schema}._queue_known(in_queue);
  changed := ${schema}.resume(in_queue);
  PERFORM ${schema}._note_operation('resume_queue', in_queue, in_why, CASE WHEN changed THEN 'resumed' ELSE 'was not paused' END);
  RETURN changed;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('the queue %s', in_queue));
END $$;
COMMENT ON FUNCTION ${schema}.resume_queue(text, text) IS 'For operators: ends a pause of a queue; false if there was none.';

CREATE OR REPLACE FUNCTION ${schema}.pause_job(in_job text, in_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  changed boolean;
BEGIN
  changed := ${schema}._job_known_to_operators(in_job) IS NULL AND ${schema}.job_pause(in_job);
  PERFORM ${schema}._note_operation('pause_job', in_job, in_why, CASE WHEN changed THEN 'paused' ELSE 'was paused before' END);
  RETURN changed;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('the job %s', in_job));
END $$;
COMMENT ON FUNCTION ${schema}.pause_job(text, text) IS
  'For operators: lets nothing of a job run but what is asked for by hand; false if that was so before.';

CREATE OR REPLACE FUNCTION ${schema}.resume_job(in_job text, in_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  changed boolean;
BEGIN
  changed := ${schema}._job_known_to_operators(in_job) IS NOT NULL AND ${schema}.job_resume(in_job);
  PERFORM ${schema}._note_operation('resume_job', in_job, in_why, CASE WHEN changed THEN 'resumed' ELSE 'was not paused' END);
  RETURN changed;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('the job %s', in_job));
END $$;
COMMENT ON FUNCTION ${schema}.resume_job(text, text) IS 'For operators: ends a pause of a job; false if there was none.';

-- Asks for a run of a job now, also if it is paused. Returns its tick.
CREATE OR REPLACE FUNCTION ${schema}.trigger_job(in_job text, in_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  tick text;
BEGIN
  PERFORM ${schema}._job_known_to_operators(in_job);
  tick := ${schema}.job_trigger(in_job);
  PERFORM ${schema}._note_operation('trigger_job', in_job, in_why, tick);
  RETURN tick;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('the job %s', in_job));
END $$;
COMMENT ON FUNCTION ${schema}.trigger_job(text, text) IS 'For operators: asks for a run of a job now; returns its tick.';

-- Since when this job is paused, if it is; fails if there is none.
CREATE OR REPLACE FUNCTION ${schema}._job_known_to_operators(in_job text) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
  since timestamptz;
BEGIN
  SELECT j.paused INTO since FROM ${schema}.job j WHERE j.name = in_job FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM ${schema}._unknown(format('there is no job %s', coalesce(quote_literal(in_job), 'null')),
      'The view jobs has those that there are.');
  END IF;
  RETURN since;
END $$;

-- The same for a queue.
CREATE OR REPLACE FUNCTION ${schema}._queue_known(in_queue text) RETURNS ${schema}.queue
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  SELECT * INTO q FROM ${schema}.queue k WHERE k.name = in_queue;
  IF NOT FOUND THEN
    PERFORM ${schema}._unknown(format('there is no queue %s', coalesce(quote_literal(in_queue), 'null')),
      'The view queues has those that there are.');
  END IF;
  RETURN q;
END $$;

-- Messages. At most 100,000 in one call, so that no transaction becomes too large: ask again until it returns less.

CREATE OR REPLACE FUNCTION ${schema}.redrive_queue(in_queue text, in_why text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  part  bigint;
  total bigint := 0;
BEGIN
  PERFORM ${schema}._queue_known(in_queue);
  FOR round IN 1 .. 100 LOOP
    part := ${schema}.redrive(in_queue, in_ids, in_older);
    total := total + part;
    EXIT WHEN part = 0;
  END LOOP;
  PERFORM ${schema}._note_operation('redrive_queue', in_queue, in_why, total || ' wait again');
  RETURN total;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('something of the queue %s', in_queue));
END $$;
COMMENT ON FUNCTION ${schema}.redrive_queue(text, text, bigint[], interval) IS
  'For operators: has dead letters of a queue wait again: queue, why, ids (null: all), only those that died so long ago. Returns how many, at most 100,000.';

CREATE OR REPLACE FUNCTION ${schema}.purge_queue(in_queue text, in_why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  q     ${schema}.queue := ${schema}._queue_known(in_queue);
  part  bigint;
  total bigint := 0;
BEGIN
  FOR round IN 1 .. CASE WHEN q.keyed THEN 200 ELSE 10 END LOOP
    part := ${schema}.purge(in_queue);
    total := total + part;
    EXIT WHEN part = 0;
  END LOOP;
  PERFORM ${schema}._note_operation('purge_queue', in_queue, in_why, total || ' deleted');
  RETURN total;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('something of the queue %s', in_queue));
END $$;
COMMENT ON FUNCTION ${schema}.purge_queue(text, text) IS
  'For operators: deletes the waiting messages of a queue. Returns how many, at most 100,000.';

CREATE OR REPLACE FUNCTION ${schema}.discard_dead_letters(in_queue text, in_why text, in_ids bigint[] DEFAULT NULL,
    in_older interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  total bigint;
BEGIN
  PERFORM ${schema}._queue_known(in_queue);
  total := ${schema}.discard(in_queue, in_ids, in_older);
  PERFORM ${schema}._note_operation('discard_dead_letters', in_queue, in_why, total || ' deleted');
  RETURN total;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('something of the queue %s', in_queue));
END $$;
COMMENT ON FUNCTION ${schema}.discard_dead_letters(text, text, bigint[], interval) IS
  'For operators: deletes dead letters of a queue: queue, why, ids (null: all), only those that died so long ago. Returns how many.';

-- Forgets what is older than this: history (holds and sessions that ended), runs (of jobs) or operations. Returns how many rows went.
CREATE OR REPLACE FUNCTION ${schema}.prune(in_what text, in_older interval, in_why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  before timestamptz := clock_timestamp() - in_older;
  part   bigint;
  total  bigint := 0;
BEGIN
  -- Moments are compared, and not spans: of a span of months and days PostgreSQL takes a month for 30 days, and a moment less it may be
  -- one that is yet to come.
  IF NOT coalesce(before <= clock_timestamp(), false) THEN
    RAISE EXCEPTION 'prune needs to know how old what it forgets has to be, not %', coalesce(in_older::text, 'null')
      USING ERRCODE = '22023', HINT = 'For example interval ''7 days''; interval ''0'' is everything.';
  END IF;
  CASE in_what
    WHEN 'history' THEN
      DELETE FROM ${schema}.past_hold h WHERE h.until < before;
      GET DIAGNOSTICS total = ROW_COUNT;
      DELETE FROM ${schema}.past_session s WHERE s.ended < before;
    WHEN 'runs' THEN
      LOOP
        part := ${schema}.prune_job_runs(in_older);
        total := total + part;
        EXIT WHEN part = 0;
      END LOOP;
    WHEN 'operations' THEN
      IF before > clock_timestamp() - interval '30 days' THEN
        RAISE EXCEPTION 'what operators did is kept for 30 days, and not for %', in_older USING ERRCODE = '22023',
          HINT = 'So nobody forgets an operation and then that it was forgotten. The owner of the schema may delete from operation.';
      END IF;
      DELETE FROM ${schema}.operation o WHERE o.at < before;
      GET DIAGNOSTICS total = ROW_COUNT;
    ELSE
      PERFORM ${schema}._unknown(format('there is no %s to be pruned', coalesce(quote_literal(in_what), 'null')),
        'There are history, runs and operations.');
  END CASE;
  PERFORM ${schema}._note_operation('prune', in_what, in_why, format('%s older than %s', total, in_older));
  RETURN total;
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept(format('something of %s', in_what));
END $$;
COMMENT ON FUNCTION ${schema}.prune(text, interval, text) IS
  'For operators: forgets history, runs or operations that are older than this; operations only after 30 days: SELECT ${schema}.prune(''history'', ''7 days'', ''disk is full''). Returns how many.';

-- Changes what is given: whether history is written, for how long it is kept, and how many rows at most.
CREATE OR REPLACE FUNCTION ${schema}.configure_history(in_why text, in_enabled boolean DEFAULT NULL, in_keep interval DEFAULT NULL,
    in_most_rows bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
  IF in_keep <= interval '0' OR in_keep > interval '1000 years' OR now() - in_keep NOT BETWEEN now() - interval '1000 years' AND now()
      OR in_most_rows < 1 THEN
    RAISE EXCEPTION 'history is kept for some time, a thousand years at most, and has at least a row, not % and %', in_keep, in_most_rows
      USING ERRCODE = '22023', HINT = 'To have none, switch it off with in_enabled => false.';
  END IF;
  UPDATE ${schema}.history_bound b SET keep = coalesce(in_keep, b.keep), most_rows = coalesce(in_most_rows, b.most_rows);
  IF in_enabled <> ${schema}._history_on() THEN
    PERFORM ${schema}._history_switch(in_enabled);
  END IF;
  PERFORM ${schema}._note_operation('configure_history', NULL, in_why, (SELECT format('%s, keep %s, at most %s rows',
    CASE WHEN coalesce(in_enabled, ${schema}._history_on()) THEN 'on' ELSE 'off' END, b.keep, b.most_rows) FROM ${schema}.history_bound b));
EXCEPTION
  WHEN lock_not_available THEN
    PERFORM ${schema}._kept('the setting of the history');
END $$;
COMMENT ON FUNCTION ${schema}.configure_history(text, boolean, interval, bigint) IS
  'For operators: why, whether history is written, for how long it is kept (30 days), how many rows at most (1,000,000); null leaves what is there.';

CREATE OR REPLACE VIEW ${schema}.operations AS
  SELECT o.number, o.at, o.who, o.what, o.target, o.why, o.result FROM ${schema}.operation o;
COMMENT ON VIEW ${schema}.operations IS 'What operators did.';
COMMENT ON COLUMN ${schema}.operations.number IS 'Grows from one to the next.';
COMMENT ON COLUMN ${schema}.operations.at IS 'When.';
COMMENT ON COLUMN ${schema}.operations.who IS 'The role that had logged in.';
COMMENT ON COLUMN ${schema}.operations.what IS 'The function that was called.';
COMMENT ON COLUMN ${schema}.operations.target IS 'The session, path, job or queue that it was about.';
COMMENT ON COLUMN ${schema}.operations.why IS 'The reason that was given.';
COMMENT ON COLUMN ${schema}.operations.result IS 'What it changed.';

SELECT ${schema}._pin_and_grant();
