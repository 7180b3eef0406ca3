-- Where lanes begin, and whose turn it is among the messages of a key: see the head of R__17_queues.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Messages are done with: if they had their keys' turns, those are over. Where nobody has a key's turn, the first message of the key
-- comes back to its lane if it was behind, and is rung for.
CREATE OR REPLACE FUNCTION ${schema}._keys_free(in_queues integer[], in_keys text[], in_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  back integer[];
BEGIN
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT ${schema}._message_key_key(s, a.queue, a.key) AS lock
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
      WHERE first.lane = ${schema}._behind()
        AND (SELECT t.id FROM ${schema}.key_turn t WHERE t.queue = k.queue AND t.key = k.key) IS NULL
  ), moved AS (
    UPDATE ${schema}.message m SET lane = m.priority FROM next n
      WHERE m.queue = n.queue AND m.key = n.key AND m.id = n.id RETURNING m.queue
  )
  SELECT array_agg(queue) INTO back FROM moved;
  IF back IS NOT NULL THEN
    PERFORM ${schema}._ring_queues(back);
  END IF;
END $$;

-- Has lanes begin at these messages at the latest. The locks are first: whoever looks at a lane has not seen the message, or is
-- done. They are shared, and the row is left alone where it is low enough, so that nobody waits for a caller's transaction.
CREATE OR REPLACE FUNCTION ${schema}._lanes_reach(in_queues integer[], in_lanes smallint[], in_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  reached record;
BEGIN
  FOR reached IN SELECT a.queue, a.lane, min(a.id) AS id FROM unnest(in_queues, in_lanes, in_ids) AS a (queue, lane, id)
      GROUP BY a.queue, a.lane ORDER BY a.queue, a.lane LOOP
    PERFORM pg_advisory_xact_lock_shared(${schema}._lane_key(k, reached.queue, reached.lane)) FROM ${schema}.secret k WHERE k.only_row;
    UPDATE ${schema}.lane l SET low = least(l.low, reached.id), next_low = least(l.next_low, reached.id)
      WHERE l.queue = reached.queue AND l.lane = reached.lane AND (l.low > reached.id OR l.next_low > reached.id);
  END LOOP;
END $$;

-- Brings back the first message of each key that has messages behind and no turn. Our functions leave no key in that state; statements
-- that somebody wrote by hand may. Looks at the oldest messages that are behind, and at some others, so that it finds each key in the end.
CREATE OR REPLACE FUNCTION ${schema}._keys_look(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  oldest bigint := (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}._behind() ORDER BY m.id LIMIT 1);
  newest bigint := (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}._behind() ORDER BY m.id DESC LIMIT 1);
  stuck  text[];
BEGIN
  SELECT array_agg(k.key) INTO stuck FROM (
      SELECT DISTINCT near.key FROM unnest(ARRAY[oldest, oldest + floor(random() * (newest - oldest))::bigint]) AS start (id),
        LATERAL (SELECT m.key FROM ${schema}.message m
          WHERE m.queue = in_queue AND m.lane = ${schema}._behind() AND m.id >= start.id ORDER BY m.id LIMIT 100) near) k
    WHERE NOT EXISTS (SELECT FROM ${schema}.key_turn t WHERE t.queue = in_queue AND t.key = k.key)
      AND pg_try_advisory_xact_lock(${schema}._message_key_key(secret, in_queue, k.key));
  IF stuck IS NOT NULL THEN
    PERFORM ${schema}._keys_free(array_fill(in_queue, ARRAY[cardinality(stuck)]), stuck, array_fill(0::bigint, ARRAY[cardinality(stuck)]));
  END IF;
END $$;

-- Looks where lanes begin.
CREATE OR REPLACE FUNCTION ${schema}._lanes_look(in_queue integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  secret ${schema}.secret := (SELECT s FROM ${schema}.secret s WHERE s.only_row);
  here      ${schema}.lane;
  began     timestamptz;
  least_now bigint;
BEGIN
  FOR here IN SELECT * FROM ${schema}.lane l WHERE l.queue = in_queue AND l.look_at <= clock_timestamp() ORDER BY l.lane LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(${schema}._lane_key(secret, in_queue, here.lane));
    began := clock_timestamp();
    least_now := least(${schema}._last_zxid() << 10,
      (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = here.lane ORDER BY m.id LIMIT 1),
      (SELECT m.id FROM ${schema}.message m WHERE m.queue = in_queue AND m.lane = ${schema}._behind() ORDER BY m.id LIMIT 1));
    UPDATE ${schema}.lane l SET low = least(l.next_low, least_now), next_low = least_now,
        look_at = clock_timestamp() + greatest(interval '1 s', 20 * (clock_timestamp() - began))
      WHERE l.queue = in_queue AND l.lane = here.lane;
    IF least_now < here.low THEN -- A transaction that took long has left it: those whom it rang did not find it.
      PERFORM ${schema}._ring_queues(ARRAY[in_queue]);
    END IF;
  END LOOP;
END $$;

SELECT ${schema}._pin_and_grant();
