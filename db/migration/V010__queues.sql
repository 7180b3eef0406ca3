-- Queues. A message is in one place at a time, and moves in one transaction, so none is lost and none is there twice:
--
--   message      it waits: in the lane of its priority for its turn; behind another one of its key; or until it is due
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
--   message (new ones, or SKIP LOCKED), lanes by number (advisory and shared, then the row where it has to change), queues
--   (advisory, shared). Nobody who only tries to get one of these waits for anything afterwards, so no two wait for each other.
--
-- A claim lasts as long as its session, so that working on something for an hour costs no renewals; or until a moment, where it
-- was taken so. Crash after take: the claim goes with its session, and its messages are at once in their places again. After
-- the commit of an ack, before the reply: the client asks again, and the claim of the same number proves that it was done.
--
-- One key at a time. `key_turn` has the keys of which a message is claimed, or waits to be tried again. Whoever takes, frees or
-- sends back messages of a key holds its advisory lock; who has the choice only tries to get it. Among the messages of a key
-- none is taken before an earlier one: what take meets too early it puts behind, and whoever frees the key brings back the first.
-- So wherever messages are behind, somebody has the turn of their key, or the first of the key is in a lane.
--
-- Where dead rows cannot be cleaned up because somebody keeps a snapshot open, the lanes' beginnings are what every claim would
-- walk over. So a lane begins at `low`: where the first message was when somebody last looked at all of it, a second ago and
-- more, so that a transaction has to be longer than that for its messages to be found, and rung for, only at the next such look.
-- Whoever puts a message back lowers it. What is behind counts as if it were in every lane, so that bringing it back
-- changes no lane. Looks become rarer as they take longer.
--
-- Idle consumers stand in `idle`. Whoever enqueues rings as many as there are messages and takes them out; busy ones are never
-- rung. Going to sleep: under the queue's advisory lock, look once more and then register. If the lock is not free, somebody
-- enqueues just now: look again soon. A ring that is lost costs a sweep; so does what comes back because a transaction that
-- had taken it was rolled back.

SET LOCAL search_path = pg_catalog, pg_temp;

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
  idle_low     bigint NOT NULL DEFAULT 0,
  created      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX queue_topic ON ${schema}.queue (topic) WHERE topic IS NOT NULL;

-- Messages of one priority of a queue, highest first. No message of the lane is below `low` (as far as was known when it was looked
-- for), nor was below `next_low` at the last look.
CREATE TABLE ${schema}.lane (
  queue    integer NOT NULL,
  lane     smallint NOT NULL,
  low      bigint NOT NULL DEFAULT 0,
  next_low bigint NOT NULL DEFAULT 0,
  look_at  timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (queue, lane)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);

-- Numbers are given out in blocks of 1,024, one block for each zxid. `lane`: its priority while it waits for its turn, behind() while it
-- waits behind another one of its key, null while it is not due. `tries`: how often it was taken before. `headers`: name, value, name, …
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

-- The lane of what waits behind another message of its key.
CREATE FUNCTION ${schema}.behind() RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (-32768)::smallint;

CREATE UNIQUE INDEX message_place ON ${schema}.message (queue, lane, id);
CREATE INDEX message_time ON ${schema}.message (queue, least(due, expires)) WHERE due IS NOT NULL OR expires IS NOT NULL;
CREATE INDEX message_key ON ${schema}.message (queue, key, id) WHERE key IS NOT NULL;

-- The session is 0 where there is none (for callers in other languages); such a claim has an end. `refused` is what the call that made
-- it could not ack. A claim without messages proves that such a call was done; so does one that expired, until 'infinity'.
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

-- Queues that were dropped: what transactions that were under way leave behind is deleted for an hour.
CREATE TABLE ${schema}.dropped_queue (
  queue integer PRIMARY KEY,
  at    timestamptz NOT NULL
);

-- How many messages went where within a minute, as clients report it.
CREATE TABLE ${schema}.queue_tally (
  queue    integer NOT NULL,
  minute   timestamptz NOT NULL,
  enqueued bigint NOT NULL,
  taken    bigint NOT NULL,
  acked    bigint NOT NULL,
  returned bigint NOT NULL,
  died     bigint NOT NULL,
  PRIMARY KEY (queue, minute)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Who sleeps until something is enqueued. Unlogged: after a crash, everybody looks for themselves. Numbers grow, and none of a queue is
-- below its `idle_low`: where those that are gone cannot be cleaned up, nobody has to walk over them.
CREATE SEQUENCE ${schema}.idle_number;
CREATE UNLOGGED TABLE ${schema}.idle (
  queue   text COLLATE "C" NOT NULL,
  number  bigint NOT NULL DEFAULT nextval('${schema}.idle_number'),
  session bigint NOT NULL,
  PRIMARY KEY (queue, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX idle_session ON ${schema}.idle (session);

-- Makes a queue, or changes what is given of its settings; null leaves what is there, or the default.
CREATE FUNCTION ${schema}.queue_create(in_queue text, in_most_tries integer DEFAULT NULL, in_backoff_ms bigint DEFAULT NULL,
    in_longest_backoff_ms bigint DEFAULT NULL, in_window_ms bigint DEFAULT NULL, in_most_bytes integer DEFAULT NULL,
    in_topic text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT coalesce(octet_length(in_queue) BETWEEN 1 AND 500 AND in_queue !~ '[[:cntrl:]]', false)
      OR in_most_tries < 1 OR in_most_bytes < 0 OR NOT coalesce(in_backoff_ms, 0) BETWEEN 0 AND 3155760000000
      OR NOT coalesce(in_longest_backoff_ms, 0) BETWEEN 0 AND 3155760000000 OR NOT coalesce(in_window_ms, 0) BETWEEN 0 AND 3155760000000
  THEN
    RAISE EXCEPTION 'queue "%": a name has 1 to 500 bytes without control characters, tries are at least 1, nothing is negative, and no time longer than a century',
      in_queue USING ERRCODE = '22023';
  END IF;
  INSERT INTO ${schema}.queue AS q (name, most_tries, backoff_ms, longest_backoff_ms, window_ms, most_bytes, topic)
    VALUES (in_queue, coalesce(in_most_tries, 10), coalesce(in_backoff_ms, 1000), coalesce(in_longest_backoff_ms, 3600000),
      coalesce(in_window_ms, 300000), coalesce(in_most_bytes, 1048576), in_topic)
    ON CONFLICT (name) DO UPDATE SET most_tries = coalesce(in_most_tries, q.most_tries),
      backoff_ms = coalesce(in_backoff_ms, q.backoff_ms),
      longest_backoff_ms = coalesce(in_longest_backoff_ms, q.longest_backoff_ms),
      window_ms = coalesce(in_window_ms, q.window_ms), most_bytes = coalesce(in_most_bytes, q.most_bytes),
      topic = coalesce(in_topic, q.topic);
  INSERT INTO ${schema}.lane SELECT q.id, 0 FROM ${schema}.queue q WHERE q.name = in_queue
    ON CONFLICT DO NOTHING;
END $$;

-- The queue of this name; fails if there is none.
CREATE FUNCTION ${schema}.queue_named(in_queue text) RETURNS ${schema}.queue
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  SELECT * INTO q FROM ${schema}.queue WHERE name = in_queue;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no queue "%"', in_queue USING ERRCODE = 'PK004',
      HINT = 'Make it with queue_create, or check the spelling.';
  END IF;
  RETURN q;
END $$;

-- Says why something could not be enqueued.
CREATE FUNCTION ${schema}.enqueue_refused(in_queues text[], in_payloads bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  q ${schema}.queue;
BEGIN
  IF cardinality(in_queues) > 1000 THEN
    RAISE EXCEPTION 'one call enqueues 1,000 messages at most, not %', cardinality(in_queues) USING ERRCODE = 'PK005';
  END IF;
  FOR i IN 1 .. cardinality(in_queues) LOOP
    q := ${schema}.queue_named(in_queues[i]);
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
CREATE FUNCTION ${schema}.is_sendable(in_priority integer, in_delay_ms bigint, in_life_ms bigint, in_headers text, in_not_before timestamptz)
RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(in_priority, 0) BETWEEN -1000 AND 1000 AND coalesce(in_delay_ms, 0) >= 0 AND coalesce(in_life_ms, 1) > 0
  AND coalesce(isfinite(in_not_before), true)
  AND (in_headers IS NULL OR cardinality(in_headers::text[]) % 2 = 0 AND coalesce(array_ndims(in_headers::text[]), 1) = 1
    AND array_position(in_headers::text[], NULL) IS NULL);

-- Inserts messages, at most 1,000, numbered from in_first, but for those that have a number in in_seen already. All arrays but the
-- first two may be null; headers are array literals, one for each message.
CREATE FUNCTION ${schema}._enqueue(in_first bigint, in_queues text[], in_payloads bytea[], in_priorities integer[],
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
      PERFORM ${schema}.queue_keyed(a.queue) FROM unnest(in_queues, in_keys) AS a (queue, key) WHERE a.key IS NOT NULL
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
        AND ${schema}.is_sendable(a.priority, a.delay_ms, a.life_ms, a.headers, a.not_before);
  GET DIAGNOSTICS added = ROW_COUNT;
  IF added <> cardinality(in_queues) - coalesce(cardinality(array_remove(in_seen, NULL)), 0) OR cardinality(in_queues) > 1000 THEN
    IF EXISTS (SELECT FROM unnest(in_priorities, in_delays_ms, in_lives_ms, in_headers, in_not_before)
          AS a (priority, delay_ms, life_ms, headers, not_before)
        WHERE NOT ${schema}.is_sendable(a.priority, a.delay_ms, a.life_ms, a.headers, a.not_before)) THEN
      RAISE EXCEPTION 'a message has a priority from -1000 to 1000, no negative delay, no infinite time, some time to live, and headers in pairs without nulls'
        USING ERRCODE = 'PK005';
    END IF;
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
    in_keys text[], in_headers text[], in_lives_ms bigint[], in_dedup_keys text[], in_not_before timestamptz[])
RETURNS ${schema}.outcome[]
LANGUAGE plpgsql AS $$
DECLARE
  first    bigint := ${schema}.next_zxid() << 10;
  seen     bigint[];
  outcome  ${schema}.outcome;
  outcomes ${schema}.outcome[];
  step     integer;
BEGIN
  IF in_dedup_keys IS NOT NULL THEN
    seen := array_fill(NULL::bigint, ARRAY[cardinality(in_queues)]);
    FOR step IN SELECT a.step FROM unnest(in_queues, in_dedup_keys) WITH ORDINALITY AS a (queue, dedup_key, step)
        WHERE a.dedup_key IS NOT NULL ORDER BY a.queue, a.dedup_key, a.step LOOP
      seen[step] := ${schema}.dedup_seen(in_queues[step], in_dedup_keys[step], first + step - 1);
    END LOOP;
  END IF;
  PERFORM ${schema}._enqueue(first, in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms, in_not_before,
    seen);
  FOR step IN 1 .. CASE WHEN seen IS NULL THEN 1 ELSE cardinality(in_queues) END LOOP
    outcome.code := CASE WHEN seen[step] IS NULL THEN 'ok' ELSE 'duplicate' END;
    outcome.czxid := coalesce(seen[step], first + step - 1);
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
  PERFORM pg_advisory_xact_lock_shared(${schema}.lock_key(k, 'queue.' || in_queue)) FROM ${schema}.secret k WHERE k.only_row;
  watched := EXISTS (SELECT FROM ${schema}.queue q JOIN ${schema}.idle i ON i.queue = q.name AND i.number >= q.idle_low
    WHERE q.name = in_queue);
END $$;

CREATE FUNCTION ${schema}.request_enqueue_all(in_session bigint, in_slot integer, in_request bigint, in_queues text[],
    in_payloads bytea[], in_priorities integer[], in_delays_ms bigint[], in_keys text[], in_headers text[], in_lives_ms bigint[],
    in_dedup_keys text[], in_not_before timestamptz[] DEFAULT NULL, OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcomes := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers, in_lives_ms,
    in_dedup_keys, in_not_before);
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
  watched := ${schema}.is_idle(in_queues);
END $$;

-- Enqueues in the caller's transaction: there if that commits, and then it rings.
CREATE FUNCTION ${schema}.enqueue_all(in_queues text[], in_payloads bytea[], in_priorities integer[] DEFAULT NULL,
    in_delays_ms bigint[] DEFAULT NULL, in_keys text[] DEFAULT NULL, in_headers text[] DEFAULT NULL,
    in_lives_ms bigint[] DEFAULT NULL, in_dedup_keys text[] DEFAULT NULL, in_not_before timestamptz[] DEFAULT NULL)
RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcomes ${schema}.outcome[] := ${schema}._enqueue_all(in_queues, in_payloads, in_priorities, in_delays_ms, in_keys, in_headers,
    in_lives_ms, in_dedup_keys, in_not_before);
BEGIN
  IF ${schema}.is_idle(in_queues) THEN
    PERFORM ${schema}.ring_idle(array_agg(a.name), array_agg(a.number))
      FROM (SELECT name, count(*)::integer AS number FROM unnest(in_queues) AS name GROUP BY name) AS a;
  END IF;
  RETURN outcomes;
END $$;

-- The same for one message, as one writes it by hand. Returns its number, or that of the one it would be a duplicate of.
CREATE FUNCTION ${schema}.enqueue(in_queue text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
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
  CASE WHEN in_not_before IS NOT NULL THEN ARRAY[in_not_before] END))[1].czxid;

-- Whether somebody sleeps who is to be rung for these queues. From here to its end the transaction counts as one that enqueues, so
-- nobody goes to sleep meanwhile without knowing.
CREATE FUNCTION ${schema}.is_idle(in_queues text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${schema}.lock_key(k, 'queue.' || several.name))
    FROM ${schema}.secret k, (SELECT DISTINCT name FROM unnest(in_queues) AS name ORDER BY name) AS several WHERE k.only_row;
  RETURN EXISTS (SELECT FROM ${schema}.queue q JOIN ${schema}.idle i ON i.queue = q.name AND i.number >= q.idle_low
    WHERE q.name = ANY (in_queues));
END $$;

-- The advisory locks of a queue: of who sleeps there, of where a lane begins, and of a key.

CREATE FUNCTION ${schema}.idle_key(k ${schema}.secret, in_queue text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}.lock_key(k, 'queue.' || in_queue);

CREATE FUNCTION ${schema}.lane_key(k ${schema}.secret, in_queue integer, in_lane smallint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}.lock_key(k, 'lane.' || in_queue || '.' || in_lane);

CREATE FUNCTION ${schema}.message_key_key(k ${schema}.secret, in_queue integer, in_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}.lock_key(k, 'key.' || in_queue || '.' || in_key);

-- Rings sleeping consumers, for each queue as many as are given for it, and takes them out. Not flushed: after the commit of what
-- they are rung for, in a transaction of its own; or in a caller's transaction, and then when that commits.
CREATE FUNCTION ${schema}.ring_idle(in_queues text[], in_numbers integer[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}.wake(a.queue, a.number) FROM unnest(in_queues, in_numbers) AS a (queue, number) ORDER BY a.queue;
END $$;

-- Those whom another transaction is about to ring are left to it as long as there are others. If there are not, they are rung too:
-- that transaction may take its time, and be rolled back.
CREATE FUNCTION ${schema}.wake(in_queue text, in_number integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  low  bigint := coalesce((SELECT q.idle_low FROM ${schema}.queue q WHERE q.name = in_queue), 0);
  rung bigint;
BEGIN
  WITH woken AS (
    DELETE FROM ${schema}.idle i WHERE i.queue = in_queue AND i.number = ANY (ARRAY(
        SELECT s.number FROM ${schema}.idle s WHERE s.queue = in_queue AND s.number >= low ORDER BY s.number LIMIT in_number
          FOR UPDATE SKIP LOCKED))
      RETURNING i.session
  )
  SELECT count(${schema}.ring_session(r.session, 'queue ' || in_queue)) INTO rung FROM (
    SELECT w.session FROM woken w
    UNION ALL
    (SELECT s.session FROM ${schema}.idle s
      WHERE s.queue = in_queue AND s.number >= low AND s.session NOT IN (SELECT w.session FROM woken w)
      ORDER BY s.number LIMIT greatest(in_number - (SELECT count(*) FROM woken), 0))) r;
END $$;

-- Rings one sleeping consumer for each of these messages, which are told by their queues.
CREATE FUNCTION ${schema}.ring_queues(in_queues integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  names   text[];
  numbers integer[];
BEGIN
  SELECT array_agg(a.name ORDER BY a.name), array_agg(a.number ORDER BY a.name) INTO names, numbers
    FROM (SELECT q.name, count(*)::integer AS number FROM unnest(in_queues) AS m (queue) JOIN ${schema}.queue q ON q.id = m.queue
        GROUP BY q.name) a;
  IF ${schema}.is_idle(names) THEN
    PERFORM ${schema}.ring_idle(names, numbers);
  END IF;
END $$;

-- The number of the message that was enqueued with this deduplication key; null if there is none, and then the key is in_id's from
-- now on, for the queue's window. Whoever enqueues the same key meanwhile waits for this transaction.
CREATE FUNCTION ${schema}.dedup_seen(in_queue text, in_key text, in_id bigint) RETURNS bigint
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

-- Taking.

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
CREATE FUNCTION ${schema}.take(in_session bigint, in_claim bigint, in_queue text, in_count integer, in_lease_ms bigint,
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
  -- owner_share, without the call.
  IF NOT (SELECT ${schema}.ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}.lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}.owner_wait(in_session);
  END IF;
  asleep := false;
  IF in_again THEN
    SELECT true, c.refused, c.messages INTO known, refused, messages
      FROM ${schema}.claimed(in_session, in_claim, CASE WHEN in_apart THEN in_count ELSE 1 END) AS c;
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
                    WHERE s.id = in_session AND ${schema}.may_own(s)))
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
        PERFORM ${schema}.claim_all(in_session, in_claim, in_lease_ms, in_apart, false, refused, messages);
      END IF;
      RETURN;
    END IF;
    -- Read each time: meanwhile it may have been resumed, or have got its first key.
    source := ${schema}.queue_named(in_queue);
    PERFORM ${schema}.session_check(in_session);
    IF source.keyed AND source.paused IS NULL THEN
      messages := ${schema}._take_keyed(source.id, in_count);
      IF messages IS NOT NULL THEN
        PERFORM ${schema}.claim_all(in_session, in_claim, in_lease_ms, in_apart, true, refused, messages);
        RETURN;
      END IF;
    END IF;
    EXIT WHEN looked OR NOT in_sleep
      OR NOT (SELECT pg_try_advisory_xact_lock(${schema}.idle_key(k, in_queue)) FROM ${schema}.secret k WHERE k.only_row);
    looked := true;
  END LOOP;
  asleep := looked AND (NOT source.keyed OR source.paused IS NOT NULL OR NOT ${schema}.is_waiting(source.id));
  IF asleep THEN
    INSERT INTO ${schema}.idle (queue, session) SELECT in_queue, in_session WHERE NOT EXISTS (SELECT FROM ${schema}.idle i
      WHERE i.queue = in_queue AND i.number >= source.idle_low AND i.session = in_session);
  END IF;
  IF acks THEN
    PERFORM ${schema}.session_check(in_session);
    INSERT INTO ${schema}.claim VALUES (in_session, in_claim, coalesce(source.id, 0), clock_timestamp(), NULL, false, '{}', refused, NULL);
  END IF;
  next_ms := ${schema}.next_time(source.id);
END $$;

-- Claims messages of one queue: together, or each apart under a number of its own.
CREATE FUNCTION ${schema}.claim_all(in_session bigint, in_claim bigint, in_lease_ms bigint, in_apart boolean, in_keyed boolean,
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

-- Fails if a session has ended, which owns nothing any more.
CREATE FUNCTION ${schema}.session_check(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_session <> 0 AND NOT EXISTS (SELECT FROM ${schema}.session s
      WHERE s.id = in_session AND ${schema}.may_own(s)) THEN
    RAISE EXCEPTION 'session % has ended', in_session USING ERRCODE = 'PK006';
  END IF;
END $$;

-- Milliseconds until a message of this queue is due, or its time is over; null if none has a time.
CREATE FUNCTION ${schema}.next_time(in_queue integer) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT greatest(0, extract(epoch FROM least(m.due, m.expires) - clock_timestamp()) * 1000)::bigint FROM ${schema}.message m
      WHERE m.queue = in_queue AND (m.due IS NOT NULL OR m.expires IS NOT NULL) ORDER BY least(m.due, m.expires) LIMIT 1);
END $$;

-- What the call that made this claim, and the in_count - 1 that follow it, answered; no row if it was not done.
CREATE FUNCTION ${schema}.claimed(in_session bigint, in_claim bigint, in_count integer)
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
CREATE FUNCTION ${schema}._take_keyed(in_queue integer, in_count integer) RETURNS ${schema}.message[]
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
        WHERE pg_try_advisory_xact_lock(${schema}.message_key_key(secret, in_queue, k.key)));
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
      UPDATE ${schema}.message m SET lane = ${schema}.behind() WHERE m.ctid = ANY (early);
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

-- Whether there is a message that could be taken if nobody else were at its key.
CREATE FUNCTION ${schema}.is_waiting(in_queue integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.lane l, LATERAL (SELECT FROM ${schema}.message m
      WHERE m.queue = l.queue AND m.lane = l.lane AND m.id >= l.low AND (m.expires IS NULL OR m.expires > clock_timestamp())
      ORDER BY m.id LIMIT 1) first
    WHERE l.queue = in_queue);
END $$;

-- Takes messages in the caller's transaction: they are gone if it commits, and as they were if it does not; nobody else gets them meanwhile.
-- Not from a queue with keys: there, a message is taken first, and acked in the transaction.
CREATE FUNCTION ${schema}.take_now(in_queue text, in_count integer) RETURNS SETOF ${schema}.message
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
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
  IF NOT FOUND AND (${schema}.queue_named(in_queue)).keyed THEN
    RAISE EXCEPTION 'the queue "%" has messages with keys, which cannot be taken in the caller''s transaction', in_queue
      USING ERRCODE = 'PK005', HINT = 'Take it first, and ack it in the transaction.';
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
  PERFORM ${schema}.ensure_read_committed();
  IF cardinality(in_done) = 1 AND in_done_claims IS NULL THEN
    -- Mostly it is one claim as a whole, and this much is quick.
    DELETE FROM ${schema}.claim d
      WHERE d.session = in_session AND d.number = in_done[1] AND NOT d.keyed AND d.until IS DISTINCT FROM 'infinity';
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  WITH gone AS (
    DELETE FROM ${schema}.claim d WHERE d.session = in_session AND d.number = ANY (in_done)
      RETURNING d.number, d.ids, d.until IS DISTINCT FROM 'infinity' AS counts, CASE WHEN d.keyed THEN d.messages END AS messages
  )
  SELECT array_agg(DISTINCT g.number), array_agg(m) FILTER (WHERE m.id IS NOT NULL) INTO acked, freed
    FROM gone g LEFT JOIN LATERAL unnest(g.messages) AS m ON m.id = ANY (g.ids) WHERE g.counts;
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
    PERFORM ${schema}.keys_free(array_agg(f.queue), array_agg(f.key), array_agg(f.id)) FROM unnest(freed) AS f
      WHERE f.key IS NOT NULL;
  END IF;
  RETURN nullif(refused, '{}');
END $$;

-- The messages of a claim with these ids.
CREATE FUNCTION ${schema}.messages_of(c ${schema}.claim, in_ids bigint[]) RETURNS ${schema}.message[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT array_agg(m) FROM unnest(c.messages) AS m WHERE (m).id = ANY (in_ids));
END $$;

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
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  IF ${schema}._ack(in_session, NULL, ARRAY[in_claim], ARRAY[in_id]) IS NOT NULL THEN
    RAISE EXCEPTION 'message % is no longer claimed as %', in_id, in_claim USING ERRCODE = 'PK003',
      HINT = 'Its lease or its session ended, or it was acked or given back. Nothing of this transaction may be committed.';
  END IF;
END $$;

-- Messages are done with: if they had their keys' turns, those are over. Where nobody has a key's turn, the first message of the key
-- comes back to its lane if it was behind, and is rung for.
CREATE FUNCTION ${schema}.keys_free(in_queues integer[], in_keys text[], in_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  back integer[];
BEGIN
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT ${schema}.message_key_key(s, a.queue, a.key) AS lock
      FROM ${schema}.secret s, unnest(in_queues, in_keys) AS a (queue, key) WHERE s.only_row ORDER BY 1) k;
  -- One by one, by the index: a join would be planned for as few turns as there were at that moment.
  DELETE FROM ${schema}.key_turn d WHERE d.ctid = ANY (ARRAY(
    SELECT over.ctid FROM unnest(in_queues, in_keys, in_ids) AS done (queue, key, id),
      LATERAL (SELECT t.ctid FROM ${schema}.key_turn t
        WHERE t.queue = done.queue AND t.key = done.key AND t.id = done.id LIMIT 1) over));
  WITH next AS (
    SELECT first.* FROM (SELECT DISTINCT a.queue, a.key FROM unnest(in_queues, in_keys) AS a (queue, key)) k,
        LATERAL (SELECT m.queue, m.key, m.id, m.lane FROM ${schema}.message m
          WHERE m.queue = k.queue AND m.key = k.key AND m.due IS NULL ORDER BY m.id LIMIT 1) first
      WHERE first.lane = ${schema}.behind()
        AND (SELECT t.id FROM ${schema}.key_turn t WHERE t.queue = k.queue AND t.key = k.key) IS NULL
  ), moved AS (
    UPDATE ${schema}.message m SET lane = m.priority FROM next n
      WHERE m.queue = n.queue AND m.key = n.key AND m.id = n.id RETURNING m.queue
  )
  SELECT array_agg(queue) INTO back FROM moved;
  IF back IS NOT NULL THEN
    PERFORM ${schema}.ring_queues(back);
  END IF;
END $$;

-- Has lanes begin at these messages at the latest. The locks are first: whoever looks at a lane has not seen the message, or is
-- done. They are shared, and the row is left alone where it is low enough, so that nobody waits for a caller's transaction.
CREATE FUNCTION ${schema}.lanes_reach(in_queues integer[], in_lanes smallint[], in_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  reached record;
BEGIN
  FOR reached IN SELECT a.queue, a.lane, min(a.id) AS id FROM unnest(in_queues, in_lanes, in_ids) AS a (queue, lane, id)
      GROUP BY a.queue, a.lane ORDER BY a.queue, a.lane LOOP
    PERFORM pg_advisory_xact_lock_shared(${schema}.lane_key(k, reached.queue, reached.lane)) FROM ${schema}.secret k WHERE k.only_row;
    UPDATE ${schema}.lane l SET low = least(l.low, reached.id), next_low = least(l.next_low, reached.id)
      WHERE l.queue = reached.queue AND l.lane = reached.lane AND (l.low > reached.id OR l.next_low > reached.id);
  END LOOP;
END $$;

-- Puts messages of claims back, or under the dead letters. How, for each:
--   retry    it was tried and failed: again after the delay (null: the queue's backoff), or dead if that was the last try
--   gone     its consumer went away: the same, at once
--   release  it was not tried
--   dead     it is not to be tried again
CREATE FUNCTION ${schema}.give_back(in_messages ${schema}.message[], in_hows text[], in_delays_ms bigint[], in_errors text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m      ${schema}.message;
  q      ${schema}.queue;
  i      integer := 0;
  moment timestamptz := clock_timestamp();
  reason text;
  queues integer[];
  placed_queues integer[];
  placed_lanes  smallint[];
  placed_ids    bigint[];
  freed_queues  integer[];
  freed_keys    text[];
  freed_ids     bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT ${schema}.message_key_key(s, b.queue, b.key) AS lock
      FROM ${schema}.secret s, unnest(in_messages) AS b WHERE s.only_row AND b.key IS NOT NULL ORDER BY 1) k;
  FOREACH m IN ARRAY coalesce(in_messages, '{}') LOOP
    i := i + 1;
    SELECT * INTO q FROM ${schema}.queue WHERE id = m.queue;
    CONTINUE WHEN NOT FOUND; -- It was dropped, with all its messages.
    m.tries := m.tries + CASE WHEN in_hows[i] = 'release' THEN 0 ELSE 1 END;
    m.error := coalesce(in_errors[i], m.error);
    reason := CASE WHEN in_hows[i] = 'dead' THEN 'given up'
      WHEN in_hows[i] <> 'release' AND m.tries >= q.most_tries THEN 'tried ' || m.tries || ' times'
      WHEN m.expires <= moment THEN 'its time was over' END;
    IF reason IS NOT NULL THEN
      PERFORM ${schema}.bury(m, reason);
    ELSE
      m.due := moment + nullif(CASE WHEN in_hows[i] <> 'retry' THEN 0 ELSE coalesce(in_delays_ms[i],
        least(q.longest_backoff_ms, q.backoff_ms * 2.0 ^ least(m.tries - 1, 40))::bigint) END, 0) * interval '1 ms';
      m.lane := CASE WHEN m.due IS NULL THEN m.priority END;
      INSERT INTO ${schema}.message SELECT m.*;
      queues := queues || m.queue;
      IF m.due IS NULL THEN
        placed_queues := placed_queues || m.queue;
        placed_lanes := placed_lanes || m.lane;
        placed_ids := placed_ids || m.id;
      END IF;
    END IF;
    IF m.key IS NOT NULL AND (reason IS NOT NULL OR m.due IS NULL) THEN
      freed_queues := freed_queues || m.queue;
      freed_keys := freed_keys || m.key;
      freed_ids := freed_ids || m.id;
    END IF;
  END LOOP;
  PERFORM ${schema}.lanes_reach(placed_queues, placed_lanes, placed_ids);
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}.keys_free(freed_queues, freed_keys, freed_ids);
  END IF;
  PERFORM ${schema}.ring_queues(queues);
END $$;

-- The same, where it is one way for all.
CREATE FUNCTION ${schema}.give_all_back(in_messages ${schema}.message[], in_how text, in_error text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_messages IS NOT NULL THEN
    PERFORM ${schema}.give_back(in_messages, array_fill(in_how, ARRAY[cardinality(in_messages)]), NULL,
      array_fill(in_error, ARRAY[cardinality(in_messages)]));
  END IF;
END $$;

-- Puts a message under the dead letters. Its key is freed by whoever calls this.
CREATE FUNCTION ${schema}.bury(m ${schema}.message, in_reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.dead_letter VALUES (m.queue, m.id, clock_timestamp(), in_reason, m);
END $$;

-- Gives messages back; returns the ids that could not be, because they are no longer this session's.
CREATE FUNCTION ${schema}._return(in_session bigint, in_claims bigint[], in_ids bigint[], in_hows text[], in_delays_ms bigint[],
    in_errors text[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  one       record;
  c         ${schema}.claim;
  back      ${schema}.message[];
  hows      text[];
  delays_ms bigint[];
  errors    text[];
  refused   bigint[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  FOR one IN SELECT * FROM unnest(in_claims, in_ids, in_hows, in_delays_ms, in_errors) AS a (claim, id, how, delay_ms, error)
      ORDER BY a.claim, a.id LOOP
    IF one.how IS NULL OR one.how NOT IN ('retry', 'gone', 'release', 'dead') OR one.delay_ms < 0 THEN
      RAISE EXCEPTION 'message % cannot be given back as "%" after % ms', one.id, one.how, one.delay_ms
        USING ERRCODE = '22023', HINT = 'It is retry, gone, release or dead, and a delay is not negative.';
    END IF;
    c := ${schema}.claim_reduce(in_session, one.claim, ARRAY[one.id]);
    IF cardinality(c.ids) = 1 THEN
      back := back || ${schema}.messages_of(c, c.ids);
      hows := hows || one.how;
      delays_ms := delays_ms || one.delay_ms;
      errors := errors || one.error;
    ELSE
      refused := refused || one.id;
    END IF;
  END LOOP;
  PERFORM ${schema}.give_back(back, hows, delays_ms, errors);
  RETURN refused;
END $$;

-- The same in a transaction of its own, numbered so that a lost reply can be settled: an outcome for each, ok or refused.
CREATE FUNCTION ${schema}.request_return(in_session bigint, in_slot integer, in_request bigint, in_claims bigint[], in_ids bigint[],
    in_hows text[], in_delays_ms bigint[], in_errors text[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
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
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF in_lease_ms <= 0 OR in_lease_ms IS NULL AND in_session = 0 THEN
    RAISE EXCEPTION 'a lease lasts longer than nothing, and without a session it has an end' USING ERRCODE = '22023';
  END IF;
  UPDATE ${schema}.claim c SET until = clock_timestamp() + in_lease_ms * interval '1 ms'
    WHERE c.session = in_session AND c.number = in_claim AND c.until IS DISTINCT FROM 'infinity';
  RETURN FOUND;
END $$;

-- Gives a message of a claim a claim of its own, so that acking it in somebody's transaction keeps nobody from acking the others. May
-- be asked again. False: it is no longer in the claim.
CREATE FUNCTION ${schema}.claim_split(in_session bigint, in_claim bigint, in_id bigint, in_new bigint) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  c ${schema}.claim;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM ${schema}.owner_share(in_session); -- Its end finds both claims.
  c := ${schema}.claim_reduce(in_session, in_claim, ARRAY[in_id]);
  IF cardinality(c.ids) = 1 THEN
    INSERT INTO ${schema}.claim VALUES (in_session, in_new, c.queue, c.taken, c.until, c.keyed, c.ids, NULL,
      ${schema}.messages_of(c, c.ids));
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.claim n WHERE n.session = in_session AND n.number = in_new AND in_id = ANY (n.ids));
END $$;

-- Gives back at once all that a session had claimed which ends. Its end does not wait for somebody who has a lock that this needs: then
-- the claims become claims without a session whose time is over, and whoever tidies next gives them back.
CREATE FUNCTION ${schema}.claims_leave(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.idle i WHERE i.session = in_session;
  IF EXISTS (SELECT FROM ${schema}.claim c WHERE c.session = in_session) AND NOT ${schema}.claims_return(in_session, ${schema}.patience()) THEN
    DELETE FROM ${schema}.claim c WHERE c.session = in_session AND c.ids = '{}';
    UPDATE ${schema}.claim c SET session = 0, number = ${schema}.next_zxid(), until = clock_timestamp() WHERE c.session = in_session;
  END IF;
END $$;

-- Gives them back. False: somebody has a lock that this needs, and nothing was given back.
CREATE FUNCTION ${schema}.claims_return(in_session bigint, in_patience interval) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '2s' SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  back ${schema}.message[];
  c    ${schema}.claim;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM ${schema}.shorten_patience(in_patience);
  FOR c IN DELETE FROM ${schema}.claim d WHERE d.session = in_session RETURNING d.* LOOP
    back := back || ${schema}.messages_of(c, c.ids);
  END LOOP;
  PERFORM ${schema}.give_all_back(back, 'gone', 'the session of its consumer ended');
  RETURN true;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END $$;

-- Gives back claims of a session that its client knows nothing of: their calls were given up, and came all the same. Returns how many.
-- Only numbers below in_before, which is not above that of any call under way.
CREATE FUNCTION ${schema}.claims_forget(in_session bigint, in_known bigint[], in_before bigint) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  c         ${schema}.claim;
  back      ${schema}.message[];
  forgotten integer := 0;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  FOR c IN DELETE FROM ${schema}.claim d
      WHERE d.session = in_session AND d.number < in_before AND d.number <> ALL (in_known) RETURNING d.* LOOP
    back := back || ${schema}.messages_of(c, c.ids);
    forgotten := forgotten + 1;
  END LOOP;
  PERFORM ${schema}.give_all_back(back, 'release', NULL);
  RETURN forgotten;
END $$;

-- What is to be done from time to time for queues that are in use, by whoever uses them; how often, the library decides.
--   Messages that are due get their place, those whose time is over go under the dead letters, at most 500 of each queue.
--   Claims whose end is over go back.
--   Lanes are looked at as a whole, if nobody did within the last second (or twenty times as long as it took then). So are keys.
--   What counts no longer is forgotten: deduplication keys, tallies older than a day, what a dropped queue left.
-- Returns for each queue the milliseconds until the next message is due; null if there is none.
CREATE FUNCTION ${schema}.queue_tidy(in_queues text[]) RETURNS TABLE (queue text, next_ms bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.queues_forget();
  DELETE FROM ${schema}.queue_tally t USING ${schema}.queue q
    WHERE q.name = ANY (in_queues) AND t.queue = q.id AND t.minute < clock_timestamp() - interval '1 day';
  RETURN QUERY SELECT * FROM ${schema}._queue_tidy(in_queues);
END $$;

CREATE FUNCTION ${schema}._queue_tidy(in_queues text[]) RETURNS TABLE (queue text, next_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  q        ${schema}.queue;
  advanced integer;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM ${schema}.claims_expire();
  FOR q IN SELECT * FROM ${schema}.queue a WHERE a.name = ANY (in_queues) ORDER BY a.id LOOP
    advanced := ${schema}.messages_advance(q.id);
    IF q.keyed AND EXISTS (SELECT FROM ${schema}.lane l WHERE l.queue = q.id AND l.look_at <= clock_timestamp()) THEN
      PERFORM ${schema}.keys_look(q.id);
    END IF;
    PERFORM ${schema}.lanes_look(q.id);
    PERFORM ${schema}.idle_look(q.name, q.idle_low);
    queue := q.name;
    next_ms := ${schema}.next_time(q.id);
    IF advanced = 0 AND next_ms < 100 THEN
      next_ms := 100; -- What could not be advanced is somebody else's just now.
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- For a client that sleeps at these queues, now and then: where rings reach it (in_sleeps), it is registered once more, in case a ring or
-- a crash took it out without its knowing. Returns those queues at which something waits.
CREATE FUNCTION ${schema}.queue_sleep(in_session bigint, in_queues text[], in_sleeps boolean) RETURNS SETOF text
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM ${schema}.owner_share(in_session);
  IF in_sleeps AND EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session) THEN
    INSERT INTO ${schema}.idle (queue, session)
      SELECT a.name, in_session FROM unnest(in_queues) AS a (name) LEFT JOIN ${schema}.queue q ON q.name = a.name
        WHERE NOT EXISTS (SELECT FROM ${schema}.idle i
          WHERE i.queue = a.name AND i.number >= coalesce(q.idle_low, 0) AND i.session = in_session);
  END IF;
  RETURN QUERY SELECT q.name FROM ${schema}.queue q
    WHERE q.name = ANY (in_queues) AND q.paused IS NULL AND ${schema}.is_waiting(q.id);
END $$;

-- Claims whose end is over go back. Of a session's, the row stays until its client lets go of it: if the reply of the call that made
-- it was lost, that is the proof of what else the call did.
CREATE FUNCTION ${schema}.claims_expire() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  c    ${schema}.claim;
  back ${schema}.message[];
BEGIN
  FOR c IN SELECT * FROM ${schema}.claim o WHERE o.until <= clock_timestamp() ORDER BY o.until LIMIT 100 FOR UPDATE SKIP LOCKED LOOP
    IF c.session = 0 THEN
      DELETE FROM ${schema}.claim d WHERE d.session = c.session AND d.number = c.number;
    ELSE
      UPDATE ${schema}.claim u SET until = 'infinity', ids = '{}', messages = NULL WHERE u.session = c.session AND u.number = c.number;
    END IF;
    back := back || ${schema}.messages_of(c, c.ids);
  END LOOP;
  PERFORM ${schema}.give_all_back(back, 'gone', 'its lease was over');
END $$;

-- Messages that are due get their place, and those whose time is over go under the dead letters. Returns how many.
CREATE FUNCTION ${schema}.messages_advance(in_queue integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  one      record;
  m        ${schema}.message;
  advanced integer := 0;
  lanes    smallint[];
  ids      bigint[];
  freed_keys text[];
  freed_ids  bigint[];
BEGIN
  FOR one IN
    SELECT w.ctid AS spot, w AS message FROM ${schema}.message w
      WHERE w.queue = in_queue AND (w.due IS NOT NULL OR w.expires IS NOT NULL) AND least(w.due, w.expires) <= clock_timestamp()
      ORDER BY least(w.due, w.expires) LIMIT 500 FOR UPDATE SKIP LOCKED
  LOOP
    m := one.message;
    CONTINUE WHEN m.key IS NOT NULL AND NOT pg_try_advisory_xact_lock(${schema}.message_key_key(secret, in_queue, m.key));
    IF m.expires <= clock_timestamp() THEN
      DELETE FROM ${schema}.message d WHERE d.ctid = one.spot;
      CONTINUE WHEN NOT FOUND; -- It was brought back since it was read: next time.
      PERFORM ${schema}.bury(m, 'its time was over');
    ELSE
      UPDATE ${schema}.message u SET lane = u.priority, due = NULL WHERE u.ctid = one.spot;
      CONTINUE WHEN NOT FOUND;
      lanes := lanes || m.priority;
      ids := ids || m.id;
    END IF;
    IF m.key IS NOT NULL THEN
      freed_keys := freed_keys || m.key;
      freed_ids := freed_ids || m.id;
    END IF;
    advanced := advanced + 1;
  END LOOP;
  IF ids IS NOT NULL THEN
    PERFORM ${schema}.lanes_reach(array_fill(in_queue, ARRAY[cardinality(ids)]), lanes, ids);
  END IF;
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}.keys_free(array_fill(in_queue, ARRAY[cardinality(freed_ids)]), freed_keys, freed_ids);
  END IF;
  IF ids IS NOT NULL THEN
    PERFORM ${schema}.ring_queues(array_fill(in_queue, ARRAY[cardinality(ids)]));
  END IF;
  RETURN advanced;
END $$;

-- Brings back the first message of each key that has messages behind and no turn. Our functions leave no key in that state; statements
-- that somebody wrote by hand may. Looks at the oldest messages that are behind, and at some others, so that it finds each key in the end.
CREATE FUNCTION ${schema}.keys_look(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  oldest bigint := (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}.behind() ORDER BY m.id LIMIT 1);
  newest bigint := (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}.behind() ORDER BY m.id DESC LIMIT 1);
  stuck  text[];
BEGIN
  SELECT array_agg(k.key) INTO stuck FROM (
      SELECT DISTINCT near.key FROM unnest(ARRAY[oldest, oldest + floor(random() * (newest - oldest))::bigint]) AS start (id),
        LATERAL (SELECT m.key FROM ${schema}.message m
          WHERE m.queue = in_queue AND m.lane = ${schema}.behind() AND m.id >= start.id ORDER BY m.id LIMIT 100) near) k
    WHERE NOT EXISTS (SELECT FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = k.key)
      AND pg_try_advisory_xact_lock(${schema}.message_key_key(secret, in_queue, k.key));
  IF stuck IS NOT NULL THEN
    PERFORM ${schema}.keys_free(array_fill(in_queue, ARRAY[cardinality(stuck)]), stuck, array_fill(0::bigint, ARRAY[cardinality(stuck)]));
  END IF;
END $$;

-- Looks where lanes begin.
CREATE FUNCTION ${schema}.lanes_look(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  here      ${schema}.lane;
  began     timestamptz;
  least_now bigint;
BEGIN
  FOR here IN SELECT * FROM ${schema}.lane l WHERE l.queue = in_queue AND l.look_at <= clock_timestamp() ORDER BY l.lane LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(${schema}.lane_key(secret, in_queue, here.lane));
    began := clock_timestamp();
    least_now := least(${schema}.last_zxid() << 10,
      (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = here.lane ORDER BY m.id LIMIT 1),
      (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}.behind() ORDER BY m.id LIMIT 1));
    UPDATE ${schema}.lane l SET low = least(l.next_low, least_now), next_low = least_now,
        look_at = clock_timestamp() + greatest(interval '1 s', 20 * (clock_timestamp() - began))
      WHERE l.queue = in_queue AND l.lane = here.lane;
    IF least_now < here.low THEN -- A transaction that took long has left it: those whom it rang did not find it.
      PERFORM ${schema}.ring_queues(ARRAY[in_queue]);
    END IF;
  END LOOP;
END $$;

-- Looks where those who sleep at a queue begin, once many have come and gone. Nobody may be about to go to sleep meanwhile; and who
-- enqueues waits for this, so this waits for nobody.
CREATE FUNCTION ${schema}.idle_look(in_queue text, in_low bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  last  bigint := coalesce(pg_sequence_last_value('${schema}.idle_number'), 1);
  first bigint := (SELECT i.number FROM ${schema}.idle i WHERE i.queue = in_queue AND i.number >= in_low ORDER BY i.number LIMIT 1);
BEGIN
  IF coalesce(first, last) - in_low < 1000
      OR NOT (SELECT pg_try_advisory_xact_lock(${schema}.idle_key(k, in_queue)) FROM ${schema}.secret k WHERE k.only_row) THEN
    RETURN;
  END IF;
  PERFORM FROM ${schema}.queue q WHERE q.name = in_queue FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE ${schema}.queue q SET idle_low = coalesce((SELECT i.number FROM ${schema}.idle i
        WHERE i.queue = in_queue AND i.number >= q.idle_low ORDER BY i.number LIMIT 1), last + 1)
      WHERE q.name = in_queue;
  END IF;
END $$;

-- Deletes what counts no longer, of all queues, a little at a time.
CREATE FUNCTION ${schema}.queues_forget() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM ${schema}.dedup d WHERE d.ctid = ANY (ARRAY(
    SELECT o.ctid FROM ${schema}.dedup o WHERE o.until < clock_timestamp() - interval '1 minute' ORDER BY o.until LIMIT 500
      FOR UPDATE SKIP LOCKED));
  FOR gone IN SELECT d.queue FROM ${schema}.dropped_queue d ORDER BY d.queue FOR UPDATE SKIP LOCKED LOOP
    PERFORM ${schema}.queue_empty(gone);
    DELETE FROM ${schema}.dropped_queue d WHERE d.queue = gone AND d.at < clock_timestamp() - interval '1 hour';
  END LOOP;
END $$;

-- What administrators do.

-- The next messages that would be taken, without taking them.
CREATE FUNCTION ${schema}.peek(in_queue text, in_count integer DEFAULT 1) RETURNS SETOF ${schema}.message
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

-- Null: there is no such queue.
CREATE FUNCTION ${schema}.is_paused(in_queue text) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT q.paused IS NOT NULL FROM ${schema}.queue q WHERE q.name = in_queue;
END;

-- The oldest dead letters of a queue, with their payloads.
CREATE FUNCTION ${schema}.dead_letters_of(in_queue text, in_count integer DEFAULT 100) RETURNS SETOF ${schema}.dead_letter
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT d.* FROM ${schema}.queue q JOIN ${schema}.dead_letter d ON d.queue = q.id WHERE q.name = in_queue ORDER BY d.id LIMIT in_count;
END;

-- Nobody takes anything from a paused queue; what was taken can still be acked. False: there is no such queue, or it was paused.
CREATE FUNCTION ${schema}.pause(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET paused = clock_timestamp() WHERE q.name = in_queue AND q.paused IS NULL;
  RETURN FOUND;
END $$;

-- False: there is no such queue, or it was not paused.
CREATE FUNCTION ${schema}.resume(in_queue text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.queue q SET paused = NULL WHERE q.name = in_queue AND q.paused IS NOT NULL;
  IF FOUND THEN
    IF ${schema}.is_idle(ARRAY[in_queue]) THEN
      PERFORM ${schema}.ring_idle(ARRAY[in_queue], ARRAY[1000]);
    END IF;
    RETURN true;
  END IF;
  RETURN false;
END $$;

-- Deletes at most so many waiting messages (500 where they have keys), and returns how many; call it until it returns 0. What is
-- claimed or dead stays, and what somebody is about to take.
CREATE FUNCTION ${schema}.purge(in_queue text, in_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  q      ${schema}.queue := ${schema}.queue_named(in_queue);
  most   integer := CASE WHEN q.keyed THEN least(in_most, 500) ELSE in_most END;
  purged integer;
  freed_keys text[];
  freed_ids  bigint[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  WITH gone AS (
    DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
        SELECT w.ctid FROM ${schema}.message w
          WHERE w.queue = q.id AND (w.key IS NULL OR pg_try_advisory_xact_lock(${schema}.message_key_key(secret, w.queue, w.key)))
          LIMIT most FOR UPDATE SKIP LOCKED)) RETURNING m.id, m.key
  )
  SELECT count(*), array_agg(g.key) FILTER (WHERE g.key IS NOT NULL), array_agg(g.id) FILTER (WHERE g.key IS NOT NULL)
    INTO purged, freed_keys, freed_ids FROM gone g;
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}.keys_free(array_fill(q.id, ARRAY[cardinality(freed_ids)]), freed_keys, freed_ids);
  END IF;
  RETURN purged;
END $$;

-- Has dead letters of a queue wait again, as if they had never been tried: those with the given ids, or all; only those that died longer
-- ago than in_older, if that is given; at most so many. Returns how many.
CREATE FUNCTION ${schema}.redrive(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL,
    in_most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q     ${schema}.queue := ${schema}.queue_named(in_queue);
  m     ${schema}.message;
  lanes smallint[] := '{}';
  ids   bigint[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
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
    PERFORM ${schema}.lanes_reach(array_fill(q.id, ARRAY[cardinality(ids)]), lanes, ids);
    PERFORM ${schema}.ring_queues(array_fill(q.id, ARRAY[cardinality(ids)]));
  END IF;
  RETURN cardinality(lanes);
END $$;

-- Deletes dead letters: those with the given ids, or all that died longer ago than in_older. Returns how many.
CREATE FUNCTION ${schema}.discard(in_queue text, in_ids bigint[] DEFAULT NULL, in_older interval DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  q         ${schema}.queue := ${schema}.queue_named(in_queue);
  discarded integer;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  DELETE FROM ${schema}.dead_letter d WHERE d.queue = q.id AND (in_ids IS NULL OR d.id = ANY (in_ids))
    AND (in_older IS NULL OR d.died < clock_timestamp() - in_older);
  GET DIAGNOSTICS discarded = ROW_COUNT;
  RETURN discarded;
END $$;

-- Deletes a queue with all its messages. False: there is none. What transactions under way still put there goes later (queues_forget).
CREATE FUNCTION ${schema}.queue_drop(in_queue text) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  gone integer;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  DELETE FROM ${schema}.queue q WHERE q.name = in_queue RETURNING q.id INTO gone;
  IF gone IS NULL THEN
    RETURN false;
  END IF;
  INSERT INTO ${schema}.dropped_queue VALUES (gone, clock_timestamp());
  PERFORM ${schema}.queue_empty(gone);
  PERFORM ${schema}.ring_idle(ARRAY[in_queue], ARRAY[1000]);
  RETURN true;
END $$;

-- Deletes all there is of a queue that was dropped, but for what somebody holds.
CREATE FUNCTION ${schema}.queue_empty(in_queue integer) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = on AS $$ -- claims have no index by queues
BEGIN
  DELETE FROM ${schema}.claim c WHERE c.ctid = ANY (ARRAY(
    SELECT l.ctid FROM ${schema}.claim l WHERE l.queue = in_queue FOR UPDATE SKIP LOCKED));
  DELETE FROM ${schema}.message m WHERE m.ctid = ANY (ARRAY(
    SELECT l.ctid FROM ${schema}.message l WHERE l.queue = in_queue FOR UPDATE SKIP LOCKED));
  DELETE FROM ${schema}.dead_letter d WHERE d.queue = in_queue;
  DELETE FROM ${schema}.key_turn t WHERE t.queue = in_queue;
  DELETE FROM ${schema}.dedup d WHERE d.queue = in_queue;
  DELETE FROM ${schema}.lane l WHERE l.queue = in_queue;
  DELETE FROM ${schema}.queue_tally t WHERE t.queue = in_queue;
END $$;

-- Does one of these in a transaction of its own, numbered so that a lost reply can be settled: purge, redrive, discard, pause, resume,
-- or unsubscribe, for which in_queue is the topic. The outcome's children: how many messages it was, or 1 if something changed.
CREATE FUNCTION ${schema}.request_administer(in_session bigint, in_slot integer, in_request bigint, in_what text, in_queue text,
    in_ids bigint[], in_older interval, in_subscription text, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome.code := 'ok';
  CASE in_what
    WHEN 'purge' THEN outcome.children := ${schema}.purge(in_queue);
    WHEN 'redrive' THEN outcome.children := ${schema}.redrive(in_queue, in_ids, in_older);
    WHEN 'discard' THEN outcome.children := ${schema}.discard(in_queue, in_ids, in_older);
    WHEN 'pause' THEN outcome.children := ${schema}.pause(in_queue)::integer;
    WHEN 'resume' THEN outcome.children := ${schema}.resume(in_queue)::integer;
    WHEN 'unsubscribe' THEN outcome.children := ${schema}.unsubscribe(in_queue, in_subscription)::integer;
  END CASE;
  PERFORM ${schema}.move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
  watched := false;
END $$;

-- For callers without a session.

-- Takes messages: each is claimed under a number of its own until the lease is over. Ack them with ack(claim, id), give them back
-- with nack, have them longer with extend.
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
  PERFORM ${schema}._queue_tidy(ARRAY[in_queue]);
  RETURN QUERY
    SELECT first + m.place - 1, m.id, m.tries + 1, m.key, m.headers, m.enqueued, m.payload
      FROM ${schema}.take(0, first, in_queue, in_count, (extract(epoch FROM in_lease) * 1000)::bigint, true, NULL, NULL, NULL, false,
          false) t,
        unnest(t.messages) WITH ORDINALITY AS m (id, queue, lane, priority, tries, enqueued, due, expires, key, headers, error, payload,
          place);
END $$;

-- Gives back a message that was taken by take_leased: again after the delay (null: the queue's backoff), or never. False: the lease was over.
CREATE FUNCTION ${schema}.nack(in_claim bigint, in_id bigint, in_error text DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_again boolean DEFAULT true) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ${schema}._return(0, ARRAY[in_claim], ARRAY[in_id], ARRAY[CASE WHEN in_again THEN 'retry' ELSE 'dead' END],
    ARRAY[(extract(epoch FROM in_delay) * 1000)::bigint], ARRAY[in_error]) IS NULL;
END $$;

-- Topics: what is published goes to every subscription, and each is a queue of its own.

-- Makes a subscription: the queue <topic>/<name>, which has what is published from now on.
CREATE FUNCTION ${schema}.subscribe(in_topic text, in_name text) RETURNS text
LANGUAGE sql
BEGIN ATOMIC
  SELECT in_topic || '/' || in_name FROM ${schema}.queue_create(in_topic || '/' || in_name, in_topic => in_topic);
END;

-- Ends a subscription, with all its messages. False: there was none.
CREATE FUNCTION ${schema}.unsubscribe(in_topic text, in_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.queue q WHERE q.name = in_topic || '/' || in_name AND q.topic = in_topic)
    AND ${schema}.queue_drop(in_topic || '/' || in_name);
END $$;

-- Which queues get what is published under a topic.
CREATE FUNCTION ${schema}.subscriptions(in_topic text) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT q.name FROM ${schema}.queue q WHERE q.topic = in_topic ORDER BY q.id;
END;

-- Publishes one message to each subscription: an outcome for each, ok or duplicate, whose path is the subscription's queue.
CREATE FUNCTION ${schema}._publish(in_topic text, in_payload bytea, in_priority integer, in_delay_ms bigint, in_key text,
    in_headers text, in_life_ms bigint, in_dedup_key text, in_not_before timestamptz, OUT queues text[], OUT outcomes ${schema}.outcome[])
LANGUAGE plpgsql AS $$
DECLARE
  number  integer[];
  outcome ${schema}.outcome;
  first   bigint;
BEGIN
  queues := ARRAY(SELECT s FROM ${schema}.subscriptions(in_topic) AS s);
  outcomes := '{}';
  IF queues = '{}' THEN
    RETURN;
  ELSIF cardinality(queues) > 1000 THEN
    RAISE EXCEPTION 'the topic "%" has % subscriptions; 1,000 can be published to at once', in_topic, cardinality(queues)
      USING ERRCODE = 'PK005', HINT = 'Spread them over several topics.';
  END IF;
  number := ARRAY[cardinality(queues)];
  outcomes := ${schema}._enqueue_all(queues, array_fill(in_payload, number),
    CASE WHEN in_priority IS NOT NULL THEN array_fill(in_priority, number) END,
    CASE WHEN in_delay_ms IS NOT NULL THEN array_fill(in_delay_ms, number) END,
    CASE WHEN in_key IS NOT NULL THEN array_fill(in_key, number) END,
    CASE WHEN in_headers IS NOT NULL THEN array_fill(in_headers, number) END,
    CASE WHEN in_life_ms IS NOT NULL THEN array_fill(in_life_ms, number) END,
    CASE WHEN in_dedup_key IS NOT NULL THEN array_fill(in_dedup_key, number) END,
    CASE WHEN in_not_before IS NOT NULL THEN array_fill(in_not_before, number) END);
  outcome := outcomes[1];
  first := outcome.czxid;
  FOR i IN 1 .. cardinality(queues) LOOP
    IF in_dedup_key IS NOT NULL THEN
      outcome := outcomes[i];
    ELSE
      outcome.czxid := first + i - 1;
    END IF;
    outcome.path := queues[i];
    outcomes[i] := outcome;
  END LOOP;
END $$;

-- Publishes in a transaction of its own, numbered so that a lost reply can be settled. Where nobody subscribed, nothing is
-- noted, as nothing was done.
CREATE FUNCTION ${schema}.request_publish(in_session bigint, in_slot integer, in_request bigint, in_topic text, in_payload bytea,
    in_priority integer, in_delay_ms bigint, in_key text, in_headers text, in_life_ms bigint, in_dedup_key text,
    in_not_before timestamptz DEFAULT NULL, OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  published record;
BEGIN
  SELECT * INTO published FROM ${schema}._publish(in_topic, in_payload, in_priority, in_delay_ms, in_key, in_headers, in_life_ms,
    in_dedup_key, in_not_before);
  outcomes := published.outcomes;
  watched := false;
  IF cardinality(outcomes) > 0 THEN
    PERFORM ${schema}.move_slot(in_session, in_slot, in_request, outcomes);
    watched := ${schema}.is_idle(published.queues);
  END IF;
END $$;

-- Publishes in the caller's transaction: there if that commits, and then it rings.
CREATE FUNCTION ${schema}.publish_all(in_topic text, in_payload bytea, in_priority integer, in_delay_ms bigint, in_key text,
    in_headers text, in_life_ms bigint, in_dedup_key text, in_not_before timestamptz DEFAULT NULL) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  published record;
BEGIN
  SELECT * INTO published FROM ${schema}._publish(in_topic, in_payload, in_priority, in_delay_ms, in_key, in_headers, in_life_ms,
    in_dedup_key, in_not_before);
  IF cardinality(published.outcomes) > 0 AND ${schema}.is_idle(published.queues) THEN
    PERFORM ${schema}.ring_idle(published.queues, array_fill(1, ARRAY[cardinality(published.queues)]));
  END IF;
  RETURN published.outcomes;
END $$;

-- The same, as one writes it by hand. Returns how many subscriptions it went to.
CREATE FUNCTION ${schema}.publish(in_topic text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_key text DEFAULT NULL, in_headers text[] DEFAULT NULL, in_life interval DEFAULT NULL, in_dedup_key text DEFAULT NULL,
    in_not_before timestamptz DEFAULT NULL) RETURNS integer
LANGUAGE sql
RETURN cardinality(${schema}.publish_all(in_topic, in_payload, in_priority, (extract(epoch FROM in_delay) * 1000)::bigint, in_key,
  in_headers::text, (extract(epoch FROM in_life) * 1000)::bigint, in_dedup_key, in_not_before));

-- What everybody may look at.

-- Adds to the tallies of queues what a client has seen since it last reported; queues that are not there are left out.
CREATE FUNCTION ${schema}.queue_report(in_queues text[], in_enqueued bigint[], in_taken bigint[], in_acked bigint[], in_returned bigint[],
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

CREATE VIEW ${schema}.queues AS
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

CREATE VIEW ${schema}.in_flight AS
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

CREATE VIEW ${schema}.dead_letters AS
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

CREATE VIEW ${schema}.queue_consumers AS
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

CREATE VIEW ${schema}.queue_rates AS
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

COMMENT ON FUNCTION ${schema}.queue_create(text, integer, bigint, bigint, bigint, integer, text) IS
  'Makes a queue, or changes what is given of its settings: name, most tries (10), backoff and longest backoff in ms (1 s, 1 h), deduplication window in ms (5 min), most bytes of a payload (1 MB), topic.';
COMMENT ON FUNCTION ${schema}.queue_drop(text) IS 'Deletes a queue with all its messages; false if there is none.';
COMMENT ON FUNCTION ${schema}.enqueue(text, bytea, integer, interval, text, text[], interval, text, timestamptz) IS
  'Enqueues a message in the caller''s transaction: SELECT ${schema}.enqueue(''mails'', ''payload'', in_key => ''42''). Priority (higher first), delay, key (one at a time, in order), headers (name, value, …), life, deduplication key, not before. Returns its number, or that of the one it duplicates.';
COMMENT ON FUNCTION ${schema}.enqueue_all(text[], bytea[], integer[], bigint[], text[], text[], bigint[], text[], timestamptz[]) IS
  'Enqueues up to 1,000 messages in the caller''s transaction: queues, payloads, priorities, delays in ms, keys, headers (array literals), lives in ms, deduplication keys, not before. Answers with the number of the first (czxid), which the others follow; with deduplication keys, with an outcome for each: ok or duplicate.';
COMMENT ON FUNCTION ${schema}.request_enqueue(bigint, integer, bigint, text, bytea[]) IS
  'Enqueues payloads in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next.';
COMMENT ON FUNCTION ${schema}.request_enqueue_all(bigint, integer, bigint, text[], bytea[], integer[], bigint[], text[], text[], bigint[], text[], timestamptz[]) IS
  'Like enqueue_all, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next.';
COMMENT ON FUNCTION ${schema}.ring_idle(text[], integer[]) IS
  'Rings sleeping consumers of queues, for each as many as are given. After the commit of what they are rung for.';
COMMENT ON FUNCTION ${schema}.take(bigint, bigint, text, integer, bigint, boolean, bigint[], bigint[], bigint[], boolean, boolean) IS
  'Acks and takes for a session: session, number of the claim, queue, how many, lease in ms (null: as long as the session), whether each gets a claim of its own, claims that are done, single messages that are done (claims, ids), whether to sleep if there is none, whether it was asked before. Ask again, with the last argument, if the reply was lost.';
COMMENT ON FUNCTION ${schema}.take_now(text, integer) IS
  'Takes messages in the caller''s transaction: they are gone if it commits, and were never taken if it does not. Not from queues with keys.';
COMMENT ON FUNCTION ${schema}.take_leased(text, integer, interval) IS
  'Takes messages without a session, until the lease is over: SELECT * FROM ${schema}.take_leased(''mails'', 10, ''1 minute''). Then ack(claim, id), nack(claim, id, …) or extend(claim, ms).';
COMMENT ON FUNCTION ${schema}.ack(bigint, bigint, bigint) IS
  'Acks a message in the caller''s transaction: claim, id, session (0: taken by take_leased). Fails with PK003 if the claim is over.';
COMMENT ON FUNCTION ${schema}.nack(bigint, bigint, text, interval, boolean) IS
  'Gives back what was taken by take_leased: claim, id, error, delay (null: the queue''s backoff), whether to try it again. False if the lease was over.';
COMMENT ON FUNCTION ${schema}.extend(bigint, bigint, bigint) IS
  'Has a claim last so many ms from now; null: as long as its session. False if it is over.';
COMMENT ON FUNCTION ${schema}.request_return(bigint, integer, bigint, bigint[], bigint[], text[], bigint[], text[]) IS
  'Gives messages of a session back, in a transaction of its own, numbered so that a lost reply can be settled: claims, ids, how (retry, gone, release, dead), delays in ms, errors. For each ok or refused.';
COMMENT ON FUNCTION ${schema}.claim_split(bigint, bigint, bigint, bigint) IS
  'Gives a message of a session''s claim a claim of its own: session, claim, id, new number. May be asked again; false if the message is no longer in the claim.';
COMMENT ON FUNCTION ${schema}.claims_forget(bigint, bigint[], bigint) IS
  'Gives back claims of a session that its client does not know, with numbers below the last argument. Returns how many.';
COMMENT ON FUNCTION ${schema}.queue_tidy(text[]) IS
  'Advances what is due, ends what is over. Clients do this by themselves for the queues that they use; in a transaction of its own. Milliseconds until the next message is due, for each queue.';
COMMENT ON FUNCTION ${schema}.peek(text, integer) IS 'The next messages that would be taken, without taking them.';
COMMENT ON FUNCTION ${schema}.queue_sleep(bigint, text[], boolean) IS
  'Registers a session again that sleeps at these queues: session, queues, whether rings reach it. Returns the queues at which something waits.';
COMMENT ON FUNCTION ${schema}.is_paused(text) IS 'Whether nobody takes from a queue; null if there is none.';
COMMENT ON FUNCTION ${schema}.dead_letters_of(text, integer) IS 'The oldest dead letters of a queue, with their payloads.';
COMMENT ON FUNCTION ${schema}.pause(text) IS 'Lets nobody take from a queue; false if there is none, or it was paused.';
COMMENT ON FUNCTION ${schema}.resume(text) IS 'Ends a pause; false if there was none.';
COMMENT ON FUNCTION ${schema}.purge(text, integer) IS 'Deletes waiting messages, at most so many; call it until it returns 0.';
COMMENT ON FUNCTION ${schema}.redrive(text, bigint[], interval, integer) IS
  'Has dead letters wait again: queue, ids (null: all), only those that died so long ago, at most so many. Returns how many.';
COMMENT ON FUNCTION ${schema}.discard(text, bigint[], interval) IS
  'Deletes dead letters: queue, ids (null: all), only those that died so long ago. Returns how many.';
COMMENT ON FUNCTION ${schema}.request_administer(bigint, integer, bigint, text, text, bigint[], interval, text) IS
  'Does one of purge, redrive, discard, pause, resume and unsubscribe in a transaction of its own, numbered so that a lost reply can be settled: what, queue (or topic), ids, age, subscription. How many messages it was, or 1 if something changed, is in the outcome''s children.';
COMMENT ON FUNCTION ${schema}.subscribe(text, text) IS 'Makes a subscription of a topic: the queue <topic>/<name>, whose name it returns.';
COMMENT ON FUNCTION ${schema}.unsubscribe(text, text) IS 'Ends a subscription, with all its messages; false if there was none.';
COMMENT ON FUNCTION ${schema}.subscriptions(text) IS 'The queues that get what is published under a topic.';
COMMENT ON FUNCTION ${schema}.publish(text, bytea, integer, interval, text, text[], interval, text, timestamptz) IS
  'Enqueues a message for every subscription of a topic, in the caller''s transaction; arguments like those of enqueue. Returns how many there are.';
COMMENT ON FUNCTION ${schema}.publish_all(text, bytea, integer, bigint, text, text, bigint, text, timestamptz) IS
  'The same, with times in ms and headers as an array literal; an outcome for each subscription, with its queue as the path.';
COMMENT ON FUNCTION ${schema}.request_publish(bigint, integer, bigint, text, bytea, integer, bigint, text, text, bigint, text, timestamptz) IS
  'Like publish_all, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next for the queues.';
COMMENT ON FUNCTION ${schema}.queue_report(text[], bigint[], bigint[], bigint[], bigint[], bigint[]) IS
  'Adds what a client has seen since its last report: queues; enqueued, taken, acked, returned, died. In a transaction of its own.';

CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 10, 6;
END;

SELECT ${schema}.pin_all();
SELECT ${schema}.grant_all();
