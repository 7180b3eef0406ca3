-- Topics: what is published goes to every subscription, and each is a queue of its own.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Makes a subscription: the queue <topic>/<name>, which has what is published from now on.
CREATE OR REPLACE FUNCTION ${schema}.subscribe(in_topic text, in_name text) RETURNS text
LANGUAGE sql
BEGIN ATOMIC
  SELECT in_topic || '/' || in_name FROM ${schema}.queue_create(in_topic || '/' || in_name, in_topic => in_topic);
END;
COMMENT ON FUNCTION ${schema}.subscribe(text, text) IS 'Makes a subscription of a topic: the queue <topic>/<name>, whose name it returns.';

-- Ends a subscription, with all its messages. False: there was none.
CREATE OR REPLACE FUNCTION ${schema}.unsubscribe(in_topic text, in_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.queue q WHERE q.name = in_topic || '/' || in_name AND q.topic = in_topic)
    AND ${schema}.queue_drop(in_topic || '/' || in_name);
END $$;
COMMENT ON FUNCTION ${schema}.unsubscribe(text, text) IS 'Ends a subscription, with all its messages; false if there was none.';

-- Which queues get what is published under a topic.
CREATE OR REPLACE FUNCTION ${schema}.subscriptions(in_topic text) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT q.name FROM ${schema}.queue q WHERE q.topic = in_topic ORDER BY q.id;
END;
COMMENT ON FUNCTION ${schema}.subscriptions(text) IS 'The queues that get what is published under a topic.';

-- Publishes one message to each subscription: an outcome for each, ok or duplicate, whose path is the subscription's queue.
CREATE OR REPLACE FUNCTION ${schema}._publish(in_topic text, in_payload bytea, in_priority integer, in_delay_ms bigint, in_key text,
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
  first := outcome.number;
  FOR i IN 1 .. cardinality(queues) LOOP
    IF in_dedup_key IS NOT NULL THEN
      outcome := outcomes[i];
    ELSE
      outcome.number := first + i - 1;
    END IF;
    outcome.path := queues[i];
    outcomes[i] := outcome;
  END LOOP;
END $$;

-- Publishes in a transaction of its own, numbered so that a lost reply can be settled. Where nobody subscribed, nothing is
-- noted, as nothing was done.
CREATE OR REPLACE FUNCTION ${schema}.request_publish(in_session bigint, in_slot integer, in_request bigint, in_topic text, in_payload bytea,
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
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
    watched := ${schema}._is_idle(published.queues);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_publish(bigint, integer, bigint, text, bytea, integer, bigint, text, text, bigint, text, timestamptz) IS
  'Like publish_all, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring_idle next for the queues.';

-- Publishes in the caller's transaction: there if that commits, and then it rings.
CREATE OR REPLACE FUNCTION ${schema}.publish_all(in_topic text, in_payload bytea, in_priority integer, in_delay_ms bigint, in_key text,
    in_headers text, in_life_ms bigint, in_dedup_key text, in_not_before timestamptz DEFAULT NULL) RETURNS ${schema}.outcome[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  published record;
BEGIN
  SELECT * INTO published FROM ${schema}._publish(in_topic, in_payload, in_priority, in_delay_ms, in_key, in_headers, in_life_ms,
    in_dedup_key, in_not_before);
  IF cardinality(published.outcomes) > 0 AND ${schema}._is_idle(published.queues) THEN
    PERFORM ${schema}.ring_idle(published.queues, array_fill(1, ARRAY[cardinality(published.queues)]));
  END IF;
  RETURN published.outcomes;
END $$;
COMMENT ON FUNCTION ${schema}.publish_all(text, bytea, integer, bigint, text, text, bigint, text, timestamptz) IS
  'The same, with times in ms and headers as an array literal; an outcome for each subscription, with its queue as the path.';

-- The same, as one writes it by hand. Returns how many subscriptions it went to.
CREATE OR REPLACE FUNCTION ${schema}.publish(in_topic text, in_payload bytea, in_priority integer DEFAULT NULL, in_delay interval DEFAULT NULL,
    in_key text DEFAULT NULL, in_headers text[] DEFAULT NULL, in_life interval DEFAULT NULL, in_dedup_key text DEFAULT NULL,
    in_not_before timestamptz DEFAULT NULL) RETURNS integer
LANGUAGE sql
RETURN cardinality(${schema}.publish_all(in_topic, in_payload, in_priority, (extract(epoch FROM in_delay) * 1000)::bigint, in_key,
  in_headers::text, (extract(epoch FROM in_life) * 1000)::bigint, in_dedup_key, in_not_before));
COMMENT ON FUNCTION ${schema}.publish(text, bytea, integer, interval, text, text[], interval, text, timestamptz) IS
  'Enqueues a message for every subscription of a topic, in the caller''s transaction; arguments like those of enqueue. Returns how many there are.';

SELECT ${schema}._pin_and_grant();
