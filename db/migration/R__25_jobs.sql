-- The guard: at most one committed run for each (job, tick) across the fleet, and at most one exclusive run of a job at a time.
--
-- A run is a row of job_run, and that row decides. It is requested (by hand, nobody has it yet), running (a session owns this
-- attempt), done, failed, or abandoned (its owner is gone); done is for ever. A run that is requested, failed or abandoned may be
-- claimed again, with the next attempt and a larger token. So may one that is running if its owner's session is over, its limit
-- is over, or its owner is the session that claims: a client claims nothing that it knows to be running.
--
--   claim  makes a running row for this session. A transaction of its own, flushed before the work begins.
--   hold   first statement of the work's transaction: locks the row FOR UPDATE if this attempt is still its owner's.
--   done   last statement of the work's transaction: the row is done in the commit that has the effects, or neither is.
--   fence  instead of hold and done, for work in several transactions: locks the row FOR KEY SHARE if the attempt still stands.
--   end    records how an attempt went that has no done: failed, or done where the effects are not in this database. Asked again it
--          answers what became of the attempt, so it also settles a commit whose reply was lost: it gets the row only when the
--          transaction that held it is over, and what it finds then is final.
--   turn   claims an exclusive run: the row of job_turn says which run has the turn, and when the next may begin at the earliest.
--
-- Who takes a run over locks its row FOR UPDATE, which neither hold nor fence lets happen before their transaction is over. So
-- whoever lost a run cannot commit after another one began, however long it was paused: hold and fence fail with PK003.
--
-- Locks are taken in this order: job (KEY SHARE by claims, so that prune_job_runs, which takes it FOR UPDATE, cannot forget a tick
-- while it is claimed), job_turn, job_run, then what the work takes itself, in the order of V001. Nobody waits for work: SKIP
-- LOCKED answers busy, NOWAIT fails with 55P03 and is asked again. What is waited for is a claim, which is over at once: by two who
-- name a new job or tick at one moment, and by hold and fence, because another claim may just be looking at their row.
--
-- Crash, or a lost connection, between any two steps:
--   before the claim's commit       nothing is there.
--   after it, before the reply      the slot of the request has the reply (R__06_replies, settle); if the client is gone: as below.
--   after it, before hold           running without anybody; taken over once the session is over, or by its own client.
--   after hold, before the commit   the server rolls back when it sees the connection go; until then the row is locked and the run
--                                   counts as running. Then as above.
--   after the commit, before the reply   done. The client asks end, which answers done, and runs nothing.
--   after the work failed, before end    running without anybody, as above; a client that lives goes on asking end.
--   a paused owner                  keeps the run as long as its session and its limit last, and as long as its transaction holds
--                                   the row; its commit then still counts, because nobody else has begun.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Whether a running attempt is still its owner's: its session lives and its limit is not over.
CREATE OR REPLACE FUNCTION ${schema}._job_run_stands(run ${schema}.job_run) RETURNS boolean
LANGUAGE sql STABLE
RETURN (run.ends IS NULL OR run.ends > clock_timestamp()) AND ${schema}._session_lives(run.session);

-- What is noted of an attempt that was taken from its owner.
CREATE OR REPLACE FUNCTION ${schema}._job_abandonment(run ${schema}.job_run) RETURNS text
LANGUAGE sql STABLE
RETURN format('attempt %s was abandoned: %s (session %s: %s on %s, pid %s)', run.attempt,
  CASE WHEN ${schema}._session_lives(run.session) AND run.ends <= clock_timestamp() THEN 'its limit was over'
    WHEN ${schema}._session_lives(run.session) THEN 'its client gave it up' ELSE 'its session was over' END,
  run.session, run.client, run.host, run.pid);

-- Makes sure that the job is there and that none of its ticks is forgotten before the transaction ends.
CREATE OR REPLACE FUNCTION ${schema}._job_known(in_job text) RETURNS ${schema}.job
LANGUAGE plpgsql AS $$
DECLARE
  job ${schema}.job;
BEGIN
  LOOP
    SELECT * INTO job FROM ${schema}.job j WHERE j.name = in_job FOR KEY SHARE NOWAIT;
    IF FOUND THEN
      RETURN job;
    END IF;
    INSERT INTO ${schema}.job (name) VALUES (in_job) ON CONFLICT DO NOTHING;
  END LOOP;
END $$;

-- The token of the run of a job that ended last, 0 if there is none; who was taken from its owner does not count.
CREATE OR REPLACE FUNCTION ${schema}._job_last_token(in_job text) RETURNS bigint
LANGUAGE sql STABLE
RETURN coalesce((SELECT r.token FROM ${schema}.job_run r
  WHERE r.job = in_job AND r.ended IS NOT NULL AND r.state <> 'abandoned' ORDER BY r.ended DESC LIMIT 1), 0);

-- Names are short enough to be read and to be indexed.
CREATE OR REPLACE FUNCTION ${schema}._is_job_name(in_name text, in_most integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(length(in_name) BETWEEN 1 AND in_most AND in_name !~ '[[:cntrl:]]', false);

-- Claims a run. Answers ok with the token as number, and the attempt; or done_before, busy (it is running, or its row is
-- locked), paused, failed_before (it failed or was abandoned, and the caller does not try again what was), session_expired or
-- bad_arguments. `in_after` belongs to kind a: the token of the run that it comes after, which has to be the last one.
CREATE OR REPLACE FUNCTION ${schema}._job_claim(in_session bigint, in_job text, in_tick text, in_kind "char", in_scheduled timestamptz,
    in_after bigint, in_at_most_ms bigint, in_again_failed boolean, in_again_abandoned boolean) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  run    ${schema}.job_run;
  owner  ${schema}.session;
  job    ${schema}.job;
  known  boolean;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF NOT (${schema}._is_job_name(in_job, 100) AND ${schema}._is_job_name(in_tick, 200)
      AND coalesce(in_kind IN ('t', 'x', 'a', 'm'), false) AND (in_at_most_ms IS NULL OR in_at_most_ms > 0)) THEN
    RETURN ${schema}._refused('bad_arguments', in_tick);
  END IF;
  SELECT * INTO owner FROM ${schema}.session s WHERE s.id = in_session AND ${schema}._session_lives(in_session);
  IF NOT FOUND THEN
    RETURN ${schema}._refused('session_expired', in_tick);
  END IF;
  SELECT * INTO run FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = in_tick;
  known := FOUND;
  IF run.state = 'done' THEN
    RETURN ${schema}._refused('done_before', in_tick);
  ELSIF run.state = 'running' AND run.session <> in_session AND ${schema}._job_run_stands(run) THEN
    RETURN ${schema}._refused('busy', in_tick);
  END IF;
  job := ${schema}._job_known(in_job);
  IF job.paused IS NOT NULL AND coalesce(run.kind, in_kind) <> 'm' THEN
    RETURN ${schema}._refused('paused', in_tick);
  END IF;
  IF NOT known THEN
    IF in_scheduled <= job.pruned OR in_kind = 'a' AND in_after IS DISTINCT FROM ${schema}._job_last_token(in_job) THEN
      RETURN ${schema}._refused('done_before', in_tick);
    END IF;
    INSERT INTO ${schema}.job_run (job, tick, kind, scheduled, state, attempt, token)
      VALUES (in_job, in_tick, in_kind, in_scheduled, 'requested', 0, 0) ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO run FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = in_tick FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR run.state = 'running' AND run.session <> in_session AND ${schema}._job_run_stands(run) THEN
    RETURN ${schema}._refused('busy', in_tick);
  ELSIF run.state = 'done' THEN
    RETURN ${schema}._refused('done_before', in_tick);
  ELSIF run.state = 'failed' AND NOT in_again_failed OR run.state IN ('running', 'abandoned') AND NOT in_again_abandoned THEN
    RETURN ${schema}._refused('failed_before', in_tick);
  ELSIF run.state = 'running' THEN
    PERFORM ${schema}._note_abandonment(run);
  END IF;
  UPDATE ${schema}.job_run r SET state = 'running', attempt = r.attempt + 1, token = ${schema}._next_zxid(),
      session = in_session, client = owner.client, host = owner.host, pid = owner.pid, started = clock_timestamp(),
      ends = clock_timestamp() + in_at_most_ms * interval '1 millisecond', ended = NULL,
      error = CASE WHEN r.state = 'running' THEN ${schema}._job_abandonment(run) ELSE r.error END
    WHERE r.job = in_job AND r.tick = in_tick
    RETURNING * INTO run;
  RETURN ${schema}._job_claimed(run);
END $$;

-- A run as the answer of the claim that made it.
CREATE OR REPLACE FUNCTION ${schema}._job_claimed(run ${schema}.job_run) RETURNS ${schema}.outcome
LANGUAGE sql IMMUTABLE
RETURN ROW('ok', run.tick, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, run.token, true, run.attempt)
  ::${schema}.outcome;

-- Claims the turn of a job: a run that nobody else has at the same time. Answers like _job_claim; or too_soon, if it is not yet
-- so long since the last one began as that one asked for.
CREATE OR REPLACE FUNCTION ${schema}._job_take_turn(in_session bigint, in_job text, in_at_most_ms bigint, in_at_least_ms bigint)
RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  owner ${schema}.session;
  job   ${schema}.job;
  turn  ${schema}.job_turn;
  run   ${schema}.job_run;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF NOT coalesce(${schema}._is_job_name(in_job, 100) AND in_at_most_ms > 0 AND in_at_least_ms BETWEEN 0 AND in_at_most_ms, false) THEN
    RETURN ${schema}._refused('bad_arguments', in_job);
  END IF;
  SELECT * INTO owner FROM ${schema}.session s WHERE s.id = in_session AND ${schema}._session_lives(in_session);
  IF NOT FOUND THEN
    RETURN ${schema}._refused('session_expired', in_job);
  END IF;
  SELECT r.* INTO run FROM ${schema}.job_turn t JOIN ${schema}.job_run r USING (job, tick) WHERE t.job = in_job;
  IF run.state = 'running' AND ${schema}._job_run_stands(run) THEN
    RETURN ${schema}._refused('busy', in_job);
  END IF;
  job := ${schema}._job_known(in_job);
  IF job.paused IS NOT NULL THEN
    RETURN ${schema}._refused('paused', in_job);
  END IF;
  INSERT INTO ${schema}.job_turn (job) VALUES (in_job) ON CONFLICT DO NOTHING;
  SELECT * INTO turn FROM ${schema}.job_turn t WHERE t.job = in_job FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN ${schema}._refused('busy', in_job);
  END IF;
  IF turn.tick IS NOT NULL THEN
    SELECT * INTO run FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = turn.tick FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR run.state = 'running' AND ${schema}._job_run_stands(run) THEN
      RETURN ${schema}._refused('busy', in_job);
    ELSIF run.state = 'running' THEN
      PERFORM ${schema}._note_abandonment(run);
      UPDATE ${schema}.job_run r SET state = 'abandoned', ended = clock_timestamp(), error = ${schema}._job_abandonment(run)
        WHERE r.job = in_job AND r.tick = turn.tick;
    END IF;
  END IF;
  IF turn.free_from > clock_timestamp() THEN
    RETURN ${schema}._refused('too_soon', in_job);
  END IF;
  INSERT INTO ${schema}.job_run AS r
    SELECT in_job, 'turn-' || z.token, 'e', NULL, 'running', 1, z.token, in_session, owner.client, owner.host, owner.pid, z.moment,
        z.moment + in_at_most_ms * interval '1 millisecond'
      FROM (SELECT ${schema}._next_zxid() AS token, clock_timestamp() AS moment) z
    RETURNING * INTO run;
  UPDATE ${schema}.job_turn t SET tick = run.tick, free_from = run.started + in_at_least_ms * interval '1 millisecond'
    WHERE t.job = in_job;
  RETURN ${schema}._job_claimed(run);
END $$;

-- Claims in a transaction of their own, numbered so that a lost reply can be settled (R__06_replies).
CREATE OR REPLACE FUNCTION ${schema}.request_job_claim(in_session bigint, in_slot integer, in_request bigint, in_job text, in_tick text,
    in_kind text, in_scheduled timestamptz, in_after bigint, in_at_most_ms bigint, in_again_failed boolean,
    in_again_abandoned boolean, OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  claimed ${schema}.outcome := ${schema}._job_claim(in_session, in_job, in_tick, in_kind::"char", in_scheduled, in_after,
    in_at_most_ms, in_again_failed, in_again_abandoned);
BEGIN
  outcomes := ARRAY[claimed];
  watched := false;
  IF claimed.code = 'ok' THEN
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_job_claim(bigint, integer, bigint, text, text, text, timestamptz, bigint, bigint, boolean, boolean) IS
  'Claims the run of a job for a tick, in a transaction of its own, numbered so that a lost reply can be settled: session, slot, request, job, tick, kind (t a time, x a text, a after another run, m by hand), the time, the token of the run before, limit in ms, whether again after a failure, whether again after an abandonment. The token is the number.';

CREATE OR REPLACE FUNCTION ${schema}.request_job_turn(in_session bigint, in_slot integer, in_request bigint, in_job text,
    in_at_most_ms bigint, in_at_least_ms bigint, OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  claimed ${schema}.outcome := ${schema}._job_take_turn(in_session, in_job, in_at_most_ms, in_at_least_ms);
BEGIN
  outcomes := ARRAY[claimed];
  watched := false;
  IF claimed.code = 'ok' THEN
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_job_turn(bigint, integer, bigint, text, bigint, bigint) IS
  'Like job_take_turn, in a transaction of its own, numbered so that a lost reply can be settled, with times in ms. The path is the tick, the token the number.';

-- The claims for any language. The transaction has to be over before the work begins.
CREATE OR REPLACE FUNCTION ${schema}.job_claim(in_session bigint, in_job text, in_tick text, in_at_most interval DEFAULT NULL)
RETURNS TABLE (code text, attempt integer, token bigint)
LANGUAGE sql
BEGIN ATOMIC
  SELECT c.code, c.attempt, c.number FROM ${schema}._job_claim(in_session, in_job, in_tick, 'x', NULL, NULL,
    (extract(epoch FROM in_at_most) * 1000)::bigint, true, true) c;
END;
COMMENT ON FUNCTION ${schema}.job_claim(bigint, text, text, interval) IS
  'Claims the run of a job for a tick, for a session, at most for a time. Commit, do the work, call job_end; or in one transaction job_hold, the work, job_done. code: ok, done_before, busy, paused, session_expired or bad_arguments.';

CREATE OR REPLACE FUNCTION ${schema}.job_take_turn(in_session bigint, in_job text, in_at_most interval, in_at_least interval DEFAULT '0')
RETURNS TABLE (code text, tick text, attempt integer, token bigint)
LANGUAGE sql
BEGIN ATOMIC
  SELECT c.code, c.path, c.attempt, c.number FROM ${schema}._job_take_turn(in_session, in_job,
    (extract(epoch FROM in_at_most) * 1000)::bigint, (extract(epoch FROM in_at_least) * 1000)::bigint) c;
END;
COMMENT ON FUNCTION ${schema}.job_take_turn(bigint, text, interval, interval) IS
  'Claims a run of a job that nobody else has at the same time: at most for a time, and not again before another after its start. Commit, do the work with job_fence, call job_end. code: ok, busy, too_soon, paused, session_expired or bad_arguments.';

-- Locks the run for the work's transaction and answers with that transaction's number, which job_done wants to see again.
CREATE OR REPLACE FUNCTION ${schema}.job_hold(in_session bigint, in_job text, in_tick text, in_attempt integer) RETURNS text
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
BEGIN
  PERFORM FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = in_tick AND r.attempt = in_attempt
      AND r.session = in_session AND r.state = 'running' AND ${schema}._job_run_stands(r)
    FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM ${schema}._job_not_held(in_job, in_tick, in_attempt);
  END IF;
  RETURN pg_current_xact_id()::text;
END $$;
COMMENT ON FUNCTION ${schema}.job_hold(bigint, text, text, integer) IS
  'Holds a claimed run for this transaction; the answer is for job_done. Fails with PK003 if it was lost.';

CREATE OR REPLACE FUNCTION ${schema}._job_not_held(in_job text, in_tick text, in_attempt integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'attempt % of job % at % is not this session''s any more', in_attempt, in_job, in_tick USING ERRCODE = 'PK003',
    HINT = 'Its session or its limit is over. Nothing of this transaction may be committed.';
END $$;

-- The run is done if this transaction commits. Fails, and so fails the transaction, if the work ended the one that held the run.
CREATE OR REPLACE FUNCTION ${schema}.job_done(in_session bigint, in_job text, in_tick text, in_attempt integer, in_transaction text)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  run ${schema}.job_run;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF in_transaction IS DISTINCT FROM pg_current_xact_id()::text THEN
    RAISE EXCEPTION 'the work of job % at % ended the transaction that it was given', in_job, in_tick USING ERRCODE = '25000',
      HINT = 'It must neither commit nor roll back, nor switch to autocommit: the run and its effects are one commit.';
  END IF;
  UPDATE ${schema}.job_run r SET state = 'done', ended = clock_timestamp()
    WHERE r.job = in_job AND r.tick = in_tick AND r.attempt = in_attempt AND r.session = in_session AND r.state = 'running'
    RETURNING * INTO run;
  IF NOT FOUND THEN
    PERFORM ${schema}._job_not_held(in_job, in_tick, in_attempt);
  END IF;
  PERFORM ${schema}._note_run(run);
END $$;
COMMENT ON FUNCTION ${schema}.job_done(bigint, text, text, integer, text) IS
  'The run is done if this transaction commits; the last argument is what job_hold answered.';

-- Keeps the run from being taken over until the caller's transaction ends. Fails with PK003 unless it still stands.
CREATE OR REPLACE FUNCTION ${schema}.job_fence(in_session bigint, in_job text, in_tick text, in_attempt integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = in_tick AND r.attempt = in_attempt
      AND r.session = in_session AND r.state = 'running' AND ${schema}._job_run_stands(r)
    FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM ${schema}._job_not_held(in_job, in_tick, in_attempt);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.job_fence(bigint, text, text, integer) IS
  'Lets this transaction commit only while the run is this session''s. Fails with PK003 if it was lost.';

-- Ends an attempt that still runs: done, or failed with this error. Answers what became of it, now or before: done, failed,
-- abandoned, or lost if another attempt followed. May be asked again. Fails with 55P03 while a transaction holds the run.
CREATE OR REPLACE FUNCTION ${schema}.job_end(in_session bigint, in_job text, in_tick text, in_attempt integer, in_error text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  run ${schema}.job_run;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  SELECT * INTO run FROM ${schema}.job_run r WHERE r.job = in_job AND r.tick = in_tick FOR UPDATE NOWAIT;
  IF run.attempt IS DISTINCT FROM in_attempt OR run.session IS DISTINCT FROM in_session THEN
    RETURN 'lost';
  ELSIF run.state <> 'running' THEN
    RETURN run.state;
  END IF;
  UPDATE ${schema}.job_run r SET state = CASE WHEN in_error IS NULL THEN 'done' ELSE 'failed' END, ended = clock_timestamp(),
      error = coalesce(left(in_error, 500), r.error)
    WHERE r.job = in_job AND r.tick = in_tick
    RETURNING * INTO run;
  PERFORM ${schema}._note_run(run);
  RETURN run.state;
END $$;
COMMENT ON FUNCTION ${schema}.job_end(bigint, text, text, integer, text) IS
  'Ends an attempt, as failed if there is an error; answers what became of it: done, failed, abandoned or lost.';

-- Marks runs whose owner is gone. Views show them as abandoned without it.
CREATE OR REPLACE FUNCTION ${schema}.mark_abandoned_runs() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  run    ${schema}.job_run;
  marked bigint := 0;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR run IN SELECT * FROM ${schema}.job_run r WHERE r.state = 'running' AND NOT ${schema}._session_lives(r.session)
      ORDER BY r.job, r.tick FOR UPDATE SKIP LOCKED LOOP
    PERFORM ${schema}._note_abandonment(run);
    UPDATE ${schema}.job_run r SET state = 'abandoned', ended = clock_timestamp(), error = ${schema}._job_abandonment(run)
      WHERE r.job = run.job AND r.tick = run.tick;
    marked := marked + 1;
  END LOOP;
  RETURN marked;
END $$;
COMMENT ON FUNCTION ${schema}.mark_abandoned_runs() IS 'Marks runs whose owner is gone. Schedulers do this by themselves.';

-- Switches. They answer false, or null, if there is no such job.

CREATE OR REPLACE FUNCTION ${schema}.job_pause(in_job text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.job j SET paused = coalesce(j.paused, clock_timestamp()) WHERE j.name = in_job;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION ${schema}.job_pause(text) IS 'Lets nothing of a job run but what is asked for by hand; false if there is no such job.';

CREATE OR REPLACE FUNCTION ${schema}.job_resume(in_job text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.job j SET paused = NULL WHERE j.name = in_job;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION ${schema}.job_resume(text) IS 'Ends a pause; false if there is no such job.';

-- Asks for a run now, also of a job that is paused. Answers with its tick: who names it can ask again, if the reply was lost.
CREATE OR REPLACE FUNCTION ${schema}.job_trigger(in_job text, in_tick text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  new_tick text := coalesce(in_tick, 'manual-' || ${schema}._next_zxid());
BEGIN
  IF NOT EXISTS (SELECT FROM ${schema}.job j WHERE j.name = in_job) THEN
    RETURN NULL;
  END IF;
  INSERT INTO ${schema}.job_run (job, tick, kind, state, attempt, token) VALUES (in_job, new_tick, 'm', 'requested', 0, 0)
    ON CONFLICT DO NOTHING;
  RETURN new_tick;
END $$;
COMMENT ON FUNCTION ${schema}.job_trigger(text, text) IS
  'Asks for a run now, by whichever scheduler that knows the job sees it first; its tick, or null if there is no such job.';

-- What a scheduler works from.

-- Makes a job known with its schedule. A new job, or a new schedule, has missed nothing up to this moment.
CREATE OR REPLACE FUNCTION ${schema}.job_register(in_job text, in_schedule text, in_now timestamptz) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO ${schema}.job AS j (name, schedule, skipped) VALUES (in_job, in_schedule, in_now)
    ON CONFLICT (name) DO UPDATE SET schedule = in_schedule, skipped = greatest(j.skipped, in_now)
      WHERE j.schedule IS DISTINCT FROM in_schedule;
END;
COMMENT ON FUNCTION ${schema}.job_register(text, text, timestamptz) IS 'Makes a job known, with what its schedule is called.';

-- The state of some jobs: the last tick that has a run or is not made up for; the last run that ended; whether one runs; and the
-- ticks that begun runs left behind or that were asked for by hand.
CREATE OR REPLACE FUNCTION ${schema}.job_look(in_jobs text[], in_now timestamptz) RETURNS TABLE (job text, paused boolean,
    last_tick timestamptz, last_token bigint, last_ended timestamptz, runs boolean, open_ticks text[], moment timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT j.name, j.paused IS NOT NULL,
      greatest(j.skipped, (SELECT max(r.scheduled) FROM ${schema}.job_run r WHERE r.job = j.name AND r.scheduled <= in_now)),
      ${schema}._job_last_token(j.name), l.ended,
      EXISTS (SELECT FROM ${schema}.job_run r WHERE r.job = j.name AND r.state = 'running'),
      ARRAY(SELECT r.tick FROM ${schema}.job_run r WHERE r.job = j.name AND r.kind IN ('t', 'a', 'm')
        AND (r.state IN ('requested', 'abandoned') OR r.state = 'running' AND NOT ${schema}._job_run_stands(r))
        AND (j.paused IS NULL OR r.kind = 'm') ORDER BY r.scheduled NULLS LAST, r.tick LIMIT 1000),
      clock_timestamp()
    FROM ${schema}.job j LEFT JOIN LATERAL (SELECT r.ended FROM ${schema}.job_run r
        WHERE r.job = j.name AND r.ended IS NOT NULL AND r.state <> 'abandoned' ORDER BY r.ended DESC LIMIT 1) l ON true
    WHERE j.name = ANY (in_jobs);
END;
COMMENT ON FUNCTION ${schema}.job_look(text[], timestamptz) IS 'The state of some jobs, for a scheduler.';

-- Ticks up to this one are not made up for.
CREATE OR REPLACE FUNCTION ${schema}.job_skip(in_job text, in_to timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.job j WHERE j.name = in_job AND j.skipped < in_to FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE ${schema}.job j SET skipped = in_to WHERE j.name = in_job;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.job_skip(text, timestamptz) IS 'Ticks of a job up to this one are not made up for.';

-- Forgets runs that ended so long ago, at most so many of each job; returns how many. A forgotten tick never runs again: what has a
-- time is refused up to the newest one forgotten, an `after` by the last run, which stays. Ticks that are texts have no order, so
-- their runs stay for good.
CREATE OR REPLACE FUNCTION ${schema}.prune_job_runs(in_keep interval DEFAULT '30 days', in_most integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  known  text;
  newest timestamptz;
  gone   bigint;
  pruned bigint := 0;
BEGIN
  IF in_keep < interval '0' OR in_most < 1 THEN
    RAISE EXCEPTION 'prune_job_runs(%, %): nothing can be kept for less than no time, nor fewer than one go', in_keep, in_most
      USING ERRCODE = '22023';
  END IF;
  FOR known IN SELECT j.name FROM ${schema}.job j ORDER BY j.name FOR UPDATE SKIP LOCKED LOOP
    WITH old AS (
      SELECT r.tick FROM ${schema}.job_run r
        WHERE r.job = known AND r.ended < clock_timestamp() - in_keep AND r.kind <> 'x'
          AND r.ended < (SELECT max(l.ended) FROM ${schema}.job_run l WHERE l.job = known AND l.state <> 'abandoned')
          AND NOT EXISTS (SELECT FROM ${schema}.job_turn t WHERE t.job = known AND t.tick = r.tick)
        ORDER BY r.ended LIMIT in_most FOR UPDATE SKIP LOCKED
    ), deleted AS (
      DELETE FROM ${schema}.job_run r WHERE r.job = known AND r.tick IN (SELECT o.tick FROM old o) RETURNING r.scheduled
    )
    SELECT max(d.scheduled), count(*) INTO newest, gone FROM deleted d;
    UPDATE ${schema}.job j SET pruned = greatest(j.pruned, newest), skipped = greatest(j.skipped, newest)
      WHERE j.name = known AND newest IS NOT NULL;
    pruned := pruned + gone;
  END LOOP;
  RETURN pruned;
END $$;
COMMENT ON FUNCTION ${schema}.prune_job_runs(interval, integer) IS
  'Forgets runs that ended so long ago, at most so many of each job. Schedulers do this by themselves.';

-- What everybody may look at.

CREATE OR REPLACE VIEW ${schema}.job_runs AS
  SELECT r.job, r.tick,
    CASE WHEN r.state = 'running' AND NOT coalesce(s.alive, false) THEN 'abandoned' ELSE r.state END AS state,
    r.attempt, r.scheduled, r.started, r.ended,
    CASE WHEN r.state = 'running' AND s.alive THEN clock_timestamp() ELSE r.ended END - r.started AS duration,
    r.ends, r.session, r.client, r.host, r.pid, r.token, r.error
  FROM ${schema}.job_run r
    LEFT JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = r.session AND r.state = 'running' OFFSET 0) s ON true;
COMMENT ON VIEW ${schema}.job_runs IS 'Each run of a guarded job.';
COMMENT ON COLUMN ${schema}.job_runs.job IS 'The name of the job.';
COMMENT ON COLUMN ${schema}.job_runs.tick IS 'What the run is for; a job has one run for each tick.';
COMMENT ON COLUMN ${schema}.job_runs.state IS
  'requested (by hand), running, done (committed with its effects), failed, or abandoned (its owner''s session is over).';
COMMENT ON COLUMN ${schema}.job_runs.attempt IS 'How often it was begun.';
COMMENT ON COLUMN ${schema}.job_runs.scheduled IS 'The time the tick stands for, if it stands for one.';
COMMENT ON COLUMN ${schema}.job_runs.started IS 'When the last attempt began.';
COMMENT ON COLUMN ${schema}.job_runs.ended IS 'When it ended.';
COMMENT ON COLUMN ${schema}.job_runs.duration IS 'How long it took, or has taken so far.';
COMMENT ON COLUMN ${schema}.job_runs.ends IS 'After this it may be given to somebody else, whatever its owner does.';
COMMENT ON COLUMN ${schema}.job_runs.session IS 'The session that owns the last attempt.';
COMMENT ON COLUMN ${schema}.job_runs.client IS 'The name that client gave itself.';
COMMENT ON COLUMN ${schema}.job_runs.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.job_runs.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.job_runs.token IS 'The number of the last attempt; a later attempt has a larger one.';
COMMENT ON COLUMN ${schema}.job_runs.error IS 'What went wrong in the last attempt that did not end well.';

CREATE OR REPLACE VIEW ${schema}.jobs AS
  SELECT j.name AS job, j.schedule, j.paused, l.tick AS last_tick, l.state AS last_state, l.started AS last_started,
    l.duration AS last_duration, l.error AS last_error, t.free_from,
    (SELECT count(*) FROM ${schema}.job_runs r WHERE r.job = j.name AND r.state = 'running') AS running,
    (SELECT r.started FROM ${schema}.job_run r WHERE r.job = j.name AND r.state = 'done' ORDER BY r.token DESC LIMIT 1)
      AS last_done
  FROM ${schema}.job j LEFT JOIN ${schema}.job_turn t ON t.job = j.name
    LEFT JOIN LATERAL (SELECT * FROM ${schema}.job_runs r WHERE r.job = j.name AND r.started IS NOT NULL
      ORDER BY r.token DESC LIMIT 1) l ON true;
COMMENT ON VIEW ${schema}.jobs IS 'The guarded jobs, and how each did last.';
COMMENT ON COLUMN ${schema}.jobs.job IS 'The name of the job.';
COMMENT ON COLUMN ${schema}.jobs.schedule IS 'When pgkeeper''s own scheduler runs it; null if another one does.';
COMMENT ON COLUMN ${schema}.jobs.paused IS 'Since when nothing of it runs but what is asked for by hand; null if it is not paused.';
COMMENT ON COLUMN ${schema}.jobs.last_tick IS 'What the run was for that began last.';
COMMENT ON COLUMN ${schema}.jobs.last_state IS 'What became of that run so far.';
COMMENT ON COLUMN ${schema}.jobs.last_started IS 'When it began.';
COMMENT ON COLUMN ${schema}.jobs.last_duration IS 'How long it took, or has taken so far.';
COMMENT ON COLUMN ${schema}.jobs.last_error IS 'What went wrong with it, if anything did.';
COMMENT ON COLUMN ${schema}.jobs.free_from IS 'When the next exclusive run may begin at the earliest.';
COMMENT ON COLUMN ${schema}.jobs.running IS 'How many of its runs are under way.';
COMMENT ON COLUMN ${schema}.jobs.last_done IS 'When the run began that was done last.';

SELECT ${schema}._pin_and_grant();
