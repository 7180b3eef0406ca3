-- Taking messages: see the head of R__17_queues.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Takes messages for a session: first what it has done is acked (`in_done`: whole claims; `in_done_claims`, `in_done_ids`: single
-- messages of claims), then at most in_count messages are claimed, under in_claim or, if they are to be `apart`, each under a number of
-- its own from there on. Answers with
--
--   refused  the ids (of whole claims: their numbers) that could not be acked, because they are no longer this session's
--   asleep   the session is registered to be rung, because in_sleep asked for it and nothing was there
--   next_ms  when the next message of this queue has its time, if nothing was there
--   messages in the order of their claims; null if there is none. As one array, for rows of a function cost more than what is done for them
--
-- If the reply was lost it is to be asked again, with in_again.
CREATE OR REPLACE FUNCTION ${schema}.take(in_session bigint, in_claim bigint, in_queue text, in_count integer, in_lease_ms bigint,
    in_apart boolean, in_done bigint[], in_done_claims bigint[], in_done_ids bigint[], in_sleep boolean, in_again boolean,
    OUT refused bigint[], OUT asleep boolean, OUT next_ms bigint, OUT messages ${schema}.message[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  source ${schema}.queue;
  looked boolean := false;
  acks   boolean := in_done IS NOT NULL OR in_done_claims IS NOT NULL;
  known  boolean;
BEGIN
  -- _owner_share, without the call.
  IF NOT (SELECT ${schema}._ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}._lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}._owner_wait(in_session);
  END IF;
  asleep := false;
  IF in_again THEN
    SELECT true, c.refused, c.messages INTO known, refused, messages
      FROM ${schema}._claimed(in_session, in_claim, CASE WHEN in_apart THEN in_count ELSE 1 END) AS c;
    IF known THEN
      RETURN;
    END IF;
  END IF;
  IF acks THEN
    refused := ${schema}._ack(in_session, in_done, in_done_claims, in_done_ids);
  END IF;
  WHILE in_count > 0 LOOP
    WITH gone AS (
      DELETE FROM ${schema}.message m
        WHERE m.ctid = ANY (ARRAY(
          SELECT first.ctid
            FROM (SELECT l.* FROM ${schema}.queue q, ${schema}.lane l
                WHERE q.name = in_queue AND NOT q.keyed AND q.paused IS NULL AND l.queue = q.id
                  AND (in_session = 0 OR EXISTS (SELECT FROM ${schema}.session s
                    WHERE s.id = in_session AND ${schema}._may_own(s)))
                ORDER BY l.lane DESC) l,
              LATERAL (SELECT w.ctid FROM ${schema}.message w
                WHERE w.queue = l.queue AND w.lane = l.lane AND w.id >= l.low AND (w.expires IS NULL OR w.expires > clock_timestamp())
                ORDER BY w.id LIMIT in_count FOR UPDATE SKIP LOCKED) first
            LIMIT in_count))
        RETURNING m.queue, m.lane, m.id, m AS message
    ), claimed AS (
      INSERT INTO ${schema}.claim
        SELECT in_session, in_claim, min(g.queue), clock_timestamp(), clock_timestamp() + in_lease_ms * interval '1 ms', false,
            array_agg(g.id), take.refused, array_agg(g.message ORDER BY g.lane DESC, g.id)
          FROM gone g HAVING count(*) > 0 AND NOT in_apart
    )
    SELECT array_agg(g.message ORDER BY g.lane DESC, g.id) INTO messages FROM gone g;
    IF messages IS NOT NULL THEN
      IF in_apart THEN
        PERFORM ${schema}._claim_all(in_session, in_claim, in_lease_ms, in_apart, false, refused, messages);
      END IF;
      RETURN;
    END IF;
    -- Read each time: meanwhile it may have been resumed, or have got its first key.
    source := ${schema}._queue_named(in_queue);
    PERFORM ${schema}._session_check(in_session);
    IF source.keyed AND source.paused IS NULL THEN
      messages := ${schema}._take_keyed(source.id, in_count);
      IF messages IS NOT NULL THEN
        PERFORM ${schema}._claim_all(in_session, in_claim, in_lease_ms, in_apart, true, refused, messages);
        RETURN;
      END IF;
    END IF;
    EXIT WHEN looked OR NOT in_sleep
      OR NOT (SELECT pg_try_advisory_xact_lock(${schema}._idle_key(k, in_queue)) FROM ${schema}.secret k WHERE k.only_row);
    looked := true;
  END LOOP;
  asleep := looked AND (NOT source.keyed OR source.paused IS NOT NULL OR NOT ${schema}._is_waiting(source.id));
  IF asleep THEN
    INSERT INTO ${schema}.idle (queue, session) SELECT in_queue, in_session WHERE NOT EXISTS (SELECT FROM ${schema}.idle i
      WHERE i.queue = in_queue AND i.number >= source.idle_low AND i.session = in_session);
  END IF;
  IF acks THEN
    PERFORM ${schema}._session_check(in_session);
    INSERT INTO ${schema}.claim VALUES (in_session, in_claim, coalesce(source.id, 0), clock_timestamp(), NULL, false, '{}', refused, NULL);
  END IF;
  next_ms := ${schema}._next_time(source.id);
END $$;
COMMENT ON FUNCTION ${schema}.take(bigint, bigint, text, integer, bigint, boolean, bigint[], bigint[], bigint[], boolean, boolean) IS
  'Acks and takes for a session: session, number of the claim, queue, how many, lease in ms (null: as long as the session), whether each gets a claim of its own, claims that are done, single messages that are done (claims, ids), whether to sleep if there is none, whether it was asked before. Ask again, with the last argument, if the reply was lost.';

-- Claims messages of one queue: together, or each apart under a number of its own.
CREATE OR REPLACE FUNCTION ${schema}._claim_all(in_session bigint, in_claim bigint, in_lease_ms bigint, in_apart boolean, in_keyed boolean,
    in_refused bigint[], in_messages ${schema}.message[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.claim
    SELECT in_session, in_claim + p.place, min(p.queue), clock_timestamp(), clock_timestamp() + in_lease_ms * interval '1 ms', in_keyed,
        array_agg(p.id), CASE WHEN p.place = 0 THEN in_refused END, array_agg(p.message ORDER BY p.lane DESC, p.id)
      FROM (SELECT m.queue, m.lane, m.id, m AS message,
              CASE WHEN in_apart THEN row_number() OVER (ORDER BY m.lane DESC, m.id) - 1 ELSE 0 END AS place
            FROM unnest(in_messages) AS m) p
      GROUP BY p.place;
END $$;

-- What the call that made this claim, and the in_count - 1 that follow it, answered; no row if it was not done.
CREATE OR REPLACE FUNCTION ${schema}._claimed(in_session bigint, in_claim bigint, in_count integer)
RETURNS TABLE (refused bigint[], messages ${schema}.message[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT first.refused, (SELECT array_agg(m ORDER BY c.number, (m).lane DESC, (m).id) FROM ${schema}.claim c, unnest(c.messages) AS m
      WHERE c.session = in_session AND c.number BETWEEN in_claim AND in_claim + in_count - 1)
    FROM ${schema}.claim first WHERE first.session = in_session AND first.number = in_claim;
END;

-- Takes from a queue that has keys, at most 100 at once: of each key one message at a time, in their order. A message that is met
-- before its turn goes behind: out of its lane, until the key is free. Whoever has a key keeps nobody from what is after it;
-- but the search ends after so many messages, and so many keys locked.
CREATE OR REPLACE FUNCTION ${schema}._take_keyed(in_queue integer, in_count integer) RETURNS ${schema}.message[]
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  most   integer := least(in_count, 100);
  seen   integer := 0;
  locked integer := 0;
  lanes  smallint[] := '{32767}';
  ids    bigint[] := '{0}';
  keys   text[];
  mine   text[];
  firsts tid[];
  early  tid[];
  taken  ${schema}.message[] := '{}';
  fresh  ${schema}.message[];
BEGIN
  WHILE cardinality(taken) < most AND seen < 5000 AND locked < 300 LOOP
    SELECT array_agg(n.lane), array_agg(n.id), array_agg(n.key) INTO lanes, ids, keys FROM (
      SELECT near.* FROM (SELECT l.* FROM ${schema}.lane l
          WHERE l.queue = in_queue AND l.lane <= lanes[cardinality(lanes)] ORDER BY l.lane DESC) l,
        LATERAL (SELECT w.lane, w.id, w.key FROM ${schema}.message w
          WHERE w.queue = in_queue AND w.lane = l.lane
            AND w.id >= greatest(l.low, CASE WHEN l.lane = lanes[cardinality(lanes)] THEN ids[cardinality(ids)] + 1 END)
            AND (w.expires IS NULL OR w.expires > clock_timestamp())
          ORDER BY w.id LIMIT most + 20) near
      LIMIT most + 20) n;
    EXIT WHEN ids IS NULL;
    mine := ARRAY(
      SELECT k.key FROM (SELECT DISTINCT key FROM unnest(keys) AS key WHERE key IS NOT NULL) k
        WHERE pg_try_advisory_xact_lock(${schema}._message_key_key(secret, in_queue, k.key)));
    seen := seen + cardinality(ids);
    locked := locked + cardinality(mine);
    -- From here on nobody else changes anything about these keys; what was changed before is seen from here on.
    SELECT array_agg(c.ctid) FILTER (WHERE c.first), array_agg(c.ctid) FILTER (WHERE NOT c.first) INTO firsts, early FROM (
      SELECT m.ctid, m.key IS NULL OR NOT EXISTS (
            SELECT FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = m.key)
          AND NOT EXISTS (SELECT FROM ${schema}.message e
            WHERE e.queue = in_queue AND e.key = m.key AND e.id < m.id AND e.due IS NULL) AS first
        FROM unnest(lanes, ids, keys) AS n (lane, id, key)
          JOIN ${schema}.message m ON m.queue = in_queue AND m.lane = n.lane AND m.id = n.id
        WHERE n.key IS NULL OR n.key = ANY (mine)
        FOR UPDATE OF m SKIP LOCKED) c;
    IF early IS NOT NULL THEN
      UPDATE ${schema}.message m SET lane = ${schema}._behind() WHERE m.ctid = ANY (early);
    END IF;
    WITH gone AS (
      DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
          SELECT f.ctid FROM ${schema}.message f WHERE f.ctid = ANY (firsts) ORDER BY f.lane DESC, f.id
            LIMIT most - cardinality(taken))) RETURNING m
    ), turns AS (
      INSERT INTO ${schema}.key_turn SELECT in_queue, (m).key, (m).id FROM gone WHERE (m).key IS NOT NULL
    )
    SELECT coalesce(array_agg(m), '{}') INTO fresh FROM gone;
    taken := taken || fresh;
  END LOOP;
  RETURN (SELECT array_agg(m ORDER BY (m).lane DESC, (m).id) FROM unnest(taken) AS m);
END $$;

-- Takes messages in the caller's transaction: they are gone if it commits, and as they were if it does not; nobody else gets them meanwhile.
-- Not from a queue with keys: there, a message is taken first, and acked in the transaction.
CREATE OR REPLACE FUNCTION ${schema}.take_now(in_queue text, in_count integer) RETURNS SETOF ${schema}.message
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  RETURN QUERY
    WITH gone AS (
      DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
          SELECT first.ctid
            FROM (SELECT l.* FROM ${schema}.queue q, ${schema}.lane l
                WHERE q.name = in_queue AND NOT q.keyed AND q.paused IS NULL AND l.queue = q.id ORDER BY l.lane DESC) l,
              LATERAL (SELECT w.ctid FROM ${schema}.message w
                WHERE w.queue = l.queue AND w.lane = l.lane AND w.id >= l.low AND (w.expires IS NULL OR w.expires > clock_timestamp())
                ORDER BY w.id LIMIT in_count FOR UPDATE SKIP LOCKED) first
            LIMIT in_count)) RETURNING m.*
    )
    SELECT * FROM gone g ORDER BY g.lane DESC, g.id;
  IF NOT FOUND AND (${schema}._queue_named(in_queue)).keyed THEN
    RAISE EXCEPTION 'the queue "%" has messages with keys, which cannot be taken in the caller''s transaction', in_queue
      USING ERRCODE = 'PK005', HINT = 'Take it first, and ack it in the transaction.';
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.take_now(text, integer) IS
  'Takes messages in the caller''s transaction: they are gone if it commits, and were never taken if it does not. Not from queues with keys.';

-- The next messages that would be taken, without taking them.
CREATE OR REPLACE FUNCTION ${schema}.peek(in_queue text, in_count integer DEFAULT 1) RETURNS SETOF ${schema}.message
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan
BEGIN ATOMIC
  SELECT first.* FROM (SELECT l.* FROM ${schema}.queue q JOIN ${schema}.lane l ON l.queue = q.id
      WHERE q.name = in_queue ORDER BY l.lane DESC) l,
    LATERAL (SELECT m.* FROM ${schema}.message m
      WHERE m.queue = l.queue AND m.lane = l.lane AND m.id >= l.low AND (m.expires IS NULL OR m.expires > clock_timestamp())
      ORDER BY m.id LIMIT in_count) first
  LIMIT in_count;
END;
COMMENT ON FUNCTION ${schema}.peek(text, integer) IS 'The next messages that would be taken, without taking them.';

SELECT ${schema}._pin_and_grant();
