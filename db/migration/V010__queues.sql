-- Queues. A message is in one place at a time, and moves in one transaction, so none is lost and none is there twice:
--
--   message      it waits: in the lane of its priority for its turn; without a lane until it is due, or, without that, behind
--                another one of its key
--   claim        a session has it. What was taken at once is one row, an array with all its messages, so that taking and
--                acking a hundred of them writes one row more than deleting them would; `ids` are those not yet acked
--   dead_letter  it was tried too often, or given up, or its time was over
--
-- and it is gone once it is acked. Who decides, and in what order locks are taken:
--
--   enqueue  inserts. A shared advisory lock on the queue tells whoever is about to sleep that something is on its way.
--   take     deletes what is first in the lanes from `message` (SKIP LOCKED: two who take never wait for each other) and
--            inserts the claim. The claim's number is the client's: after a lost reply it asks again with the same one, and finds
--            the claim or makes it. An earlier request that arrives late collides with it, and was not done.
--   ack      deletes the claim, or takes ids out of it. Whoever deletes the row decides: a session's end, a lease's end, a nack and an
--            ack of the same message exclude each other by its lock. In the caller's transaction it counts when that commits.
--   return   puts messages of a claim back where they were (nack, lease's end, session's end), or under the dead letters.
--
--   Locks: the session (advisory, shared; exclusive for whoever ends it), rows of claim by number, keys (advisory, sorted), rows of
--   message (new ones, or SKIP LOCKED), rows of lane by number. Nobody waits for a row of message or lane of a queue while it
--   holds another's.
--
-- A claim lasts as long as its session, so that working on something for an hour costs no renewals; or until a moment, where it
-- was taken so. Crash after take: the claim goes with its session, and its messages are at once in their places again. After
-- the commit of an ack, before the reply: the client asks again, and the claim of the same number proves that it was done.
--
-- One key at a time. `key_turn` has the keys of which a message is claimed, or waits to be tried again. Whoever takes, frees or
-- sends back messages of a key holds its advisory lock; who takes only tries to get it. Among the messages of a key none
-- is taken before an earlier one: what take meets too early it puts behind, and whoever frees the key brings back the first.
--
-- Where dead rows cannot be cleaned up because somebody keeps a snapshot open, the lanes' beginnings are what every claim would
-- walk over. So a lane begins at `low`: where the first message was when somebody last looked at all of it, a second ago and
-- more, so that a transaction has to be longer than that for its messages to be found only at the next such look. Whoever puts a
-- message back lowers it. Looks become rarer as they take longer.
--
-- Idle consumers stand in `idle`. Whoever enqueues rings as many as there are messages and takes them out; busy ones are never
-- rung. Going to sleep: under the queue's advisory lock, look once more and then register. If the lock is not free, somebody
-- enqueues just now: look again soon. A ring that is lost costs a sweep.

CREATE TABLE ${schema}.queue (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text COLLATE "C" NOT NULL UNIQUE,
  most_tries   integer NOT NULL,
  backoff_ms   bigint NOT NULL,
  longest_backoff_ms bigint NOT NULL,
  window_ms    bigint NOT NULL,
  most_bytes   integer NOT NULL,
  keyed        boolean NOT NULL DEFAULT false,
  paused       timestamptz,
  topic        text COLLATE "C",
  created      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX queue_topic ON ${schema}.queue (topic) WHERE topic IS NOT NULL;

-- Messages of one priority of a queue, highest first. No message of the lane is below `low` (as far as was known when it was looked for), nor was below `next_low` at the last look.
CREATE TABLE ${schema}.lane (
  queue    integer NOT NULL,
  lane     smallint NOT NULL,
  low      bigint NOT NULL DEFAULT 0,
  next_low bigint NOT NULL DEFAULT 0,
  look_at  timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (queue, lane)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);

-- Numbers are given out in blocks of 1,024, one block for each zxid. `tries`: how often it was taken before. `headers`: name, value, name, …
CREATE TABLE ${schema}.message (
  id       bigint NOT NULL,
  queue    integer NOT NULL,
  lane     smallint,
  priority smallint NOT NULL,
  tries    integer NOT NULL,
  enqueued timestamptz NOT NULL,
  due      timestamptz,
  expires  timestamptz,
  key      text COLLATE "C",
  headers  text[],
  error    text,
  payload  bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.2);

CREATE UNIQUE INDEX message_place ON ${schema}.message (queue, lane, id);
CREATE INDEX message_time ON ${schema}.message (queue, least(due, expires)) WHERE due IS NOT NULL OR expires IS NOT NULL;
CREATE INDEX message_key ON ${schema}.message (queue, key, id) WHERE key IS NOT NULL;

-- The session is 0 where there is none (for callers in other languages); such a claim has an end. `refused` is what the call that made
-- it could not ack. A claim without messages proves that such a call was done.
CREATE TABLE ${schema}.claim (
  session  bigint NOT NULL,
  number   bigint NOT NULL,
  queue    integer NOT NULL,
  taken    timestamptz NOT NULL,
  until    timestamptz,
  keyed    boolean NOT NULL,
  ids      bigint[] NOT NULL,
  refused  bigint[],
  messages ${schema}.message[],
  PRIMARY KEY (session, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
-- Compressing what is deleted in a moment costs more than it saves.
ALTER TABLE ${schema}.claim ALTER messages SET STORAGE EXTERNAL;
CREATE INDEX claim_until ON ${schema}.claim (until) WHERE until IS NOT NULL;

CREATE TABLE ${schema}.dead_letter (
  queue   integer NOT NULL,
  id      bigint NOT NULL,
  died    timestamptz NOT NULL,
  reason  text NOT NULL,
  message ${schema}.message NOT NULL,
  PRIMARY KEY (queue, id)
);

-- Keys whose turn some message has; its claim, or nothing while it waits to be tried again.
CREATE TABLE ${schema}.key_turn (
  queue integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  id    bigint NOT NULL,
  PRIMARY KEY (queue, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- What was enqueued with which deduplication key, until when it counts.
CREATE TABLE ${schema}.dedup (
  queue integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  id    bigint NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (queue, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX dedup_until ON ${schema}.dedup (until);

-- Who sleeps until something is enqueued. Unlogged: after a crash, everybody looks for themselves.
CREATE UNLOGGED TABLE ${schema}.idle (
  queue   text COLLATE "C" NOT NULL,
  session bigint NOT NULL,
  PRIMARY KEY (queue, session)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX idle_session ON ${schema}.idle (session);

-- Makes a queue, or changes what is given of its settings; null leaves what is there, or the default.
CREATE FUNCTION ${schema}.queue_create(in_queue text, in_most_tries integer DEFAULT NULL, in_backoff_ms bigint DEFAULT NULL,
    in_longest_backoff_ms bigint DEFAULT NULL, in_window_ms bigint DEFAULT NULL, in_most_bytes integer DEFAULT NULL,
    in_topic text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT coalesce(octet_length(in_queue) BETWEEN 1 AND 500 AND in_queue !~ '[[:cntrl:]]', false)
      OR in_most_tries < 1 OR in_backoff_ms < 0 OR in_longest_backoff_ms < 0 OR in_window_ms < 0 OR in_most_bytes < 0 THEN
    RAISE EXCEPTION 'queue "%": a name has 1 to 500 bytes without control characters, tries are at least 1, and nothing is negative',
      in_queue USING ERRCODE = '22023';
  END IF;
  INSERT INTO ${schema}.queue AS q (name, most_tries, backoff_ms, longest_backoff_ms, window_ms, most_bytes, topic)
    VALUES (in_queue, coalesce(in_most_tries, 10), coalesce(in_backoff_ms, 1000), coalesce(in_longest_backoff_ms, 3600000),
      coalesce(in_window_ms, 300000), coalesce(in_most_bytes, 1048576), in_topic)
    ON CONFLICT (name) DO UPDATE SET most_tries = coalesce(in_most_tries, q.most_tries),
      backoff_ms = coalesce(in_backoff_ms, q.backoff_ms),
      longest_backoff_ms = coalesce(in_longest_backoff_ms, q.longest_backoff_ms),
      window_ms = coalesce(in_window_ms, q.window_ms), most_bytes = coalesce(in_most_bytes, q.most_bytes);
  INSERT INTO ${schema}.lane SELECT q.id, 0 FROM ${schema}.queue q WHERE q.name = in_queue
    ON CONFLICT DO NOTHING;
END $$;

-- Why something could not be enqueued.
CREATE FUNCTION ${schema}.enqueue_refused(in_queues text[], in_payloads bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  FOR i IN 1 .. cardinality(in_queues) LOOP
    SELECT * INTO q FROM ${schema}.queue WHERE name = in_queues[i];
    IF NOT FOUND THEN
      RAISE EXCEPTION 'there is no queue "%"', in_queues[i] USING ERRCODE = 'PK004',
        HINT = 'Make it with queue_create, or check the spelling.';
    ELSIF octet_length(in_payloads[i]) > q.most_bytes THEN
      RAISE EXCEPTION 'a message of % bytes is too large for the queue "%": it takes % at most',
        octet_length(in_payloads[i]), in_queues[i], q.most_bytes USING ERRCODE = 'PK005',
        HINT = 'Keep what is large elsewhere and send where it is, or raise most_bytes with queue_create.';
    END IF;
  END LOOP;
  RAISE EXCEPTION 'a message has a payload, a priority from -1000 to 1000, nothing negative, and headers in pairs'
    USING ERRCODE = 'PK005';
END $$;

-- Inserts messages, at most 1,000, numbered from in_first. All arrays but the first two may be null; headers are array literals, one
-- for each message.
CREATE FUNCTION ${schema}._enqueue(in_first bigint, in_queues text[], in_payloads bytea[], in_priorities integer[],
    in_delays_ms bigint[], in_keys text[], in_headers text[], in_lives_ms bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  added  integer;
BEGIN
  IF in_priorities IS NOT NULL THEN
    INSERT INTO ${schema}.lane
      SELECT DISTINCT q.id, a.priority FROM unnest(in_queues, in_priorities) AS a (queue, priority) JOIN ${schema}.queue q ON q.name = a.queue
        WHERE a.priority BETWEEN -1000 AND 1000 ORDER BY 1, 2
      ON CONFLICT DO NOTHING;
  END IF;
  IF in_keys IS NOT NULL THEN
    PERFORM ${schema}.queue_keyed(a.queue) FROM unnest(in_queues, in_keys) AS a (queue, key) WHERE a.key IS NOT NULL
      GROUP BY a.queue ORDER BY a.queue;
  END IF;
  INSERT INTO ${schema}.message
    SELECT in_first + a.place - 1, q.id, CASE WHEN coalesce(a.delay_ms, 0) = 0 THEN coalesce(a.priority, 0) END,
        coalesce(a.priority, 0), 0, moment, CASE WHEN a.delay_ms > 0 THEN moment + a.delay_ms * interval '1 ms' END,
        moment + a.life_ms * interval '1 ms', a.key, a.headers::text[], NULL, a.payload
      FROM unnest(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms) WITH ORDINALITY
          AS a (queue, payload, priority, delay_ms, key, headers, life_ms, place)
        JOIN ${schema}.queue q ON q.name = a.queue
      WHERE octet_length(a.payload) <= q.most_bytes AND coalesce(a.priority, 0) BETWEEN -1000 AND 1000
        AND coalesce(a.delay_ms, 0) >= 0 AND coalesce(a.life_ms, 1) > 0 AND coalesce(cardinality(a.headers::text[]), 0) % 2 = 0;
  GET DIAGNOSTICS added = ROW_COUNT;
  IF added <> cardinality(in_queues) OR added > 1000 THEN
    PERFORM ${schema}.enqueue_refused(in_queues, in_payloads);
  END IF;
END $$;

-- From now on this queue is taken from a key at a time.
CREATE FUNCTION ${schema}.queue_keyed(in_queue text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET keyed = true WHERE q.name = in_queue AND NOT q.keyed;
END $$;

-- Enqueues, and answers with the number of the first message, which the others follow one by one; or, where there are deduplication
-- keys, with an outcome for each: its number, or `duplicate` and the number of the one that was there before.
CREATE FUNCTION ${schema}._enqueue_all(in_queues text[], in_payloads bytea[], in_priorities integer[], in_delays_ms bigint[],
    in_keys text[], in_headers text[], in_lives_ms bigint[], in_dedup_keys text[]) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  outcome  ${schema}.outcome;
  outcomes ${schema}.outcome[];
  step     integer;
BEGIN
  IF in_dedup_keys IS NULL THEN
    outcome.code := 'ok';
    outcome.czxid := ${schema}.next_zxid() << 10;
    PERFORM ${schema}._enqueue(outcome.czxid, in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms);
    RETURN ARRAY[outcome];
  END IF;
  FOR step IN SELECT a.step FROM unnest(in_queues, in_dedup_keys) WITH ORDINALITY AS a (queue, dedup_key, step)
      ORDER BY a.queue, a.dedup_key, a.step LOOP
    outcome.czxid := ${schema}.next_zxid() << 10;
    outcome.mzxid := ${schema}.dedup_seen(in_queues[step], in_dedup_keys[step], outcome.czxid);
    outcome.code := CASE WHEN outcome.mzxid IS NULL THEN 'ok' ELSE 'duplicate' END;
    IF outcome.code = 'ok' THEN
      PERFORM ${schema}._enqueue(outcome.czxid, in_queues[step:step], in_payloads[step:step], in_priorities[step:step],
        in_delays_ms[step:step], in_keys[step:step], in_headers[step:step], in_lives_ms[step:step]);
    END IF;
    outcome.czxid := coalesce(outcome.mzxid, outcome.czxid);
    outcomes[step] := outcome;
  END LOOP;
  RETURN outcomes;
END $$;

-- Enqueues in a transaction of its own, numbered so that a lost reply can be settled (V005). Where `watched` says so, somebody
-- sleeps who is to be rung after the commit. Messages that are nothing but a payload, for one queue, have a function of their own:
-- most are like that, and it takes half the time. The outcome's czxid is the number of the first.
CREATE FUNCTION ${schema}.request_enqueue(in_session bigint, in_slot integer, in_request bigint, in_queue text,
    in_payloads bytea[], OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  first bigint := ${schema}.next_zxid() << 10;
  added integer;
BEGIN
  INSERT INTO ${schema}.message
    SELECT first + p.place - 1, q.id, 0, 0, 0, clock_timestamp(), NULL, NULL, NULL, NULL, NULL, p.payload
      FROM ${schema}.queue q, unnest(in_payloads) WITH ORDINALITY AS p (payload, place)
      WHERE q.name = in_queue AND octet_length(p.payload) <= q.most_bytes;
  GET DIAGNOSTICS added = ROW_COUNT;
  IF added <> cardinality(in_payloads) OR added > 1000 THEN
    PERFORM ${schema}.enqueue_refused(array_fill(in_queue, ARRAY[cardinality(in_payloads)]), in_payloads);
  END IF;
  outcome.code := 'ok';
  outcome.czxid := first;
  UPDATE ${schema}.reply r SET request = in_request, at = clock_timestamp(), outcomes = ARRAY[outcome]
    WHERE r.session = in_session AND r.slot = in_slot AND r.request < in_request;
  IF NOT FOUND THEN
    PERFORM ${schema}.move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
  END IF;
  watched := pg_advisory_xact_lock_shared(hashtextextended('${schema}.queue.' || in_queue, 0)) IS NULL;
  watched := EXISTS (SELECT FROM ${schema}.idle i WHERE i.queue = in_queue);
END $$;

CREATE FUNCTION ${schema}.request_enqueue_all(in_session bigint, in_slot integer, in_request bigint, in_queues text[],
    in_payloads bytea[], in_priorities integer[], in_delays_ms bigint[], in_keys text[], in_headers text[], in_lives_ms bigint[],
    in_dedup_keys text[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcomes := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms,
    in_dedup_keys);
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
  watched := ${schema}.is_idle(in_queues);
END $$;

-- Enqueues in the caller's transaction: there if that commits, and then it rings.
CREATE FUNCTION ${schema}.enqueue_all(in_queues text[], in_payloads bytea[], in_priorities integer[] DEFAULT NULL,
    in_delays_ms bigint[] DEFAULT NULL, in_keys text[] DEFAULT NULL, in_headers text[] DEFAULT NULL,
    in_lives_ms bigint[] DEFAULT NULL, in_dedup_keys text[] DEFAULT NULL) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcomes ${schema}.outcome[] := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers,
    in_lives_ms, in_dedup_keys);
BEGIN
  IF ${schema}.is_idle(in_queues) THEN
    PERFORM ${schema}.ring_idle(array_agg(a.name), array_agg(a.number))
      FROM (SELECT name, count(*)::integer AS number FROM unnest(in_queues) AS name GROUP BY name) AS a;
  END IF;
  RETURN outcomes;
END $$;

-- The same for one message, as one writes it by hand. Returns its number, or that of the one it would be a duplicate of.
CREATE FUNCTION ${schema}.enqueue(in_queue text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_key text DEFAULT NULL, in_headers text[] DEFAULT NULL, in_life interval DEFAULT NULL, in_dedup_key text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql AS $$
  SELECT (${schema}.enqueue_all(ARRAY[in_queue], ARRAY[in_payload],
    CASE WHEN in_priority IS NOT NULL THEN ARRAY[in_priority] END,
    CASE WHEN in_delay IS NOT NULL THEN ARRAY[(extract(epoch FROM in_delay) * 1000)::bigint] END,
    CASE WHEN in_key IS NOT NULL THEN ARRAY[in_key] END,
    CASE WHEN in_headers IS NOT NULL THEN ARRAY[in_headers::text] END,
    CASE WHEN in_life IS NOT NULL THEN ARRAY[(extract(epoch FROM in_life) * 1000)::bigint] END,
    CASE WHEN in_dedup_key IS NOT NULL THEN ARRAY[in_dedup_key] END))[1].czxid
$$;

-- Whether somebody sleeps who is to be rung for these queues. From here to its end the transaction counts as one that enqueues, so
-- nobody goes to sleep meanwhile without knowing.
CREATE FUNCTION ${schema}.is_idle(in_queues text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${schema}.queue_lock(in_queues[1]));
  IF cardinality(in_queues) > 1 THEN
    PERFORM pg_advisory_xact_lock_shared(${schema}.queue_lock(name))
      FROM (SELECT DISTINCT name FROM unnest(in_queues) AS name ORDER BY name) AS several;
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.idle i WHERE i.queue = ANY (in_queues));
END $$;

CREATE FUNCTION ${schema}.queue_lock(in_queue text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended('${schema}.queue.' || in_queue, 0) $$;

CREATE FUNCTION ${schema}.message_key_lock(in_queue integer, in_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended('${schema}.key.' || in_queue || '.' || in_key, 0) $$;

-- Rings sleeping consumers, for each queue as many as are given for it, and takes them out. Not flushed: after the commit of what
-- they are rung for, in a transaction of its own; or in a caller's transaction, and then when that commits.
CREATE FUNCTION ${schema}.ring_idle(in_queues text[], in_numbers integer[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('${schema}:' || woken.session, 'queue ' || woken.queue)
    FROM unnest(in_queues, in_numbers) AS a (queue, number),
      LATERAL ${schema}.wake(a.queue, a.number) AS woken (queue, session);
END $$;

CREATE FUNCTION ${schema}.wake(in_queue text, in_number integer) RETURNS TABLE (queue text, session bigint)
LANGUAGE sql AS $$
  DELETE FROM ${schema}.idle i USING (
      SELECT s.queue, s.session FROM ${schema}.idle s WHERE s.queue = in_queue
        ORDER BY s.session LIMIT in_number FOR UPDATE SKIP LOCKED) w
    WHERE i.queue = w.queue AND i.session = w.session RETURNING i.queue, i.session
$$;

-- Deduplicated messages, one after the other: null for each that is new or has no such key, or the number of the one that is there already. A new key
-- counts from now on, for the queue's window; whoever enqueues the same key meanwhile waits for this transaction.
CREATE FUNCTION ${schema}.dedup_seen(in_queue text, in_key text, in_id bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  seen bigint;
BEGIN
  IF in_key IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO ${schema}.dedup AS d
    SELECT q.id, in_key, in_id, clock_timestamp() + q.window_ms * interval '1 ms' FROM ${schema}.queue q WHERE q.name = in_queue
    ON CONFLICT (queue, key) DO UPDATE SET id = excluded.id, until = excluded.until WHERE d.until <= clock_timestamp();
  IF NOT FOUND THEN
    SELECT d.id INTO seen FROM ${schema}.dedup d JOIN ${schema}.queue q ON q.id = d.queue WHERE q.name = in_queue AND d.key = in_key;
  END IF;
  RETURN seen;
END $$;

-- Taking.

-- Takes messages for a session: first what it has done is acked (`in_done`: whole claims; `in_done_claims`, `in_done_ids`: single
-- messages of claims), then at most in_count messages are claimed, under in_claim or, if they are to be `apart`, each under a number of
-- its own from there on. Answers with a row for each message, or one without a message if there is none:
--
--   claim   the number of the call's first claim
--   refused the ids (of whole claims: their numbers) that could not be acked, because they are no longer this session's
--   asleep  the session is registered to be rung, because in_sleep asked for it and nothing was there
--   next_ms when the next message of this queue has its time, if nothing was there
--
-- If the reply was lost it is to be asked again, with in_again.
CREATE FUNCTION ${schema}.take(in_session bigint, in_claim bigint, in_queue text, in_count integer, in_lease_ms bigint,
    in_apart boolean, in_done bigint[], in_done_claims bigint[], in_done_ids bigint[], in_sleep boolean, in_again boolean)
RETURNS TABLE (refused bigint[], asleep boolean, next_ms bigint, claim bigint, message ${schema}.message)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  source ${schema}.queue;
  looked boolean := pg_advisory_xact_lock_shared(hashtextextended('${schema}.owner.' || in_session, 0)) IS NULL;
  acks   boolean := in_done IS NOT NULL OR in_done_claims IS NOT NULL;
BEGIN
  IF in_again THEN
    RETURN QUERY SELECT * FROM ${schema}.claimed(in_session, in_claim, CASE WHEN in_apart THEN in_count ELSE 1 END);
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  IF acks THEN
    refused := ${schema}._ack(in_session, in_done, in_done_claims, in_done_ids);
  END IF;
  WHILE in_count > 0 LOOP
    RETURN QUERY
      WITH gone AS (
        DELETE FROM ${schema}.message m
          WHERE m.ctid = ANY (ARRAY(
            SELECT first.ctid
              FROM (SELECT l.* FROM ${schema}.queue q, ${schema}.lane l
                  WHERE q.name = in_queue AND NOT q.keyed AND q.paused IS NULL AND l.queue = q.id
                    AND (in_session = 0 OR EXISTS (SELECT FROM ${schema}.session s
                      WHERE s.id = in_session AND (s.renewed + s.lease_ms * interval '1 ms' > clock_timestamp()
                        OR ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp())))
                  ORDER BY l.lane DESC) l,
                LATERAL (SELECT w.ctid FROM ${schema}.message w
                  WHERE w.queue = l.queue AND w.lane = l.lane AND w.id >= l.low AND (w.expires IS NULL OR w.expires > clock_timestamp())
                  ORDER BY w.id LIMIT in_count FOR UPDATE SKIP LOCKED) first
              LIMIT in_count))
          RETURNING m
      ), claimed AS (
        INSERT INTO ${schema}.claim
          SELECT in_session, in_claim, min((m).queue), clock_timestamp(), clock_timestamp() + in_lease_ms * interval '1 ms', false,
              array_agg((m).id), take.refused, array_agg(m)
            FROM gone HAVING count(*) > 0
      )
      SELECT take.refused, false, NULL::bigint, in_claim, m FROM gone ORDER BY (m).lane DESC, (m).id;
    IF FOUND THEN
      IF in_apart THEN
        PERFORM ${schema}.claim_part(in_session, in_claim);
      END IF;
      RETURN;
    END IF;
    IF source IS NULL THEN
      source := ${schema}.queue_for(in_session, in_queue);
    END IF;
    IF source.keyed AND source.paused IS NULL THEN
      RETURN QUERY SELECT take.refused, false, NULL::bigint, in_claim, m
        FROM ${schema}._take_keyed(in_session, in_claim, source.id, in_count, in_lease_ms, take.refused) AS m;
      IF FOUND THEN
        IF in_apart THEN
          PERFORM ${schema}.claim_part(in_session, in_claim);
        END IF;
        RETURN;
      END IF;
    END IF;
    EXIT WHEN looked OR NOT in_sleep OR NOT pg_try_advisory_xact_lock(${schema}.queue_lock(in_queue));
    looked := true;
  END LOOP;
  asleep := looked AND (NOT source.keyed OR source.paused IS NOT NULL OR NOT ${schema}.is_waiting(source.id));
  IF asleep THEN
    INSERT INTO ${schema}.idle VALUES (in_queue, in_session) ON CONFLICT DO NOTHING;
  END IF;
  IF acks THEN
    INSERT INTO ${schema}.claim VALUES (in_session, in_claim, coalesce(source.id, 0), clock_timestamp(), NULL, false, '{}', refused, NULL);
  END IF;
  next_ms := ${schema}.next_time(source.id);
  claim := in_claim;
  RETURN NEXT;
END $$;

-- Gives each message of a claim a claim of its own: the first keeps the number, the others have those that follow.
CREATE FUNCTION ${schema}.claim_part(in_session bigint, in_claim bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  c ${schema}.claim;
BEGIN
  DELETE FROM ${schema}.claim d WHERE d.session = in_session AND d.number = in_claim RETURNING d.* INTO c;
  INSERT INTO ${schema}.claim
    SELECT in_session, in_claim + p.place - 1, c.queue, c.taken, c.until, c.keyed, ARRAY[p.id], CASE WHEN p.place = 1 THEN c.refused END,
        ARRAY[ROW(p.id, p.queue, p.lane, p.priority, p.tries, p.enqueued, p.due, p.expires, p.key, p.headers, p.error, p.payload)
          ::${schema}.message]
      FROM (SELECT m.*, row_number() OVER (ORDER BY m.lane DESC, m.id) AS place FROM unnest(c.messages) AS m) p;
END $$;

-- The queue to take from, if the session may: fails if there is no such queue, or no such session any more.
CREATE FUNCTION ${schema}.queue_for(in_session bigint, in_queue text) RETURNS ${schema}.queue
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  SELECT * INTO q FROM ${schema}.queue WHERE name = in_queue;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no queue "%"', in_queue USING ERRCODE = 'PK004',
      HINT = 'Make it with queue_create, or check the spelling.';
  ELSIF in_session <> 0 AND NOT EXISTS (SELECT FROM ${schema}.session s
      WHERE s.id = in_session AND ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp()) THEN
    RAISE EXCEPTION 'session % has ended', in_session USING ERRCODE = 'PK006';
  END IF;
  RETURN q;
END $$;

-- Milliseconds until a message of this queue is due, or its time is over; null if none has a time.
CREATE FUNCTION ${schema}.next_time(in_queue integer) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(0, extract(epoch FROM least(m.due, m.expires) - clock_timestamp()) * 1000)::bigint FROM ${schema}.message m
    WHERE m.queue = in_queue AND (m.due IS NOT NULL OR m.expires IS NOT NULL) ORDER BY least(m.due, m.expires) LIMIT 1
$$;

-- What the call that made this claim, and the in_count - 1 that follow it, answered.
CREATE FUNCTION ${schema}.claimed(in_session bigint, in_claim bigint, in_count integer)
RETURNS TABLE (refused bigint[], asleep boolean, next_ms bigint, claim bigint, message ${schema}.message)
LANGUAGE sql STABLE AS $$
  SELECT first.refused, false, NULL::bigint, in_claim, m
    FROM ${schema}.claim first
      JOIN ${schema}.claim c ON c.session = first.session AND c.number BETWEEN in_claim AND in_claim + in_count - 1
      LEFT JOIN LATERAL unnest(c.messages) AS m ON true
    WHERE first.session = in_session AND first.number = in_claim
    ORDER BY c.number, (m).lane DESC, (m).id
$$;

-- Takes from a queue that has keys: of each key one message at a time, in their order. A message that is met before its turn goes
-- behind: out of its lane, until the key is free.
CREATE FUNCTION ${schema}._take_keyed(in_session bigint, in_claim bigint, in_queue integer, in_count integer, in_lease_ms bigint,
    in_refused bigint[]) RETURNS SETOF ${schema}.message
LANGUAGE plpgsql AS $$
DECLARE
  found_here integer;
  free_keys  text[];
  spots      tid[];
  early      tid[];
  taken      ${schema}.message[] := '{}';
  fresh      ${schema}.message[];
BEGIN
  LOOP
    spots := ARRAY(
      SELECT first.ctid
        FROM (SELECT l.* FROM ${schema}.lane l WHERE l.queue = in_queue ORDER BY l.lane DESC) l,
          LATERAL (SELECT w.ctid FROM ${schema}.message w
            WHERE w.queue = in_queue AND w.lane = l.lane AND w.id >= l.low AND (w.expires IS NULL OR w.expires > clock_timestamp())
            ORDER BY w.id LIMIT in_count + 20 FOR UPDATE SKIP LOCKED) first
        LIMIT in_count + 20);
    EXIT WHEN spots = '{}';
    free_keys := ARRAY(
      SELECT k.key FROM (SELECT DISTINCT m.key FROM ${schema}.message m WHERE m.ctid = ANY (spots) AND m.key IS NOT NULL) k
        WHERE pg_try_advisory_xact_lock(${schema}.message_key_lock(in_queue, k.key)));
    -- From here on nobody else changes anything about these keys; what was changed before is seen from here on.
    SELECT array_agg(c.ctid) FILTER (WHERE c.first), array_agg(c.ctid) FILTER (WHERE NOT c.first) INTO spots, early FROM (
      SELECT m.ctid, m.lane, m.id, m.key IS NULL OR NOT EXISTS (
          SELECT FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = m.key)
        AND NOT EXISTS (SELECT FROM ${schema}.message e
          WHERE e.queue = in_queue AND e.key = m.key AND e.id < m.id AND e.due IS NULL) AS first
        FROM ${schema}.message m WHERE m.ctid = ANY (spots) AND (m.key IS NULL OR m.key = ANY (free_keys))) c;
    found_here := coalesce(cardinality(early), 0);
    IF found_here > 0 THEN
      UPDATE ${schema}.message m SET lane = NULL WHERE m.ctid = ANY (early);
    END IF;
    WITH gone AS (
      DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
          SELECT f.ctid FROM ${schema}.message f WHERE f.ctid = ANY (spots) ORDER BY f.lane DESC, f.id
            LIMIT in_count - cardinality(taken))) RETURNING m
    ), turns AS (
      INSERT INTO ${schema}.key_turn SELECT in_queue, (m).key, (m).id FROM gone WHERE (m).key IS NOT NULL
    )
    SELECT coalesce(array_agg(m), '{}') INTO fresh FROM gone;
    taken := taken || fresh;
    EXIT WHEN cardinality(taken) >= in_count OR found_here = 0;
  END LOOP;
  IF taken <> '{}' THEN
    INSERT INTO ${schema}.claim
      SELECT in_session, in_claim, in_queue, clock_timestamp(), clock_timestamp() + in_lease_ms * interval '1 ms', true, array_agg((m).id),
          in_refused, taken FROM unnest(taken) AS m;
    RETURN QUERY SELECT m.* FROM unnest(taken) AS m ORDER BY m.lane DESC, m.id;
  END IF;
END $$;

-- Whether there is a message that could be taken if nobody else were at its key.
CREATE FUNCTION ${schema}.is_waiting(in_queue integer) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane IS NOT NULL
    AND (m.expires IS NULL OR m.expires > clock_timestamp()))
$$;

-- Takes messages in the caller's transaction: they are gone if it commits, and as they were if it does not; nobody else gets them meanwhile.
-- Not from a queue with keys: there, a message is taken first, and acked in the transaction.
CREATE FUNCTION ${schema}.take_now(in_queue text, in_count integer) RETURNS SETOF ${schema}.message
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  SELECT * INTO q FROM ${schema}.queue WHERE name = in_queue;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no queue "%"', in_queue USING ERRCODE = 'PK004',
      HINT = 'Make it with queue_create, or check the spelling.';
  ELSIF q.keyed THEN
    RAISE EXCEPTION 'the queue "%" has messages with keys, which cannot be taken in the caller''s transaction', in_queue
      USING ERRCODE = 'PK005', HINT = 'Take it first, and ack it in the transaction.';
  ELSIF q.paused IS NULL THEN
    RETURN QUERY
      WITH gone AS (
        DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
            SELECT first.ctid
              FROM (SELECT l.* FROM ${schema}.lane l WHERE l.queue = q.id ORDER BY l.lane DESC) l,
                LATERAL (SELECT w.ctid FROM ${schema}.message w
                  WHERE w.queue = l.queue AND w.lane = l.lane AND w.id >= l.low AND (w.expires IS NULL OR w.expires > clock_timestamp())
                  ORDER BY w.id LIMIT in_count FOR UPDATE SKIP LOCKED) first
              LIMIT in_count)) RETURNING m.*
      )
      SELECT * FROM gone g ORDER BY g.lane DESC, g.id;
  END IF;
END $$;

-- Acking and giving back.

-- Acks whole claims, and single messages of others; returns those that could not be, because they are no longer this session's: the
-- numbers of the claims, the ids of the messages; null if there is none.
CREATE FUNCTION ${schema}._ack(in_session bigint, in_done bigint[], in_done_claims bigint[], in_done_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  c       ${schema}.claim;
  part    record;
  acked   bigint[];
  freed   ${schema}.message[];
  refused bigint[];
BEGIN
  IF cardinality(in_done) = 1 AND in_done_claims IS NULL THEN
    -- Mostly it is one claim as a whole, and this much is quick.
    DELETE FROM ${schema}.claim d WHERE d.session = in_session AND d.number = in_done[1] AND NOT d.keyed;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  FOR c IN DELETE FROM ${schema}.claim d WHERE d.session = in_session AND d.number = ANY (in_done) RETURNING d.* LOOP
    acked := acked || c.number;
    IF c.keyed THEN
      freed := freed || ${schema}.messages_of(c, c.ids);
    END IF;
  END LOOP;
  IF cardinality(acked) IS DISTINCT FROM cardinality(in_done) THEN
    refused := ARRAY(SELECT n FROM unnest(in_done) AS n WHERE n <> ALL (coalesce(acked, '{}')));
  END IF;
  FOR part IN SELECT p.claim, array_agg(p.id) AS ids FROM unnest(in_done_claims, in_done_ids) AS p (claim, id)
      GROUP BY p.claim ORDER BY p.claim LOOP
    c := ${schema}.claim_reduce(in_session, part.claim, part.ids);
    IF c.ids IS DISTINCT FROM part.ids THEN
      refused := refused || ARRAY(SELECT i FROM unnest(part.ids) AS i WHERE i <> ALL (coalesce(c.ids, '{}')));
    END IF;
    IF c.keyed THEN
      freed := freed || ${schema}.messages_of(c, c.ids);
    END IF;
  END LOOP;
  IF freed IS NOT NULL THEN
    PERFORM ${schema}.key_free(f.queue, f.key, f.id) FROM unnest(freed) AS f WHERE f.key IS NOT NULL
      ORDER BY ${schema}.message_key_lock(f.queue, f.key);
  END IF;
  RETURN nullif(refused, '{}');
END $$;

-- The messages of a claim with these ids.
CREATE FUNCTION ${schema}.messages_of(c ${schema}.claim, in_ids bigint[]) RETURNS ${schema}.message[]
LANGUAGE sql STABLE AS $$
  SELECT array_agg(m) FROM unnest(c.messages) AS m WHERE (m).id = ANY (in_ids)
$$;

-- Takes messages out of a claim, and deletes it with the last one. Returns the claim with those ids that it had of them.
CREATE FUNCTION ${schema}.claim_reduce(in_session bigint, in_claim bigint, in_ids bigint[]) RETURNS ${schema}.claim
LANGUAGE plpgsql AS $$
DECLARE
  c    ${schema}.claim;
  rest bigint[];
BEGIN
  SELECT * INTO c FROM ${schema}.claim l WHERE l.session = in_session AND l.number = in_claim FOR UPDATE;
  IF FOUND THEN
    rest := ARRAY(SELECT i FROM unnest(c.ids) AS i WHERE i <> ALL (in_ids));
    IF rest = '{}' THEN
      DELETE FROM ${schema}.claim l WHERE l.session = in_session AND l.number = in_claim;
    ELSIF cardinality(rest) < cardinality(c.ids) THEN
      UPDATE ${schema}.claim l SET ids = rest WHERE l.session = in_session AND l.number = in_claim;
    END IF;
    c.ids := ARRAY(SELECT i FROM unnest(in_ids) AS i WHERE i = ANY (c.ids));
  END IF;
  RETURN c;
END $$;

-- Acks a message in the caller's transaction: it is gone if that commits. Fails with PK003, and so fails the transaction, if the message is
-- no longer this session's (0: taken by take_leased).
CREATE FUNCTION ${schema}.ack(in_claim bigint, in_id bigint, in_session bigint DEFAULT 0) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF ${schema}._ack(in_session, NULL, ARRAY[in_claim], ARRAY[in_id]) IS NOT NULL THEN
    RAISE EXCEPTION 'message % is no longer claimed as %', in_id, in_claim USING ERRCODE = 'PK003',
      HINT = 'Its lease or its session ended, or it was acked or given back. Nothing of this transaction may be committed.';
  END IF;
END $$;

-- A message is done with: if it had its key's turn, the turn is over. Where nobody has it, the first message that waits behind comes
-- back to its place, and is rung for.
CREATE FUNCTION ${schema}.key_free(in_queue integer, in_key text, in_id bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  next ${schema}.message;
BEGIN
  PERFORM pg_advisory_xact_lock(${schema}.message_key_lock(in_queue, in_key));
  DELETE FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = in_key AND t.id = in_id;
  IF EXISTS (SELECT FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = in_key) THEN
    RETURN;
  END IF;
  SELECT * INTO next FROM ${schema}.message m WHERE m.queue = in_queue AND m.key = in_key AND m.due IS NULL ORDER BY m.id LIMIT 1;
  IF next.lane IS NULL AND next.id IS NOT NULL THEN
    UPDATE ${schema}.message m SET lane = m.priority WHERE m.queue = in_queue AND m.key = in_key AND m.id = next.id;
    PERFORM ${schema}.lane_reach(in_queue, next.priority, next.id);
    PERFORM ${schema}.ring_queue(in_queue, 1);
  END IF;
END $$;

-- Has a lane begin at this message at the latest. The row is locked first: whoever looks at the lane has not seen the message.
CREATE FUNCTION ${schema}.lane_reach(in_queue integer, in_lane smallint, in_id bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.lane l WHERE l.queue = in_queue AND l.lane = in_lane FOR NO KEY UPDATE;
  UPDATE ${schema}.lane l SET low = least(low, in_id), next_low = least(next_low, in_id)
    WHERE l.queue = in_queue AND l.lane = in_lane AND (l.low > in_id OR l.next_low > in_id);
END $$;

CREATE FUNCTION ${schema}.ring_queue(in_queue integer, in_number integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ring_idle(ARRAY[q.name], ARRAY[in_number]) FROM ${schema}.queue q
    WHERE q.id = in_queue AND EXISTS (SELECT FROM ${schema}.idle i WHERE i.queue = q.name);
END $$;

-- Puts messages of a claim back, or under the dead letters. How:
--   retry    it was tried and failed: again after the delay (null: the queue's backoff), or dead if that was the last try
--   gone     its consumer went away: the same, at once
--   release  it was not tried
--   dead     it is not to be tried again
CREATE FUNCTION ${schema}.give_back(in_messages ${schema}.message[], in_how text, in_delay_ms bigint, in_error text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m      ${schema}.message;
  q      ${schema}.queue;
  moment timestamptz := clock_timestamp();
  reason text;
BEGIN
  FOR m IN SELECT b.* FROM unnest(in_messages) AS b ORDER BY b.key IS NOT NULL, ${schema}.message_key_lock(b.queue, b.key), b.queue, b.id LOOP
    SELECT * INTO q FROM ${schema}.queue WHERE id = m.queue;
    IF m.key IS NOT NULL THEN
      PERFORM pg_advisory_xact_lock(${schema}.message_key_lock(m.queue, m.key));
    END IF;
    m.tries := m.tries + CASE WHEN in_how = 'release' THEN 0 ELSE 1 END;
    m.error := coalesce(in_error, m.error);
    reason := CASE WHEN in_how = 'dead' THEN 'given up'
      WHEN in_how <> 'release' AND m.tries >= q.most_tries THEN 'tried ' || m.tries || ' times'
      WHEN m.expires <= moment THEN 'its time was over' END;
    IF reason IS NOT NULL THEN
      PERFORM ${schema}.bury(m, reason);
    ELSE
      m.due := moment + nullif(CASE WHEN in_how <> 'retry' THEN 0 ELSE coalesce(in_delay_ms,
        least(q.longest_backoff_ms, q.backoff_ms * 2.0 ^ least(m.tries - 1, 40))::bigint) END, 0) * interval '1 ms';
      m.lane := CASE WHEN m.due IS NULL THEN m.priority END;
      INSERT INTO ${schema}.message SELECT m.*;
      IF m.due IS NULL THEN
        DELETE FROM ${schema}.key_turn t WHERE t.queue = m.queue AND t.key = m.key;
        PERFORM ${schema}.lane_reach(m.queue, m.lane, m.id);
      END IF;
      PERFORM ${schema}.ring_queue(m.queue, 1);
    END IF;
  END LOOP;
END $$;

-- Puts a message under the dead letters, and frees its key.
CREATE FUNCTION ${schema}.bury(m ${schema}.message, in_reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.dead_letter VALUES (m.queue, m.id, clock_timestamp(), in_reason, m);
  IF m.key IS NOT NULL THEN
    PERFORM ${schema}.key_free(m.queue, m.key, m.id);
  END IF;
END $$;

-- Gives messages back; returns the ids that could not be, because they are no longer this session's.
CREATE FUNCTION ${schema}._return(in_session bigint, in_claims bigint[], in_ids bigint[], in_hows text[], in_delays_ms bigint[],
    in_errors text[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  one     record;
  c       ${schema}.claim;
  refused bigint[];
BEGIN
  FOR one IN SELECT * FROM unnest(in_claims, in_ids, in_hows, in_delays_ms, in_errors) AS a (claim, id, how, delay_ms, error)
      ORDER BY a.claim, a.id LOOP
    c := ${schema}.claim_reduce(in_session, one.claim, ARRAY[one.id]);
    IF cardinality(c.ids) = 1 THEN
      PERFORM ${schema}.give_back(${schema}.messages_of(c, c.ids), one.how, one.delay_ms, one.error);
    ELSE
      refused := refused || one.id;
    END IF;
  END LOOP;
  RETURN refused;
END $$;

-- The same in a transaction of its own, numbered so that a lost reply can be settled: an outcome for each, ok or refused.
CREATE FUNCTION ${schema}.request_return(in_session bigint, in_slot integer, in_request bigint, in_claims bigint[], in_ids bigint[],
    in_hows text[], in_delays_ms bigint[], in_errors text[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  refused bigint[] := ${schema}._return(in_session, in_claims, in_ids, in_hows, in_delays_ms, in_errors);
  outcome ${schema}.outcome;
BEGIN
  FOR i IN 1 .. cardinality(in_ids) LOOP
    outcome.code := CASE WHEN in_ids[i] = ANY (refused) THEN 'refused' ELSE 'ok' END;
    outcome.czxid := in_ids[i];
    outcomes[i] := outcome;
  END LOOP;
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
  watched := false;
END $$;

-- Has a claim last until so long from now, instead of what was said before; null: as long as its session. False: it is no longer there.
CREATE FUNCTION ${schema}.extend(in_claim bigint, in_lease_ms bigint, in_session bigint DEFAULT 0) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF in_lease_ms <= 0 OR in_lease_ms IS NULL AND in_session = 0 THEN
    RAISE EXCEPTION 'a lease lasts longer than nothing, and without a session it has an end' USING ERRCODE = '22023';
  END IF;
  UPDATE ${schema}.claim c SET until = clock_timestamp() + in_lease_ms * interval '1 ms'
    WHERE c.session = in_session AND c.number = in_claim;
  RETURN FOUND;
END $$;

-- Gives a message of a claim a claim of its own, so that acking it in somebody's transaction keeps nobody from acking the others. May
-- be asked again. False: it is no longer in the claim.
CREATE FUNCTION ${schema}.claim_split(in_session bigint, in_claim bigint, in_id bigint, in_new bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  c ${schema}.claim := ${schema}.claim_reduce(in_session, in_claim, ARRAY[in_id]);
BEGIN
  IF cardinality(c.ids) = 1 THEN
    INSERT INTO ${schema}.claim VALUES (in_session, in_new, c.queue, c.taken, c.until, c.keyed, c.ids, NULL,
      ${schema}.messages_of(c, c.ids));
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.claim n WHERE n.session = in_session AND n.number = in_new);
END $$;

-- All that a session that ends had claimed goes back at once.
CREATE FUNCTION ${schema}.claims_return(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  back ${schema}.message[];
  c    ${schema}.claim;
BEGIN
  DELETE FROM ${schema}.idle i WHERE i.session = in_session;
  FOR c IN DELETE FROM ${schema}.claim d WHERE d.session = in_session RETURNING d.* LOOP
    back := back || ${schema}.messages_of(c, c.ids);
  END LOOP;
  IF back IS NOT NULL THEN
    PERFORM ${schema}.give_back(back, 'gone', 0, 'the session of its consumer ended');
  END IF;
END $$;

-- Gives back claims of a session that its client knows nothing of: their calls were given up, and came all the same. Returns how many.
CREATE FUNCTION ${schema}.claims_forget(in_session bigint, in_known bigint[], in_before bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  c         ${schema}.claim;
  forgotten integer := 0;
BEGIN
  FOR c IN DELETE FROM ${schema}.claim d
      WHERE d.session = in_session AND d.number < in_before AND d.number <> ALL (in_known) RETURNING d.* LOOP
    PERFORM ${schema}.give_back(${schema}.messages_of(c, c.ids), 'release', 0, NULL);
    forgotten := forgotten + 1;
  END LOOP;
  RETURN forgotten;
END $$;

-- What is to be done from time to time for queues that are in use, by whoever uses them; how often, the library decides.
--   Messages that are due get their place, those whose time is over go under the dead letters, at most 500 of each queue.
--   Claims whose end is over go back.
--   Lanes are looked at as a whole, if nobody did within the last second (or twenty times as long as it took then).
-- Returns for each queue the milliseconds until the next message is due; null if there is none.
CREATE FUNCTION ${schema}.queue_tidy(in_queues text[]) RETURNS TABLE (queue text, next_ms bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.claims_expire();
  FOR q IN SELECT * FROM ${schema}.queue a WHERE a.name = ANY (in_queues) ORDER BY a.id LOOP
    PERFORM ${schema}.messages_advance(q.id);
    PERFORM ${schema}.lanes_look(q.id);
    queue := q.name;
    next_ms := ${schema}.next_time(q.id);
    RETURN NEXT;
  END LOOP;
END $$;

-- What a client does now and then for all queues at which it waits, in one call: the above; its claims that it knows nothing of are
-- forgotten; and where rings reach it (in_sleeps), it is registered to be rung, in case a ring or a crash took it out without its
-- knowing. `waiting`: there is something to take.
CREATE FUNCTION ${schema}.queue_sweep(in_session bigint, in_queues text[], in_sleeps boolean, in_known bigint[], in_before bigint)
RETURNS TABLE (queue text, next_ms bigint, waiting boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('${schema}.owner.' || in_session, 0));
  PERFORM ${schema}.claims_forget(in_session, in_known, in_before);
  IF in_sleeps AND EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session) THEN
    INSERT INTO ${schema}.idle SELECT a.name, in_session FROM unnest(in_queues) AS a (name) ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT t.queue, t.next_ms, q.paused IS NULL AND ${schema}.is_waiting(q.id)
    FROM ${schema}.queue_tidy(in_queues) t JOIN ${schema}.queue q ON q.name = t.queue;
END $$;

CREATE FUNCTION ${schema}.claims_expire() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  c ${schema}.claim;
BEGIN
  FOR c IN SELECT * FROM ${schema}.claim o WHERE o.until <= clock_timestamp() ORDER BY o.session, o.number LIMIT 100
      FOR UPDATE SKIP LOCKED LOOP
    DELETE FROM ${schema}.claim d WHERE d.session = c.session AND d.number = c.number;
    PERFORM ${schema}.give_back(${schema}.messages_of(c, c.ids), 'gone', 0, 'its lease was over');
  END LOOP;
END $$;

CREATE FUNCTION ${schema}.messages_advance(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m ${schema}.message;
BEGIN
  FOR m IN
    SELECT * FROM ${schema}.message w
      WHERE w.queue = in_queue AND (w.due IS NOT NULL OR w.expires IS NOT NULL) AND least(w.due, w.expires) <= clock_timestamp()
      ORDER BY least(w.due, w.expires) LIMIT 500 FOR UPDATE SKIP LOCKED
  LOOP
    CONTINUE WHEN m.key IS NOT NULL AND NOT pg_try_advisory_xact_lock(${schema}.message_key_lock(in_queue, m.key));
    IF m.expires <= clock_timestamp() THEN
      DELETE FROM ${schema}.message d WHERE d.queue = in_queue AND d.lane IS NOT DISTINCT FROM m.lane AND d.id = m.id;
      PERFORM ${schema}.bury(m, 'its time was over');
    ELSE
      UPDATE ${schema}.message u SET lane = u.priority, due = NULL WHERE u.queue = in_queue AND u.lane IS NULL AND u.id = m.id;
      DELETE FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = m.key AND t.id = m.id;
      PERFORM ${schema}.lane_reach(in_queue, m.priority, m.id);
      PERFORM ${schema}.ring_queue(in_queue, 1);
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION ${schema}.lanes_look(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  here  smallint;
  began timestamptz;
  least_now bigint;
BEGIN
  FOR here IN SELECT l.lane FROM ${schema}.lane l WHERE l.queue = in_queue AND l.look_at <= clock_timestamp() ORDER BY l.lane
      FOR NO KEY UPDATE SKIP LOCKED LOOP
    began := clock_timestamp();
    SELECT last_value << 10 INTO least_now FROM ${schema}.zxid;
    least_now := least(least_now, (
      SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = here ORDER BY m.id LIMIT 1));
    UPDATE ${schema}.lane l SET low = least(l.next_low, least_now), next_low = least_now,
        look_at = clock_timestamp() + greatest(interval '1 s', 20 * (clock_timestamp() - began))
      WHERE l.queue = in_queue AND l.lane = here;
  END LOOP;
END $$;

-- What administrators do.

-- The next messages that would be taken, without taking them.
CREATE FUNCTION ${schema}.peek(in_queue text, in_count integer DEFAULT 1) RETURNS SETOF ${schema}.message
LANGUAGE sql STABLE AS $$
  SELECT m.* FROM ${schema}.queue q JOIN ${schema}.message m ON m.queue = q.id
    WHERE q.name = in_queue AND m.lane IS NOT NULL AND (m.expires IS NULL OR m.expires > clock_timestamp())
    ORDER BY m.lane DESC, m.id LIMIT in_count
$$;

-- How many messages of a queue are where; no row: there is no such queue.
CREATE FUNCTION ${schema}.queue_size(in_queue text)
RETURNS TABLE (ready bigint, delayed bigint, behind bigint, claimed bigint, dead bigint)
LANGUAGE sql STABLE AS $$
  SELECT (SELECT count(*) FROM ${schema}.message m WHERE m.queue = q.id AND m.lane IS NOT NULL),
      (SELECT count(*) FROM ${schema}.message m WHERE m.queue = q.id AND m.lane IS NULL AND m.due IS NOT NULL),
      (SELECT count(*) FROM ${schema}.message m WHERE m.queue = q.id AND m.lane IS NULL AND m.due IS NULL),
      (SELECT coalesce(sum(cardinality(c.ids)), 0) FROM ${schema}.claim c WHERE c.queue = q.id),
      (SELECT count(*) FROM ${schema}.dead_letter d WHERE d.queue = q.id)
    FROM ${schema}.queue q WHERE q.name = in_queue
$$;

-- Null: there is no such queue.
CREATE FUNCTION ${schema}.is_paused(in_queue text) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT q.paused IS NOT NULL FROM ${schema}.queue q WHERE q.name = in_queue $$;

-- The oldest dead letters of a queue.
CREATE FUNCTION ${schema}.dead_letters(in_queue text, in_count integer DEFAULT 100) RETURNS SETOF ${schema}.dead_letter
LANGUAGE sql STABLE AS $$
  SELECT d.* FROM ${schema}.queue q JOIN ${schema}.dead_letter d ON d.queue = q.id WHERE q.name = in_queue ORDER BY d.id LIMIT in_count
$$;

-- Nobody takes anything from a paused queue; what was taken can still be acked. False: there is no such queue, or it was paused.
CREATE FUNCTION ${schema}.pause(in_queue text) RETURNS boolean
LANGUAGE sql AS $$
  WITH paused AS (
    UPDATE ${schema}.queue q SET paused = clock_timestamp() WHERE q.name = in_queue AND q.paused IS NULL RETURNING q.id
  )
  SELECT EXISTS (SELECT FROM paused)
$$;

-- False: there is no such queue, or it was not paused.
CREATE FUNCTION ${schema}.resume(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET paused = NULL WHERE q.name = in_queue AND q.paused IS NOT NULL;
  IF FOUND THEN
    PERFORM pg_advisory_xact_lock_shared(${schema}.queue_lock(in_queue));
    PERFORM ${schema}.ring_idle(ARRAY[in_queue], ARRAY[1000]);
    RETURN true;
  END IF;
  RETURN false;
END $$;

-- Deletes at most so many waiting messages, and returns how many; call it until it returns 0. What is claimed or dead stays.
CREATE FUNCTION ${schema}.purge(in_queue text, in_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  gone   ${schema}.message;
  purged integer := 0;
BEGIN
  FOR gone IN
    DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
        SELECT w.ctid FROM ${schema}.queue q JOIN ${schema}.message w ON w.queue = q.id WHERE q.name = in_queue
          LIMIT in_most FOR UPDATE OF w SKIP LOCKED)) RETURNING m.*
  LOOP
    purged := purged + 1;
    IF gone.key IS NOT NULL THEN
      PERFORM ${schema}.key_free(gone.queue, gone.key, gone.id);
    END IF;
  END LOOP;
  RETURN purged;
END $$;

-- Has dead letters of a queue wait again, as if they had never been tried: those with the given ids, or all; only those that died longer ago than
-- in_older, if that is given; at most so many. Returns how many.
CREATE FUNCTION ${schema}.redrive(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL,
    in_most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  m       ${schema}.message;
  redriven integer := 0;
BEGIN
  FOR m IN
    WITH raised AS (
      DELETE FROM ${schema}.dead_letter d WHERE d.ctid = ANY (ARRAY(
          SELECT l.ctid FROM ${schema}.queue q JOIN ${schema}.dead_letter l ON l.queue = q.id
            WHERE q.name = in_queue AND (in_ids IS NULL OR l.id = ANY (in_ids))
              AND (in_older IS NULL OR l.died < clock_timestamp() - in_older)
            ORDER BY l.id LIMIT in_most FOR UPDATE OF l SKIP LOCKED)) RETURNING d.message
    )
    SELECT (message).* FROM raised ORDER BY (message).id
  LOOP
    m.tries := 0;
    m.expires := NULL;
    m.due := NULL;
    m.lane := m.priority;
    INSERT INTO ${schema}.message SELECT m.*;
    PERFORM ${schema}.lane_reach(m.queue, m.lane, m.id);
    redriven := redriven + 1;
  END LOOP;
  IF redriven > 0 THEN
    PERFORM pg_advisory_xact_lock_shared(${schema}.queue_lock(in_queue));
    PERFORM ${schema}.ring_queue(m.queue, redriven);
  END IF;
  RETURN redriven;
END $$;

-- Deletes dead letters: those with the given ids, or all that died longer ago than in_older. Returns how many.
CREATE FUNCTION ${schema}.discard(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL) RETURNS integer
LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM ${schema}.dead_letter d USING ${schema}.queue q
      WHERE q.name = in_queue AND d.queue = q.id AND (in_ids IS NULL OR d.id = ANY (in_ids))
        AND (in_older IS NULL OR d.died < clock_timestamp() - in_older) RETURNING d.id
  )
  SELECT count(*)::integer FROM gone
$$;

-- Takes messages for a caller without a session: each is claimed under a number of its own until the lease is over. Ack them with
-- ack(claim, id), give them back with give_back_one, have them longer with extend.
CREATE FUNCTION ${schema}.take_leased(in_queue text, in_count integer, in_lease interval)
RETURNS TABLE (claim bigint, id bigint, tries integer, key text, headers text[], enqueued timestamptz, payload bytea)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  first bigint := ${schema}.next_zxid() << 10;
BEGIN
  IF NOT coalesce(in_count BETWEEN 1 AND 1000 AND in_lease > interval '0', false) THEN
    RAISE EXCEPTION 'take 1 to 1,000 messages for longer than nothing' USING ERRCODE = '22023';
  END IF;
  PERFORM ${schema}.queue_tidy(ARRAY[in_queue]);
  PERFORM set_config('synchronous_commit', 'on', true);
  RETURN QUERY
    SELECT t.claim, (t.message).id, (t.message).tries + 1, (t.message).key, (t.message).headers, (t.message).enqueued, (t.message).payload
      FROM ${schema}.take(0, first, in_queue, in_count, (extract(epoch FROM in_lease) * 1000)::bigint, true, NULL, NULL, NULL, false,
        false) t
      WHERE (t.message).id IS NOT NULL;
END $$;

-- Gives back a message that was taken by take_leased: again after the delay (null: the queue's backoff), or never. False: the lease was over.
CREATE FUNCTION ${schema}.nack(in_claim bigint, in_id bigint, in_error text DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_again boolean DEFAULT true) RETURNS boolean
LANGUAGE sql AS $$
  SELECT ${schema}._return(0, ARRAY[in_claim], ARRAY[in_id], ARRAY[CASE WHEN in_again THEN 'retry' ELSE 'dead' END],
    ARRAY[(extract(epoch FROM in_delay) * 1000)::bigint], ARRAY[in_error]) IS NULL
$$;

-- Topics: what is published goes to every subscription, and each is a queue of its own.

-- Makes a subscription: the queue <topic>/<name>, which has what is published from now on.
CREATE FUNCTION ${schema}.subscribe(in_topic text, in_name text) RETURNS text
LANGUAGE sql AS $$
  SELECT in_topic || '/' || in_name FROM ${schema}.queue_create(in_topic || '/' || in_name, in_topic => in_topic)
$$;

-- Ends a subscription, with all its messages. False: there was none.
CREATE FUNCTION ${schema}.unsubscribe(in_topic text, in_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.queue q WHERE q.name = in_topic || '/' || in_name AND q.topic = in_topic)
    AND ${schema}.queue_drop(in_topic || '/' || in_name);
END $$;

-- Deletes a queue with all its messages. False: there is none.
CREATE FUNCTION ${schema}.queue_drop(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM ${schema}.queue q WHERE q.name = in_queue RETURNING q.id INTO gone;
  DELETE FROM ${schema}.claim c WHERE c.queue = gone;
  DELETE FROM ${schema}.message m WHERE m.queue = gone;
  DELETE FROM ${schema}.dead_letter d WHERE d.queue = gone;
  DELETE FROM ${schema}.key_turn t WHERE t.queue = gone;
  DELETE FROM ${schema}.dedup d WHERE d.queue = gone;
  DELETE FROM ${schema}.lane l WHERE l.queue = gone;
  RETURN gone IS NOT NULL;
END $$;

-- Which queues get what is published under a topic.
CREATE FUNCTION ${schema}.subscriptions(in_topic text) RETURNS SETOF text
LANGUAGE sql STABLE AS $$ SELECT q.name FROM ${schema}.queue q WHERE q.topic = in_topic ORDER BY q.id $$;

-- Publishes one message, in the caller's transaction. Returns how many subscriptions it went to.
CREATE FUNCTION ${schema}.publish(in_topic text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_key text DEFAULT NULL, in_headers text[] DEFAULT NULL, in_life interval DEFAULT NULL) RETURNS integer
LANGUAGE sql AS $$
  SELECT count(${schema}.enqueue(s, in_payload, in_priority, in_delay, in_key, in_headers, in_life))::integer
    FROM ${schema}.subscriptions(in_topic) AS s
$$;

CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE AS $$ SELECT 10, 6 $$;

SELECT ${schema}.grant_all();
