-- History: who held which lock, leadership or run of a job, from when to when, with which token, and how that ended.
--
-- What is held now is in the tables that decide it; a row is written here when a hold ends, by the statement or transaction
-- that ends it. So a pair of acquire and release costs one insert, and what a crash takes back of a release it takes back of
-- its history too: rows of one lock never overlap, whatever is lost. The end of a hold is taken before the next one is granted.
-- Of a grant that its client was told of and that a crash took back there is no row if that client gave it back before the database
-- granted it once more: as far as the database and its fences go, it was never held.
--
-- Who it was, is told by its session, which is remembered when it ends (past_session), also while no history is written. Nobody looks
-- for the lines in whose rows an ended session is left behind as the holder, as long as nobody wants them (R__13_lines): there the hold ended
-- with the session all the same. Views read it so, and whoever takes such a holder away writes the row.
--
-- Bounded: rows older than `keep`, and the oldest of more than `most_rows`, are deleted by the reaper, some at a time; nobody else
-- reads or locks what it deletes. Rows are numbered in the order of their ends, but for those of transactions that took long.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Bytes as text, also where they are none.
CREATE OR REPLACE FUNCTION ${schema}._text_of(bytes bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  escaped text := encode(bytes, 'escape');
BEGIN
  IF strpos(escaped, '\') = 0 THEN
    RETURN escaped; -- ASCII
  END IF;
  BEGIN
    RETURN convert_from(bytes, 'UTF8');
  EXCEPTION
    WHEN character_not_in_repertoire OR untranslatable_character THEN
      RETURN escaped;
  END;
END $$;

-- What a candidate calls itself: its data begin with that and a zero byte.
CREATE OR REPLACE FUNCTION ${schema}._candidate_identity(data bytea) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN ${schema}._text_of(substring(data FOR position('\x00'::bytea IN data || '\x00'::bytea) - 1));

-- What a contender of this name has, when it holds.
CREATE OR REPLACE FUNCTION ${schema}._hold_what(recipe text, name text, data bytea) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE recipe WHEN 'election' THEN ${schema}._candidate_identity(data) ELSE substr(name, 21) END;

-- Switches history on or off, by replacing _history_on (V006). Only the owner of the schema may.
CREATE OR REPLACE FUNCTION ${schema}._history_switch(in_on boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION ${schema}._history_on() RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %s', in_on::text);
END $$;

-- A contender with a node is about to be taken away, or just was: notes the end of its hold, if it held.
CREATE OR REPLACE FUNCTION ${schema}._note_contender(was ${schema}.node, in_how text, in_by text, in_why text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF was.state <> 'w' AND ${schema}._history_on() THEN
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how, ended_by, why)
      SELECT p.path, p.recipe, ${schema}._hold_what(p.recipe, was.name, was.data), was.czxid, was.owner, was.mtime,
          clock_timestamp(), in_how, in_by, in_why
        FROM ${schema}.gathering p WHERE p.path = was.parent;
  END IF;
END $$;

-- The same for the holder in a line's row, for a caller that holds the row. If its session is over, it ended with that.
CREATE OR REPLACE FUNCTION ${schema}._note_row(in_line text, in_how text, in_by text DEFAULT NULL, in_why text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF ${schema}._history_on() THEN
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how, ended_by, why)
      SELECT p.path, p.recipe, 'lock', p.token, p.holder, p.since, coalesce(o.ended, clock_timestamp()), coalesce(o.how, in_how),
          CASE WHEN o.id IS NULL THEN in_by ELSE o.ended_by END, CASE WHEN o.id IS NULL THEN in_why ELSE o.why END
        FROM ${schema}.gathering p LEFT JOIN ${schema}.past_session o ON o.id = p.holder
        WHERE p.path = in_line AND (o.id IS NOT NULL OR ${schema}._is_open(p.holder));
  END IF;
END $$;

-- The same for all that is held below a node and at it, which are about to be deleted.
CREATE OR REPLACE FUNCTION ${schema}._note_subtree(in_path text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._note_contender(n, 'deleted', NULL, NULL) FROM ${schema}.node n
    WHERE (n.path = in_path OR (n.path > in_path || '/' AND n.path < in_path || '0')) AND n.state <> 'w';
  PERFORM ${schema}._note_row(p.path, 'deleted') FROM ${schema}.gathering p
    WHERE (p.path = in_path OR (p.path > in_path || '/' AND p.path < in_path || '0')) AND p.holder IS NOT NULL;
END $$;

-- A run of a job has ended as it says: done or failed.
CREATE OR REPLACE FUNCTION ${schema}._note_run(run ${schema}.job_run) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF ${schema}._history_on() THEN
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)
      VALUES (run.job, 'job', run.tick, run.token, run.session, run.started, run.ended, run.state);
  END IF;
END $$;

-- A run is about to be taken from its owner, because that is gone or its limit is over: since then it was nobody's.
CREATE OR REPLACE FUNCTION ${schema}._note_abandonment(run ${schema}.job_run) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF ${schema}._history_on() THEN
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how, ended_by, why)
      SELECT run.job, 'job', run.tick, run.token, run.session, run.started,
          least(clock_timestamp(), run.ends, o.ended, ${schema}._lease_end(s.renewed, s.lease_ms)),
          CASE o.how WHEN 'revoked' THEN 'revoked' ELSE 'abandoned' END, o.ended_by, o.why
        FROM (SELECT) AS always LEFT JOIN ${schema}.past_session o ON o.id = run.session
          LEFT JOIN ${schema}.session s ON s.id = run.session;
  END IF;
END $$;

-- Deletes at most so many rows of either table that are too old or too many; returns how many. Clients' reapers call it until it
-- returns less.
CREATE OR REPLACE FUNCTION ${schema}.prune_history(in_most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  bound    ${schema}.history_bound;
  holds    integer;
  sessions integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT * INTO bound FROM ${schema}.history_bound WHERE only_row;
  DELETE FROM ${schema}.past_hold h WHERE h.number = ANY (ARRAY(
    SELECT o.number FROM (SELECT f.number, f.until FROM ${schema}.past_hold f ORDER BY f.number LIMIT in_most) o
      WHERE o.until < clock_timestamp() - bound.keep
        OR o.number <= (SELECT max(l.number) FROM ${schema}.past_hold l) - bound.most_rows));
  GET DIAGNOSTICS holds = ROW_COUNT;
  DELETE FROM ${schema}.past_session s WHERE s.number = ANY (ARRAY(
    SELECT o.number FROM (SELECT f.number, f.ended FROM ${schema}.past_session f ORDER BY f.number LIMIT in_most) o
      WHERE o.ended < clock_timestamp() - bound.keep
        OR o.number <= (SELECT max(l.number) FROM ${schema}.past_session l) - bound.most_rows));
  GET DIAGNOSTICS sessions = ROW_COUNT;
  RETURN greatest(holds, sessions);
END $$;
COMMENT ON FUNCTION ${schema}.prune_history(integer) IS
  'Deletes history that is too old or too much, at most so many rows. Clients do this by themselves.';

-- What everybody may look at.

CREATE OR REPLACE VIEW ${schema}.past_sessions AS
  SELECT o.id AS session, o.client, o.host, o.pid, o.opened, o.ended, o.how, o.ended_by, o.why FROM ${schema}.past_session o;
COMMENT ON VIEW ${schema}.past_sessions IS 'The clients that were, as long as history is kept.';
COMMENT ON COLUMN ${schema}.past_sessions.session IS 'Its number.';
COMMENT ON COLUMN ${schema}.past_sessions.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.past_sessions.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.past_sessions.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.past_sessions.opened IS 'When the session was opened.';
COMMENT ON COLUMN ${schema}.past_sessions.ended IS 'When it ended.';
COMMENT ON COLUMN ${schema}.past_sessions.how IS
  'closed by its client, expired because nothing was heard of that, or revoked by an operator.';
COMMENT ON COLUMN ${schema}.past_sessions.ended_by IS 'The operator who ended it.';
COMMENT ON COLUMN ${schema}.past_sessions.why IS 'What the operator gave as the reason.';

-- Its first part reads one table and joins none, so that PostgreSQL takes the last holds of a path from the index in their order.
CREATE OR REPLACE VIEW ${schema}.history AS
  SELECT CASE h.recipe WHEN 'election' THEN 'leadership' WHEN 'job' THEN 'job' ELSE 'lock' END AS kind, h.path, h.recipe, h.what,
    h.token, h.session,
    coalesce((SELECT s.client FROM ${schema}.session s WHERE s.id = h.session),
      (SELECT o.client FROM ${schema}.past_session o WHERE o.id = h.session)) AS client,
    coalesce((SELECT s.host FROM ${schema}.session s WHERE s.id = h.session),
      (SELECT o.host FROM ${schema}.past_session o WHERE o.id = h.session)) AS host,
    coalesce((SELECT s.pid FROM ${schema}.session s WHERE s.id = h.session),
      (SELECT o.pid FROM ${schema}.past_session o WHERE o.id = h.session)) AS pid,
    h.since, h.until, h.how, h.ended_by, h.why
  FROM ${schema}.past_hold h
  UNION ALL
  SELECT CASE l.recipe WHEN 'election' THEN 'leadership' ELSE 'lock' END, l.path, l.recipe, 'lock', l.token, l.holder, o.client, o.host,
    o.pid, l.since, o.ended, o.how, o.ended_by, o.why
  FROM ${schema}.gathering l JOIN ${schema}.past_session o ON o.id = l.holder
  UNION ALL
  SELECT 'job', r.job, 'job', r.tick, r.token, r.session, o.client, o.host, o.pid, r.started, least(o.ended, r.ends),
    CASE o.how WHEN 'revoked' THEN 'revoked' ELSE 'abandoned' END, o.ended_by, o.why
  FROM ${schema}.job_run r JOIN ${schema}.past_session o ON o.id = r.session WHERE r.state = 'running';
COMMENT ON VIEW ${schema}.history IS
  'Who held which lock, leadership or run of a job before: what is held now is in holds. Both at a moment: held_at.';
COMMENT ON COLUMN ${schema}.history.kind IS 'lock, leadership or job.';
COMMENT ON COLUMN ${schema}.history.path IS 'What was held: a path, or the name of a job.';
COMMENT ON COLUMN ${schema}.history.recipe IS 'mutex, read_write, semaphore, election, job, or what an application made of a line.';
COMMENT ON COLUMN ${schema}.history.what IS 'lock, read, write, or how many permits; what the leader called itself; the tick of the job.';
COMMENT ON COLUMN ${schema}.history.token IS 'The number of the grant: later grants of this path have larger ones.';
COMMENT ON COLUMN ${schema}.history.session IS 'Whose it was.';
COMMENT ON COLUMN ${schema}.history.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.history.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.history.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.history.since IS 'When it was granted.';
COMMENT ON COLUMN ${schema}.history.until IS 'When it ended: from this very moment on it was not held.';
COMMENT ON COLUMN ${schema}.history.how IS
  'released; closed or expired with its session; limit, because its time was over; deleted with its node; downgraded from write to read; revoked by an operator; of a job: done, failed or abandoned.';
COMMENT ON COLUMN ${schema}.history.ended_by IS 'The operator who took it away.';
COMMENT ON COLUMN ${schema}.history.why IS 'What the operator gave as the reason.';

CREATE OR REPLACE VIEW ${schema}.history_settings AS
  SELECT ${schema}._history_on() AS enabled, b.keep, b.most_rows,
    coalesce((SELECT max(h.number) FROM ${schema}.past_hold h) - (SELECT min(h.number) FROM ${schema}.past_hold h) + 1, 0) AS rows,
    (SELECT h.until FROM ${schema}.past_hold h ORDER BY h.number LIMIT 1) AS oldest
  FROM ${schema}.history_bound b;
COMMENT ON VIEW ${schema}.history_settings IS 'How much history is kept: change it with configure_history.';
COMMENT ON COLUMN ${schema}.history_settings.enabled IS 'Whether it is written.';
COMMENT ON COLUMN ${schema}.history_settings.keep IS 'For how long a hold is remembered after its end.';
COMMENT ON COLUMN ${schema}.history_settings.most_rows IS 'How many are remembered at most: the oldest go first.';
COMMENT ON COLUMN ${schema}.history_settings.rows IS 'How many there are at most: numbers that were left out count too.';
COMMENT ON COLUMN ${schema}.history_settings.oldest IS 'The end of the oldest one.';

CREATE OR REPLACE VIEW ${schema}.holds AS
  SELECT CASE l.recipe WHEN 'election' THEN 'leadership' ELSE 'lock' END AS kind, l.path, l.recipe, h.what, h.token, s.session, s.client,
    s.host, s.pid, h.since, least(h.ends, s.ends) AS ends, s.alive AND coalesce(h.ends > clock_timestamp(), true) AS alive
  FROM ${schema}.gathering l
    CROSS JOIN LATERAL (
      SELECT 'lock' AS what, l.token, l.since, NULL::timestamptz AS ends, l.holder AS session
      UNION ALL
      SELECT ${schema}._hold_what(l.recipe, n.name, n.data), n.czxid, n.mtime, (SELECT e.ends FROM ${schema}.hold_limit e WHERE e.path = n.path),
          n.owner
        FROM ${schema}.node n WHERE n.parent = l.path AND n.state IN ('h', 'r')
    ) h CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = h.session OFFSET 0) s
  WHERE l.recipe IS NOT NULL
  UNION ALL
  SELECT 'job', r.job, 'job', r.tick, r.token, s.session, s.client, s.host, s.pid, r.started, least(r.ends, s.ends),
    s.alive AND coalesce(r.ends > clock_timestamp(), true)
  FROM ${schema}.job_run r CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = r.session OFFSET 0) s
  WHERE r.state = 'running';
COMMENT ON VIEW ${schema}.holds IS
  'What is held now, of every kind: see also locks, leaders and job_runs, which tell more of each. What was held before is in history.';
COMMENT ON COLUMN ${schema}.holds.kind IS 'lock, leadership or job.';
COMMENT ON COLUMN ${schema}.holds.path IS 'What is held: a path, or the name of a job.';
COMMENT ON COLUMN ${schema}.holds.recipe IS 'mutex, read_write, semaphore, election, job, or what an application made of a line.';
COMMENT ON COLUMN ${schema}.holds.what IS 'lock, read, write, or how many permits; what the leader calls itself; the tick of the job.';
COMMENT ON COLUMN ${schema}.holds.token IS 'The number of the grant: later grants of this path have larger ones.';
COMMENT ON COLUMN ${schema}.holds.session IS 'Whose it is.';
COMMENT ON COLUMN ${schema}.holds.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.holds.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.holds.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.holds.since IS 'When it was granted.';
COMMENT ON COLUMN ${schema}.holds.ends IS 'When it ends at the latest if nothing more is heard of its client.';
COMMENT ON COLUMN ${schema}.holds.alive IS 'False if that moment has come, and it is about to be ended.';

-- Whoever held this at that moment: the holds of a path, or the runs of a job, that had begun and had not ended.
CREATE OR REPLACE FUNCTION ${schema}.held_at(in_path text, in_at timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (kind text, path text, recipe text, what text, token bigint, session bigint, client text, host text, pid bigint,
    since timestamptz, until timestamptz, how text, ended_by text, why text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT h.* FROM ${schema}.history h WHERE h.path = in_path AND h.since <= in_at AND h.until > in_at
  UNION ALL
  SELECT h.kind, h.path, h.recipe, h.what, h.token, h.session, h.client, h.host, h.pid, h.since, NULL, NULL, NULL, NULL
    FROM ${schema}.holds h WHERE h.path = in_path AND h.since <= in_at AND (h.alive OR h.ends > in_at)
  ORDER BY token;
END;
COMMENT ON FUNCTION ${schema}.held_at(text, timestamptz) IS
  'Who held a path, or ran a job of this name, at a moment: SELECT * FROM ${schema}.held_at(''/locks/a'', ''2026-11-03 14:05''). Until, how, ended_by and why are null for what is held still.';

SELECT ${schema}._pin_and_grant();
