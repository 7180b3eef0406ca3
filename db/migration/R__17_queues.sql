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

-- The lane of what waits behind another message of its key.
CREATE OR REPLACE FUNCTION ${schema}._behind() RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (-32768)::smallint;

-- Makes a queue, or changes what is given of its settings; null leaves what is there, or the default.
CREATE OR REPLACE FUNCTION ${schema}.queue_create(in_queue text, in_most_tries integer DEFAULT NULL, in_backoff_ms bigint DEFAULT NULL,
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
COMMENT ON FUNCTION ${schema}.queue_create(text, integer, bigint, bigint, bigint, integer, text) IS
  'Makes a queue, or changes what is given of its settings: name, most tries (10), backoff and longest backoff in ms (1 s, 1 h), deduplication window in ms (5 min), most bytes of a payload (1 MB), topic.';

-- The queue of this name; fails if there is none.
CREATE OR REPLACE FUNCTION ${schema}._queue_named(in_queue text) RETURNS ${schema}.queue
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

-- The advisory locks of a queue: of who sleeps there, of where a lane begins, and of a key.

CREATE OR REPLACE FUNCTION ${schema}._idle_key(k ${schema}.secret, in_queue text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}._lock_key(k, 'queue.' || in_queue);

CREATE OR REPLACE FUNCTION ${schema}._lane_key(k ${schema}.secret, in_queue integer, in_lane smallint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}._lock_key(k, 'lane.' || in_queue || '.' || in_lane);

CREATE OR REPLACE FUNCTION ${schema}._message_key_key(k ${schema}.secret, in_queue integer, in_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ${schema}._lock_key(k, 'key.' || in_queue || '.' || in_key);

-- Idle consumers.

-- Whether somebody sleeps who is to be rung for these queues. From here to its end the transaction counts as one that enqueues, so
-- nobody goes to sleep meanwhile without knowing.
CREATE OR REPLACE FUNCTION ${schema}._is_idle(in_queues text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${schema}._lock_key(k, 'queue.' || several.name))
    FROM ${schema}.secret k, (SELECT DISTINCT name FROM unnest(in_queues) AS name ORDER BY name) AS several WHERE k.only_row;
  RETURN EXISTS (SELECT FROM ${schema}.queue q JOIN ${schema}.idle i ON i.queue = q.name AND i.number >= q.idle_low
    WHERE q.name = ANY (in_queues));
END $$;

-- Rings sleeping consumers, for each queue as many as are given for it, and takes them out. Not flushed: after the commit of what
-- they are rung for, in a transaction of its own; or in a caller's transaction, and then when that commits.
CREATE OR REPLACE FUNCTION ${schema}.ring_idle(in_queues text[], in_numbers integer[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}._wake(a.queue, a.number) FROM unnest(in_queues, in_numbers) AS a (queue, number) ORDER BY a.queue;
END $$;
COMMENT ON FUNCTION ${schema}.ring_idle(text[], integer[]) IS
  'Rings sleeping consumers of queues, for each as many as are given. After the commit of what they are rung for.';

-- Those whom another transaction is about to ring are left to it as long as there are others. If there are not, they are rung too:
-- that transaction may take its time, and be rolled back.
CREATE OR REPLACE FUNCTION ${schema}._wake(in_queue text, in_number integer) RETURNS void
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
  SELECT count(${schema}._ring_session(r.session, 'queue ' || in_queue)) INTO rung FROM (
    SELECT w.session FROM woken w
    UNION ALL
    (SELECT s.session FROM ${schema}.idle s
      WHERE s.queue = in_queue AND s.number >= low AND s.session NOT IN (SELECT w.session FROM woken w)
      ORDER BY s.number LIMIT greatest(in_number - (SELECT count(*) FROM woken), 0))) r;
END $$;

-- Rings one sleeping consumer for each of these messages, which are told by their queues.
CREATE OR REPLACE FUNCTION ${schema}._ring_queues(in_queues integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  names   text[];
  numbers integer[];
BEGIN
  SELECT array_agg(a.name ORDER BY a.name), array_agg(a.number ORDER BY a.name) INTO names, numbers
    FROM (SELECT q.name, count(*)::integer AS number FROM unnest(in_queues) AS m (queue) JOIN ${schema}.queue q ON q.id = m.queue
        GROUP BY q.name) a;
  IF ${schema}._is_idle(names) THEN
    PERFORM ${schema}.ring_idle(names, numbers);
  END IF;
END $$;

-- Whether there is a message that could be taken if nobody else were at its key.
CREATE OR REPLACE FUNCTION ${schema}._is_waiting(in_queue integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.lane l, LATERAL (SELECT FROM ${schema}.message m
      WHERE m.queue = l.queue AND m.lane = l.lane AND m.id >= l.low AND (m.expires IS NULL OR m.expires > clock_timestamp())
      ORDER BY m.id LIMIT 1) first
    WHERE l.queue = in_queue);
END $$;

-- For a client that sleeps at these queues, now and then: where rings reach it (in_sleeps), it is registered once more, in case a ring or
-- a crash took it out without its knowing. Returns those queues at which something waits.
CREATE OR REPLACE FUNCTION ${schema}.queue_sleep(in_session bigint, in_queues text[], in_sleeps boolean) RETURNS SETOF text
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM ${schema}._owner_share(in_session);
  IF in_sleeps AND EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session) THEN
    INSERT INTO ${schema}.idle (queue, session)
      SELECT a.name, in_session FROM unnest(in_queues) AS a (name) LEFT JOIN ${schema}.queue q ON q.name = a.name
        WHERE NOT EXISTS (SELECT FROM ${schema}.idle i
          WHERE i.queue = a.name AND i.number >= coalesce(q.idle_low, 0) AND i.session = in_session);
  END IF;
  RETURN QUERY SELECT q.name FROM ${schema}.queue q
    WHERE q.name = ANY (in_queues) AND q.paused IS NULL AND ${schema}._is_waiting(q.id);
END $$;
COMMENT ON FUNCTION ${schema}.queue_sleep(bigint, text[], boolean) IS
  'Registers a session again that sleeps at these queues: session, queues, whether rings reach it. Returns the queues at which something waits.';

-- Looks where those who sleep at a queue begin, once many have come and gone. Nobody may be about to go to sleep meanwhile; and who
-- enqueues waits for this, so this waits for nobody.
CREATE OR REPLACE FUNCTION ${schema}._idle_look(in_queue text, in_low bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  last  bigint := coalesce(pg_sequence_last_value('${schema}.idle_number'), 1);
  first bigint := (SELECT i.number FROM ${schema}.idle i WHERE i.queue = in_queue AND i.number >= in_low ORDER BY i.number LIMIT 1);
BEGIN
  IF coalesce(first, last) - in_low < 1000
      OR NOT (SELECT pg_try_advisory_xact_lock(${schema}._idle_key(k, in_queue)) FROM ${schema}.secret k WHERE k.only_row) THEN
    RETURN;
  END IF;
  PERFORM FROM ${schema}.queue q WHERE q.name = in_queue FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE ${schema}.queue q SET idle_low = coalesce((SELECT i.number FROM ${schema}.idle i
        WHERE i.queue = in_queue AND i.number >= q.idle_low ORDER BY i.number LIMIT 1), last + 1)
      WHERE q.name = in_queue;
  END IF;
END $$;

-- Milliseconds until a message of this queue is due, or its time is over; null if none has a time.
CREATE OR REPLACE FUNCTION ${schema}._next_time(in_queue integer) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT greatest(0, extract(epoch FROM least(m.due, m.expires) - clock_timestamp()) * 1000)::bigint FROM ${schema}.message m
      WHERE m.queue = in_queue AND (m.due IS NOT NULL OR m.expires IS NOT NULL) ORDER BY least(m.due, m.expires) LIMIT 1);
END $$;

SELECT ${schema}._pin_and_grant();
