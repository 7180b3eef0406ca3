-- What is to be done for queues from time to time, and what goes with it: the end of a queue, and claims without a session.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What is to be done from time to time for queues that are in use, by whoever uses them; how often, the library decides.
--   Messages that are due get their place, those whose time is over go under the dead letters, at most 500 of each queue.
--   Claims whose end is over go back.
--   Lanes are looked at as a whole, if nobody did within the last second (or twenty times as long as it took then). So are keys.
--   What counts no longer is forgotten: deduplication keys, tallies older than a day, what a dropped queue left.
-- Returns for each queue the milliseconds until the next message is due; null if there is none.
CREATE OR REPLACE FUNCTION ${schema}.queue_tidy(in_queues text[]) RETURNS TABLE (queue text, next_ms bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}._queues_forget();
  DELETE FROM ${schema}.queue_tally t USING ${schema}.queue q
    WHERE q.name = ANY (in_queues) AND t.queue = q.id AND t.minute < clock_timestamp() - interval '1 day';
  RETURN QUERY SELECT * FROM ${schema}._queue_tidy(in_queues);
END $$;
COMMENT ON FUNCTION ${schema}.queue_tidy(text[]) IS
  'Advances what is due, ends what is over. Clients do this by themselves for the queues that they use; in a transaction of its own. Milliseconds until the next message is due, for each queue.';

CREATE OR REPLACE FUNCTION ${schema}._queue_tidy(in_queues text[]) RETURNS TABLE (queue text, next_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  q        ${schema}.queue;
  advanced integer;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM ${schema}._claims_expire();
  FOR q IN SELECT * FROM ${schema}.queue a WHERE a.name = ANY (in_queues) ORDER BY a.id LOOP
    advanced := ${schema}._messages_advance(q.id);
    IF q.keyed AND EXISTS (SELECT FROM ${schema}.lane l WHERE l.queue = q.id AND l.look_at <= clock_timestamp()) THEN
      PERFORM ${schema}._keys_look(q.id);
    END IF;
    PERFORM ${schema}._lanes_look(q.id);
    PERFORM ${schema}._idle_look(q.name, q.idle_low);
    queue := q.name;
    next_ms := ${schema}._next_time(q.id);
    IF advanced = 0 AND next_ms < 100 THEN
      next_ms := 100; -- What could not be advanced is somebody else's just now.
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- Claims whose end is over go back. Of a session's, the row stays until its client lets go of it: if the reply of the call that made
-- it was lost, that is the proof of what else the call did.
CREATE OR REPLACE FUNCTION ${schema}._claims_expire() RETURNS void
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
    back := back || ${schema}._messages_of(c, c.ids);
  END LOOP;
  PERFORM ${schema}._give_all_back(back, 'gone', 'its lease was over');
END $$;

-- Messages that are due get their place, and those whose time is over go under the dead letters. Returns how many.
CREATE OR REPLACE FUNCTION ${schema}._messages_advance(in_queue integer) RETURNS integer
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
    CONTINUE WHEN m.key IS NOT NULL AND NOT pg_try_advisory_xact_lock(${schema}._message_key_key(secret, in_queue, m.key));
    IF m.expires <= clock_timestamp() THEN
      DELETE FROM ${schema}.message d WHERE d.ctid = one.spot;
      CONTINUE WHEN NOT FOUND; -- It was brought back since it was read: next time.
      PERFORM ${schema}._bury(m, 'its time was over');
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
    PERFORM ${schema}._lanes_reach(array_fill(in_queue, ARRAY[cardinality(ids)]), lanes, ids);
  END IF;
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}._keys_free(array_fill(in_queue, ARRAY[cardinality(freed_ids)]), freed_keys, freed_ids);
  END IF;
  IF ids IS NOT NULL THEN
    PERFORM ${schema}._ring_queues(array_fill(in_queue, ARRAY[cardinality(ids)]));
  END IF;
  RETURN advanced;
END $$;

-- Deletes what counts no longer, of all queues, a little at a time.
CREATE OR REPLACE FUNCTION ${schema}._queues_forget() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM ${schema}.dedup d WHERE d.ctid = ANY (ARRAY(
    SELECT o.ctid FROM ${schema}.dedup o WHERE o.until < clock_timestamp() - interval '1 minute' ORDER BY o.until LIMIT 500
      FOR UPDATE SKIP LOCKED));
  FOR gone IN SELECT d.queue FROM ${schema}.dropped_queue d ORDER BY d.queue FOR UPDATE SKIP LOCKED LOOP
    PERFORM ${schema}._queue_empty(gone);
    DELETE FROM ${schema}.dropped_queue d WHERE d.queue = gone AND d.at < clock_timestamp() - interval '1 hour';
  END LOOP;
END $$;

-- Deletes a queue with all its messages. False: there is none. What transactions under way still put there goes later (_queues_forget).
CREATE OR REPLACE FUNCTION ${schema}.queue_drop(in_queue text) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  gone integer;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  DELETE FROM ${schema}.queue q WHERE q.name = in_queue RETURNING q.id INTO gone;
  IF gone IS NULL THEN
    RETURN false;
  END IF;
  INSERT INTO ${schema}.dropped_queue VALUES (gone, clock_timestamp());
  PERFORM ${schema}._queue_empty(gone);
  PERFORM ${schema}.ring_idle(ARRAY[in_queue], ARRAY[1000]);
  RETURN true;
END $$;
COMMENT ON FUNCTION ${schema}.queue_drop(text) IS 'Deletes a queue with all its messages; false if there is none.';

-- Deletes all there is of a queue that was dropped, but for what somebody holds.
CREATE OR REPLACE FUNCTION ${schema}._queue_empty(in_queue integer) RETURNS void
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

-- For callers without a session.

-- Takes messages: each is claimed under a number of its own until the lease is over. Ack them with ack(claim, id), give them back
-- with nack, have them longer with extend.
CREATE OR REPLACE FUNCTION ${schema}.take_leased(in_queue text, in_count integer, in_lease interval)
RETURNS TABLE (claim bigint, id bigint, tries integer, key text, headers text[], enqueued timestamptz, payload bytea)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  first bigint := ${schema}._next_zxid() << 10;
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
COMMENT ON FUNCTION ${schema}.take_leased(text, integer, interval) IS
  'Takes messages without a session, until the lease is over: SELECT * FROM ${schema}.take_leased(''mails'', 10, ''1 minute''). Then ack(claim, id), nack(claim, id, …) or extend(claim, ms).';

-- Gives back a message that was taken by take_leased: again after the delay (null: the queue's backoff), or never. False: the lease was over.
CREATE OR REPLACE FUNCTION ${schema}.nack(in_claim bigint, in_id bigint, in_error text DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_again boolean DEFAULT true) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ${schema}._return(0, ARRAY[in_claim], ARRAY[in_id], ARRAY[CASE WHEN in_again THEN 'retry' ELSE 'dead' END],
    ARRAY[(extract(epoch FROM in_delay) * 1000)::bigint], ARRAY[in_error]) IS NULL;
END $$;
COMMENT ON FUNCTION ${schema}.nack(bigint, bigint, text, interval, boolean) IS
  'Gives back what was taken by take_leased: claim, id, error, delay (null: the queue''s backoff), whether to try it again. False if the lease was over.';

SELECT ${schema}._pin_and_grant();
