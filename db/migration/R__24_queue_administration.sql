-- What administrators do with queues, and what everybody may look at.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Null: there is no such queue.
CREATE OR REPLACE FUNCTION ${schema}.is_paused(in_queue text) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT q.paused IS NOT NULL FROM ${schema}.queue q WHERE q.name = in_queue;
END;
COMMENT ON FUNCTION ${schema}.is_paused(text) IS 'Whether nobody takes from a queue; null if there is none.';

-- The oldest dead letters of a queue, with their payloads.
CREATE OR REPLACE FUNCTION ${schema}.dead_letters_of(in_queue text, in_count integer DEFAULT 100) RETURNS SETOF ${schema}.dead_letter
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT d.* FROM ${schema}.queue q JOIN ${schema}.dead_letter d ON d.queue = q.id WHERE q.name = in_queue ORDER BY d.id LIMIT in_count;
END;
COMMENT ON FUNCTION ${schema}.dead_letters_of(text, integer) IS 'The oldest dead letters of a queue, with their payloads.';

-- Nobody takes anything from a paused queue; what was taken can still be acked. False: there is no such queue, or it was paused.
CREATE OR REPLACE FUNCTION ${schema}.pause(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET paused = clock_timestamp() WHERE q.name = in_queue AND q.paused IS NULL;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION ${schema}.pause(text) IS 'Lets nobody take from a queue; false if there is none, or it was paused.';

-- False: there is no such queue, or it was not paused.
CREATE OR REPLACE FUNCTION ${schema}.resume(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET paused = NULL WHERE q.name = in_queue AND q.paused IS NOT NULL;
  IF FOUND THEN
    IF ${schema}._is_idle(ARRAY[in_queue]) THEN
      PERFORM ${schema}.ring_idle(ARRAY[in_queue], ARRAY[1000]);
    END IF;
    RETURN true;
  END IF;
  RETURN false;
END $$;
COMMENT ON FUNCTION ${schema}.resume(text) IS 'Ends a pause; false if there was none.';

-- Deletes at most so many waiting messages (500 where they have keys), and returns how many; call it until it returns 0. What is
-- claimed or dead stays, and what somebody is about to take.
CREATE OR REPLACE FUNCTION ${schema}.purge(in_queue text, in_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  q      ${schema}.queue := ${schema}._queue_named(in_queue);
  most   integer := CASE WHEN q.keyed THEN least(in_most, 500) ELSE in_most END;
  purged integer;
  freed_keys text[];
  freed_ids  bigint[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  WITH gone AS (
    DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
        SELECT w.ctid FROM ${schema}.message w
          WHERE w.queue = q.id AND (w.key IS NULL OR pg_try_advisory_xact_lock(${schema}._message_key_key(secret, w.queue, w.key)))
          LIMIT most FOR UPDATE SKIP LOCKED)) RETURNING m.id, m.key
  )
  SELECT count(*), array_agg(g.key) FILTER (WHERE g.key IS NOT NULL), array_agg(g.id) FILTER (WHERE g.key IS NOT NULL)
    INTO purged, freed_keys, freed_ids FROM gone g;
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}._keys_free(array_fill(q.id, ARRAY[cardinality(freed_ids)]), freed_keys, freed_ids);
  END IF;
  RETURN purged;
END $$;
COMMENT ON FUNCTION ${schema}.purge(text, integer) IS 'Deletes waiting messages, at most so many; call it until it returns 0.';

-- Has dead letters of a queue wait again, as if they had never been tried: those with the given ids, or all; only those that died longer
-- ago than in_older, if that is given; at most so many. Returns how many.
CREATE OR REPLACE FUNCTION ${schema}.redrive(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL,
    in_most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q     ${schema}.queue := ${schema}._queue_named(in_queue);
  m     ${schema}.message;
  lanes smallint[] := '{}';
  ids   bigint[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR m IN
    WITH raised AS (
      DELETE FROM ${schema}.dead_letter d WHERE d.ctid = ANY (ARRAY(
          SELECT l.ctid FROM ${schema}.dead_letter l
            WHERE l.queue = q.id AND (in_ids IS NULL OR l.id = ANY (in_ids))
              AND (in_older IS NULL OR l.died < clock_timestamp() - in_older)
            ORDER BY l.id LIMIT in_most FOR UPDATE SKIP LOCKED)) RETURNING d.message
    )
    SELECT (message).* FROM raised ORDER BY (message).id
  LOOP
    m.tries := 0;
    m.expires := NULL;
    m.due := NULL;
    m.lane := m.priority;
    INSERT INTO ${schema}.message SELECT m.*;
    lanes := lanes || m.lane;
    ids := ids || m.id;
  END LOOP;
  IF lanes <> '{}' THEN
    PERFORM ${schema}._lanes_reach(array_fill(q.id, ARRAY[cardinality(ids)]), lanes, ids);
    PERFORM ${schema}._ring_queues(array_fill(q.id, ARRAY[cardinality(ids)]));
  END IF;
  RETURN cardinality(lanes);
END $$;
COMMENT ON FUNCTION ${schema}.redrive(text, bigint[], interval, integer) IS
  'Has dead letters wait again: queue, ids (null: all), only those that died so long ago, at most so many. Returns how many.';

-- Deletes dead letters: those with the given ids, or all that died longer ago than in_older. Returns how many.
CREATE OR REPLACE FUNCTION ${schema}.discard(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q         ${schema}.queue := ${schema}._queue_named(in_queue);
  discarded integer;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  DELETE FROM ${schema}.dead_letter d WHERE d.queue = q.id AND (in_ids IS NULL OR d.id = ANY (in_ids))
    AND (in_older IS NULL OR d.died < clock_timestamp() - in_older);
  GET DIAGNOSTICS discarded = ROW_COUNT;
  RETURN discarded;
END $$;
COMMENT ON FUNCTION ${schema}.discard(text, bigint[], interval) IS
  'Deletes dead letters: queue, ids (null: all), only those that died so long ago. Returns how many.';

-- Does one of these in a transaction of its own, numbered so that a lost reply can be settled: purge, redrive, discard, pause, resume,
-- or unsubscribe, for which in_queue is the topic. The outcome's number: how many messages it was, or 1 if something changed.
CREATE OR REPLACE FUNCTION ${schema}.request_administer(in_session bigint, in_slot integer, in_request bigint, in_what text, in_queue text,
    in_ids bigint[], in_older interval, in_subscription text, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome.code := 'ok';
  CASE in_what
    WHEN 'purge' THEN outcome.number := ${schema}.purge(in_queue);
    WHEN 'redrive' THEN outcome.number := ${schema}.redrive(in_queue, in_ids, in_older);
    WHEN 'discard' THEN outcome.number := ${schema}.discard(in_queue, in_ids, in_older);
    WHEN 'pause' THEN outcome.number := ${schema}.pause(in_queue)::integer;
    WHEN 'resume' THEN outcome.number := ${schema}.resume(in_queue)::integer;
    WHEN 'unsubscribe' THEN outcome.number := ${schema}.unsubscribe(in_queue, in_subscription)::integer;
  END CASE;
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
  watched := false;
END $$;
COMMENT ON FUNCTION ${schema}.request_administer(bigint, integer, bigint, text, text, bigint[], interval, text) IS
  'Does one of purge, redrive, discard, pause, resume and unsubscribe in a transaction of its own, numbered so that a lost reply can be settled: what, queue (or topic), ids, age, subscription. How many messages it was, or 1 if something changed, is in the outcome''s children.';

-- What everybody may look at.

-- Adds to the tallies of queues what a client has seen since it last reported; queues that are not there are left out.
CREATE OR REPLACE FUNCTION ${schema}.queue_report(in_queues text[], in_enqueued bigint[], in_taken bigint[], in_acked bigint[], in_returned bigint[],
    in_died bigint[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO ${schema}.queue_tally AS t
    SELECT q.id, date_trunc('minute', clock_timestamp()), coalesce(sum(a.enqueued), 0), coalesce(sum(a.taken), 0), coalesce(sum(a.acked), 0),
        coalesce(sum(a.returned), 0), coalesce(sum(a.died), 0)
      FROM unnest(in_queues, in_enqueued, in_taken, in_acked, in_returned, in_died) AS a (queue, enqueued, taken, acked, returned, died)
        JOIN ${schema}.queue q ON q.name = a.queue GROUP BY q.id ORDER BY q.id
    ON CONFLICT (queue, minute) DO UPDATE SET enqueued = t.enqueued + excluded.enqueued, taken = t.taken + excluded.taken,
      acked = t.acked + excluded.acked, returned = t.returned + excluded.returned, died = t.died + excluded.died;
END $$;
COMMENT ON FUNCTION ${schema}.queue_report(text[], bigint[], bigint[], bigint[], bigint[], bigint[]) IS
  'Adds what a client has seen since its last report: queues; enqueued, taken, acked, returned, died. In a transaction of its own.';

CREATE OR REPLACE VIEW ${schema}.queues AS
  SELECT q.name AS queue, w.ready, w.behind, w.delayed, w.retrying, c.claimed, d.dead, w.waiting_since,
    (SELECT count(*) FROM ${schema}.idle i WHERE i.queue = q.name AND i.number >= q.idle_low) AS sleeping, q.paused, q.keyed, q.topic, q.most_tries,
    q.backoff_ms * interval '1 ms' AS backoff, q.longest_backoff_ms * interval '1 ms' AS longest_backoff,
    q.window_ms * interval '1 ms' AS dedup_window, q.most_bytes, q.created,
    pg_stat_get_dead_tuples('${schema}.message'::regclass) + pg_stat_get_dead_tuples('${schema}.claim'::regclass) AS dead_rows
  FROM ${schema}.queue q,
    LATERAL (SELECT count(*) FILTER (WHERE m.lane > -32768) AS ready, count(*) FILTER (WHERE m.lane = -32768) AS behind,
        count(*) FILTER (WHERE m.lane IS NULL AND m.tries = 0) AS delayed,
        count(*) FILTER (WHERE m.lane IS NULL AND m.tries > 0) AS retrying, min(m.enqueued) FILTER (WHERE m.lane IS NOT NULL) AS waiting_since
      FROM ${schema}.message m WHERE m.queue = q.id) w,
    LATERAL (SELECT coalesce(sum(cardinality(l.ids)), 0) AS claimed FROM ${schema}.claim l WHERE l.queue = q.id) c,
    LATERAL (SELECT count(*) AS dead FROM ${schema}.dead_letter l WHERE l.queue = q.id) d;
COMMENT ON VIEW ${schema}.queues IS 'The queues: how many messages are where. It counts them, so it takes its time where there are many.';
COMMENT ON COLUMN ${schema}.queues.queue IS 'Its name.';
COMMENT ON COLUMN ${schema}.queues.ready IS 'Messages that wait for their turn.';
COMMENT ON COLUMN ${schema}.queues.behind IS 'Messages that wait for an earlier one of their key.';
COMMENT ON COLUMN ${schema}.queues.delayed IS 'Messages that are not due yet, and were not tried.';
COMMENT ON COLUMN ${schema}.queues.retrying IS 'Messages that failed and wait to be tried again.';
COMMENT ON COLUMN ${schema}.queues.claimed IS 'Messages that somebody works on.';
COMMENT ON COLUMN ${schema}.queues.dead IS 'Dead letters.';
COMMENT ON COLUMN ${schema}.queues.waiting_since IS 'When the oldest message was enqueued that is ready or behind.';
COMMENT ON COLUMN ${schema}.queues.sleeping IS 'Consumers that sleep until they are rung.';
COMMENT ON COLUMN ${schema}.queues.paused IS 'Since when nobody takes from it; null if it is not paused.';
COMMENT ON COLUMN ${schema}.queues.keyed IS 'Whether it ever had messages with keys.';
COMMENT ON COLUMN ${schema}.queues.topic IS 'The topic it subscribes to.';
COMMENT ON COLUMN ${schema}.queues.most_tries IS 'How often a message is tried before it is dead.';
COMMENT ON COLUMN ${schema}.queues.backoff IS 'How long the second try waits; doubled for each one after it.';
COMMENT ON COLUMN ${schema}.queues.longest_backoff IS 'How long a try waits at most.';
COMMENT ON COLUMN ${schema}.queues.dedup_window IS 'How long a deduplication key counts.';
COMMENT ON COLUMN ${schema}.queues.most_bytes IS 'How large a payload may be.';
COMMENT ON COLUMN ${schema}.queues.created IS 'When it was made.';
COMMENT ON COLUMN ${schema}.queues.dead_rows IS
  'Rows of all queues that wait to be vacuumed: many, and growing, where some transaction stays open.';

CREATE OR REPLACE VIEW ${schema}.in_flight AS
  SELECT q.name AS queue, m.id, c.number AS claim, nullif(c.session, 0) AS session, s.client, s.host, s.pid, m.tries + 1 AS try, m.key,
    c.taken, c.until
  FROM ${schema}.claim c JOIN ${schema}.queue q ON q.id = c.queue LEFT JOIN ${schema}.session s ON s.id = c.session,
    LATERAL unnest(c.messages) AS m
  WHERE m.id = ANY (c.ids);
COMMENT ON VIEW ${schema}.in_flight IS 'The messages that somebody works on, and who.';
COMMENT ON COLUMN ${schema}.in_flight.queue IS 'The queue it is of.';
COMMENT ON COLUMN ${schema}.in_flight.id IS 'The message''s number.';
COMMENT ON COLUMN ${schema}.in_flight.claim IS 'The number it is claimed under.';
COMMENT ON COLUMN ${schema}.in_flight.session IS 'Whose it is; null if it was taken by take_leased.';
COMMENT ON COLUMN ${schema}.in_flight.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.in_flight.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.in_flight.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.in_flight.try IS 'Which try this is: 1 is the first.';
COMMENT ON COLUMN ${schema}.in_flight.key IS 'Its key.';
COMMENT ON COLUMN ${schema}.in_flight.taken IS 'When it was taken.';
COMMENT ON COLUMN ${schema}.in_flight.until IS 'When it goes back unless it is acked; null: when the session ends.';

CREATE OR REPLACE VIEW ${schema}.dead_letters AS
  SELECT q.name AS queue, d.id, d.died, d.reason, (d.message).error, (d.message).tries, (d.message).key,
    jsonb_object((d.message).headers) AS headers, octet_length((d.message).payload) AS bytes, (d.message).enqueued
  FROM ${schema}.dead_letter d JOIN ${schema}.queue q ON q.id = d.queue;
COMMENT ON VIEW ${schema}.dead_letters IS 'The messages that are not tried any more: see redrive and discard.';
COMMENT ON COLUMN ${schema}.dead_letters.queue IS 'The queue it is of.';
COMMENT ON COLUMN ${schema}.dead_letters.id IS 'The message''s number.';
COMMENT ON COLUMN ${schema}.dead_letters.died IS 'When it was given up.';
COMMENT ON COLUMN ${schema}.dead_letters.reason IS 'Why: it was tried too often, given up by its consumer, or its time was over.';
COMMENT ON COLUMN ${schema}.dead_letters.error IS 'What went wrong at the last try.';
COMMENT ON COLUMN ${schema}.dead_letters.tries IS 'How often it was tried.';
COMMENT ON COLUMN ${schema}.dead_letters.key IS 'Its key.';
COMMENT ON COLUMN ${schema}.dead_letters.headers IS 'Its headers.';
COMMENT ON COLUMN ${schema}.dead_letters.bytes IS 'The length of its payload.';
COMMENT ON COLUMN ${schema}.dead_letters.enqueued IS 'When it was enqueued.';

CREATE OR REPLACE VIEW ${schema}.queue_consumers AS
  SELECT u.queue, s.id AS session, s.client, s.host, s.pid, sum(u.messages)::bigint AS claimed, min(u.taken) AS claimed_since,
    bool_or(u.sleeps) AS sleeps
  FROM (
    SELECT q.name AS queue, c.session, cardinality(c.ids) AS messages, c.taken, false AS sleeps
      FROM ${schema}.claim c JOIN ${schema}.queue q ON q.id = c.queue WHERE c.ids <> '{}'
    UNION ALL
    SELECT i.queue, i.session, 0, NULL, true FROM ${schema}.idle i
  ) u JOIN ${schema}.session s ON s.id = u.session GROUP BY u.queue, s.id;
COMMENT ON VIEW ${schema}.queue_consumers IS 'Which clients have messages of a queue, or sleep until there are some.';
COMMENT ON COLUMN ${schema}.queue_consumers.queue IS 'The queue.';
COMMENT ON COLUMN ${schema}.queue_consumers.session IS 'The client''s session.';
COMMENT ON COLUMN ${schema}.queue_consumers.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.queue_consumers.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.queue_consumers.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.queue_consumers.claimed IS 'How many messages it has.';
COMMENT ON COLUMN ${schema}.queue_consumers.claimed_since IS 'When it took the oldest of them.';
COMMENT ON COLUMN ${schema}.queue_consumers.sleeps IS 'Whether it sleeps until it is rung.';

CREATE OR REPLACE VIEW ${schema}.queue_rates AS
  SELECT q.name AS queue, round(sum(t.enqueued) / p.seconds, 1) AS enqueued, round(sum(t.taken) / p.seconds, 1) AS taken,
    round(sum(t.acked) / p.seconds, 1) AS acked, round(sum(t.returned) / p.seconds, 1) AS returned, round(sum(t.died) / p.seconds, 1) AS died
  FROM (SELECT date_trunc('minute', clock_timestamp()) - interval '5 minutes' AS since,
      300 + extract(second FROM clock_timestamp())::numeric AS seconds) p
    CROSS JOIN ${schema}.queue q JOIN ${schema}.queue_tally t ON t.queue = q.id AND t.minute >= p.since
  GROUP BY q.name, p.seconds;
COMMENT ON VIEW ${schema}.queue_rates IS
  'Messages a second over the last five to six minutes, as clients of this library reported them, seconds after. What is enqueued or taken in a caller''s transaction counts when it is asked for; what SQL does without the library does not.';
COMMENT ON COLUMN ${schema}.queue_rates.queue IS 'The queue.';
COMMENT ON COLUMN ${schema}.queue_rates.enqueued IS 'Enqueued.';
COMMENT ON COLUMN ${schema}.queue_rates.taken IS 'Taken, for the first time or again.';
COMMENT ON COLUMN ${schema}.queue_rates.acked IS 'Acked.';
COMMENT ON COLUMN ${schema}.queue_rates.returned IS 'Given back by their consumers, also if that was the last try.';
COMMENT ON COLUMN ${schema}.queue_rates.died IS 'Put under the dead letters by their consumers.';

SELECT ${schema}._pin_and_grant();
