-- Putting messages into queues: see the head of R__17_queues.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Says why something could not be enqueued.
CREATE OR REPLACE FUNCTION ${schema}._enqueue_refused(in_queues text[], in_payloads bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  IF cardinality(in_queues) > 1000 THEN
    RAISE EXCEPTION 'one call enqueues 1,000 messages at most, not %', cardinality(in_queues) USING ERRCODE = 'PK005';
  END IF;
  FOR i IN 1 .. cardinality(in_queues) LOOP
    q := ${schema}._queue_named(in_queues[i]);
    IF in_payloads[i] IS NULL THEN
      RAISE EXCEPTION 'a message for the queue "%" has no payload', in_queues[i] USING ERRCODE = 'PK005';
    ELSIF octet_length(in_payloads[i]) > q.most_bytes THEN
      RAISE EXCEPTION 'a message of % bytes is too large for the queue "%": it takes % at most',
        octet_length(in_payloads[i]), in_queues[i], q.most_bytes USING ERRCODE = 'PK005',
        HINT = 'Keep what is large elsewhere and send where it is, or raise most_bytes with queue_create.';
    END IF;
  END LOOP;
  RAISE EXCEPTION 'a queue was made or changed at this very moment' USING ERRCODE = '40001', HINT = 'Ask again.';
END $$;

-- Whether a message can be as it is asked for; the headers are an array literal.
CREATE OR REPLACE FUNCTION ${schema}._is_sendable(in_priority integer, in_delay_ms bigint, in_life_ms bigint, in_headers text, in_not_before timestamptz)
RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(in_priority, 0) BETWEEN -1000 AND 1000 AND coalesce(in_delay_ms, 0) >= 0 AND coalesce(in_life_ms, 1) > 0
  AND coalesce(isfinite(in_not_before), true)
  AND (in_headers IS NULL OR cardinality(in_headers::text[]) % 2 = 0 AND coalesce(array_ndims(in_headers::text[]), 1) = 1
    AND array_position(in_headers::text[], NULL) IS NULL);

-- Inserts messages, at most 1,000, numbered from in_first, but for those that have a number in in_seen already. All arrays but the
-- first two may be null; headers are array literals, one for each message.
CREATE OR REPLACE FUNCTION ${schema}._enqueue(in_first bigint, in_queues text[], in_payloads bytea[], in_priorities integer[],
    in_delays_ms bigint[], in_keys text[], in_headers text[], in_lives_ms bigint[], in_not_before timestamptz[], in_seen bigint[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  added  integer;
BEGIN
  -- Who is first writes, and keeps others who would be first too waiting until its transaction ends. Everybody after that only reads.
  IF in_priorities IS NOT NULL THEN
    IF EXISTS (SELECT FROM (SELECT DISTINCT u.queue, u.priority FROM unnest(in_queues, in_priorities) AS u (queue, priority)) a
        JOIN ${schema}.queue q ON q.name = a.queue
        WHERE NOT EXISTS (SELECT FROM ${schema}.lane l WHERE l.queue = q.id AND l.lane = a.priority)) THEN
      INSERT INTO ${schema}.lane
        SELECT DISTINCT q.id, a.priority FROM unnest(in_queues, in_priorities) AS a (queue, priority) JOIN ${schema}.queue q ON q.name = a.queue
          WHERE a.priority BETWEEN -1000 AND 1000 ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  IF in_keys IS NOT NULL THEN
    IF EXISTS (SELECT FROM unnest(in_queues, in_keys) AS a (queue, key) JOIN ${schema}.queue q ON q.name = a.queue
        WHERE a.key IS NOT NULL AND NOT q.keyed) THEN
      PERFORM ${schema}._queue_keyed(a.queue) FROM unnest(in_queues, in_keys) AS a (queue, key) WHERE a.key IS NOT NULL
        GROUP BY a.queue ORDER BY a.queue;
    END IF;
  END IF;
  INSERT INTO ${schema}.message
    SELECT in_first + a.place - 1, q.id, CASE WHEN d.due IS NULL THEN coalesce(a.priority, 0) END,
        coalesce(a.priority, 0), 0, moment, d.due, moment + a.life_ms * interval '1 ms', a.key, a.headers::text[], NULL, a.payload
      FROM unnest(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms, in_not_before, in_seen)
          WITH ORDINALITY AS a (queue, payload, priority, delay_ms, key, headers, life_ms, not_before, seen, place)
        JOIN ${schema}.queue q ON q.name = a.queue,
        LATERAL (SELECT greatest(CASE WHEN a.delay_ms > 0 THEN moment + a.delay_ms * interval '1 ms' END,
          CASE WHEN a.not_before > moment THEN a.not_before END) AS due) d
      WHERE a.seen IS NULL AND octet_length(a.payload) <= q.most_bytes
        AND ${schema}._is_sendable(a.priority, a.delay_ms, a.life_ms, a.headers, a.not_before);
  GET DIAGNOSTICS added = ROW_COUNT;
  IF added <> cardinality(in_queues) - coalesce(cardinality(array_remove(in_seen, NULL)), 0) OR cardinality(in_queues) > 1000 THEN
    IF EXISTS (SELECT FROM unnest(in_priorities, in_delays_ms, in_lives_ms, in_headers, in_not_before)
          AS a (priority, delay_ms, life_ms, headers, not_before)
        WHERE NOT ${schema}._is_sendable(a.priority, a.delay_ms, a.life_ms, a.headers, a.not_before)) THEN
      RAISE EXCEPTION 'a message has a priority from -1000 to 1000, no negative delay, no infinite time, some time to live, and headers in pairs without nulls'
        USING ERRCODE = 'PK005';
    END IF;
    PERFORM ${schema}._enqueue_refused(in_queues, in_payloads);
  END IF;
END $$;

-- From now on this queue is taken from a key at a time.
CREATE OR REPLACE FUNCTION ${schema}._queue_keyed(in_queue text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET keyed = true WHERE q.name = in_queue AND NOT q.keyed;
END $$;

-- Enqueues, and answers with the number of the first message, which the others follow one by one; or, where there are deduplication
-- keys, with an outcome for each: its number, or `duplicate` and the number of the one that was there before.
CREATE OR REPLACE FUNCTION ${schema}._enqueue_all(in_queues text[], in_payloads bytea[], in_priorities integer[], in_delays_ms bigint[],
    in_keys text[], in_headers text[], in_lives_ms bigint[], in_dedup_keys text[], in_not_before timestamptz[])
RETURNS ${schema}.outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  first    bigint := ${schema}._next_zxid() << 10;
  seen     bigint[];
  outcome  ${schema}.outcome;
  outcomes ${schema}.outcome[];
  step     integer;
BEGIN
  IF in_dedup_keys IS NOT NULL THEN
    seen := array_fill(NULL::bigint, ARRAY[cardinality(in_queues)]);
    FOR step IN SELECT a.step FROM unnest(in_queues, in_dedup_keys) WITH ORDINALITY AS a (queue, dedup_key, step)
        WHERE a.dedup_key IS NOT NULL ORDER BY a.queue, a.dedup_key, a.step LOOP
      seen[step] := ${schema}._dedup_seen(in_queues[step], in_dedup_keys[step], first + step - 1);
    END LOOP;
  END IF;
  PERFORM ${schema}._enqueue(first, in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms, in_not_before,
    seen);
  FOR step IN 1 .. CASE WHEN seen IS NULL THEN 1 ELSE cardinality(in_queues) END LOOP
    outcome.code := CASE WHEN seen[step] IS NULL THEN 'ok' ELSE 'duplicate' END;
    outcome.number := coalesce(seen[step], first + step - 1);
    outcomes[step] := outcome;
  END LOOP;
  RETURN outcomes;
END $$;

-- Enqueues in a transaction of its own, numbered so that a lost reply can be settled (R__06_replies). Where `watched` says so, somebody
-- sleeps who is to be rung after the commit. Messages that are nothing but a payload, for one queue, have a function of their own:
-- most are like that, and it takes half the time. The outcome's number is that of the first.
CREATE OR REPLACE FUNCTION ${schema}.request_enqueue(in_session bigint, in_slot integer, in_request bigint, in_queue text,
    in_payloads bytea[], OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  first bigint := ${schema}._next_zxid() << 10;
  added integer;
BEGIN
  INSERT INTO ${schema}.message
    SELECT first + p.place - 1, q.id, 0, 0, 0, clock_timestamp(), NULL, NULL, NULL, NULL, NULL, p.payload
      FROM ${schema}.queue q, unnest(in_payloads) WITH ORDINALITY AS p (payload, place)
      WHERE q.name = in_queue AND octet_length(p.payload) <= q.most_bytes;
  GET DIAGNOSTICS added = ROW_COUNT;
  IF added <> cardinality(in_payloads) OR added > 1000 THEN
    PERFORM ${schema}._enqueue_refused(array_fill(in_queue, ARRAY[cardinality(in_payloads)]), in_payloads);
  END IF;
  outcome.code := 'ok';
  outcome.number := first;
  UPDATE ${schema}.reply r SET request = in_request, at = clock_timestamp(), outcomes = ARRAY[outcome]
    WHERE r.session = in_session AND r.slot = in_slot AND r.request < in_request;
  IF NOT FOUND THEN
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
  END IF;
  PERFORM pg_advisory_xact_lock_shared(${schema}._lock_key(k, 'queue.' || in_queue)) FROM ${schema}.secret k WHERE k.only_row;
  watched := EXISTS (SELECT FROM ${schema}.queue q JOIN ${schema}.idle i ON i.queue = q.name AND i.number >= q.idle_low
    WHERE q.name = in_queue);
END $$;
COMMENT ON FUNCTION ${schema}.request_enqueue(bigint, integer, bigint, text, bytea[]) IS
  'Enqueues payloads in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next.';

CREATE OR REPLACE FUNCTION ${schema}.request_enqueue_all(in_session bigint, in_slot integer, in_request bigint, in_queues text[],
    in_payloads bytea[], in_priorities integer[], in_delays_ms bigint[], in_keys text[], in_headers text[], in_lives_ms bigint[],
    in_dedup_keys text[], in_not_before timestamptz[] DEFAULT NULL, OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcomes := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms,
    in_dedup_keys, in_not_before);
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  watched := ${schema}._is_idle(in_queues);
END $$;
COMMENT ON FUNCTION ${schema}.request_enqueue_all(bigint, integer, bigint, text[], bytea[], integer[], bigint[], text[], text[], bigint[], text[], timestamptz[]) IS
  'Like enqueue_all, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next.';

-- Enqueues in the caller's transaction: there if that commits, and then it rings.
CREATE OR REPLACE FUNCTION ${schema}.enqueue_all(in_queues text[], in_payloads bytea[], in_priorities integer[] DEFAULT NULL,
    in_delays_ms bigint[] DEFAULT NULL, in_keys text[] DEFAULT NULL, in_headers text[] DEFAULT NULL,
    in_lives_ms bigint[] DEFAULT NULL, in_dedup_keys text[] DEFAULT NULL, in_not_before timestamptz[] DEFAULT NULL)
RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcomes ${schema}.outcome[] := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers,
    in_lives_ms, in_dedup_keys, in_not_before);
BEGIN
  IF ${schema}._is_idle(in_queues) THEN
    PERFORM ${schema}.ring_idle(array_agg(a.name), array_agg(a.number))
      FROM (SELECT name, count(*)::integer AS number FROM unnest(in_queues) AS name GROUP BY name) AS a;
  END IF;
  RETURN outcomes;
END $$;
COMMENT ON FUNCTION ${schema}.enqueue_all(text[], bytea[], integer[], bigint[], text[], text[], bigint[], text[], timestamptz[]) IS
  'Enqueues up to 1,000 messages in the caller''s transaction: queues, payloads, priorities, delays in ms, keys, headers (array literals), lives in ms, deduplication keys, not before. Answers with the number of the first, which the others follow; with deduplication keys, with an outcome for each: ok or duplicate.';

-- The same for one message, as one writes it by hand. Returns its number, or that of the one it would be a duplicate of.
CREATE OR REPLACE FUNCTION ${schema}.enqueue(in_queue text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_key text DEFAULT NULL, in_headers text[] DEFAULT NULL, in_life interval DEFAULT NULL, in_dedup_key text DEFAULT NULL,
    in_not_before timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE sql
RETURN (${schema}.enqueue_all(ARRAY[in_queue], ARRAY[in_payload],
  CASE WHEN in_priority IS NOT NULL THEN ARRAY[in_priority] END,
  CASE WHEN in_delay IS NOT NULL THEN ARRAY[(extract(epoch FROM in_delay) * 1000)::bigint] END,
  CASE WHEN in_key IS NOT NULL THEN ARRAY[in_key] END,
  CASE WHEN in_headers IS NOT NULL THEN ARRAY[in_headers::text] END,
  CASE WHEN in_life IS NOT NULL THEN ARRAY[(extract(epoch FROM in_life) * 1000)::bigint] END,
  CASE WHEN in_dedup_key IS NOT NULL THEN ARRAY[in_dedup_key] END,
  CASE WHEN in_not_before IS NOT NULL THEN ARRAY[in_not_before] END))[1].number;
COMMENT ON FUNCTION ${schema}.enqueue(text, bytea, integer, interval, text, text[], interval, text, timestamptz) IS
  'Enqueues a message in the caller''s transaction: SELECT ${schema}.enqueue(''mails'', ''payload'', in_key => ''42''). Priority (higher first), delay, key (one at a time, in order), headers (name, value, …), life, deduplication key, not before. Returns its number, or that of the one it duplicates.';

-- The number of the message that was enqueued with this deduplication key; null if there is none, and then the key is in_id's from
-- now on, for the queue's window. Whoever enqueues the same key meanwhile waits for this transaction.
CREATE OR REPLACE FUNCTION ${schema}._dedup_seen(in_queue text, in_key text, in_id bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  seen bigint;
BEGIN
  INSERT INTO ${schema}.dedup AS d
    SELECT q.id, in_key, in_id, clock_timestamp() + q.window_ms * interval '1 ms' FROM ${schema}.queue q WHERE q.name = in_queue
    ON CONFLICT (queue, key) DO UPDATE SET id = excluded.id, until = excluded.until WHERE d.until <= clock_timestamp();
  IF NOT FOUND THEN
    SELECT d.id INTO seen FROM ${schema}.dedup d JOIN ${schema}.queue q ON q.id = d.queue WHERE q.name = in_queue AND d.key = in_key;
  END IF;
  RETURN seen;
END $$;

SELECT ${schema}._pin_and_grant();
