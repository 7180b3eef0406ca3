-- Acking and giving back what a session has claimed: see the head of R__17_queues.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Acks whole claims, and single messages of others; returns those that could not be, because they are no longer this session's: the
-- numbers of the claims, the ids of the messages; null if there is none.
CREATE OR REPLACE FUNCTION ${schema}._ack(in_session bigint, in_done bigint[], in_done_claims bigint[], in_done_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  c       ${schema}.claim;
  part    record;
  acked   bigint[];
  freed   ${schema}.message[];
  refused bigint[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
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
    c := ${schema}._claim_reduce(in_session, part.claim, part.ids);
    IF c.ids IS DISTINCT FROM part.ids THEN
      refused := refused || ARRAY(SELECT i FROM unnest(part.ids) AS i WHERE i <> ALL (coalesce(c.ids, '{}')));
    END IF;
    IF c.keyed THEN
      freed := freed || ${schema}._messages_of(c, c.ids);
    END IF;
  END LOOP;
  IF freed IS NOT NULL THEN
    PERFORM ${schema}._keys_free(array_agg(f.queue), array_agg(f.key), array_agg(f.id)) FROM unnest(freed) AS f
      WHERE f.key IS NOT NULL;
  END IF;
  RETURN nullif(refused, '{}');
END $$;

-- The messages of a claim with these ids.
CREATE OR REPLACE FUNCTION ${schema}._messages_of(c ${schema}.claim, in_ids bigint[]) RETURNS ${schema}.message[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT array_agg(m) FROM unnest(c.messages) AS m WHERE (m).id = ANY (in_ids));
END $$;

-- Takes messages out of a claim, and deletes it with the last one. Returns the claim with those ids that it had of them.
CREATE OR REPLACE FUNCTION ${schema}._claim_reduce(in_session bigint, in_claim bigint, in_ids bigint[]) RETURNS ${schema}.claim
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
CREATE OR REPLACE FUNCTION ${schema}.ack(in_claim bigint, in_id bigint, in_session bigint DEFAULT 0) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF ${schema}._ack(in_session, NULL, ARRAY[in_claim], ARRAY[in_id]) IS NOT NULL THEN
    RAISE EXCEPTION 'message % is no longer claimed as %', in_id, in_claim USING ERRCODE = 'PK003',
      HINT = 'Its lease or its session ended, or it was acked or given back. Nothing of this transaction may be committed.';
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.ack(bigint, bigint, bigint) IS
  'Acks a message in the caller''s transaction: claim, id, session (0: taken by take_leased). Fails with PK003 if the claim is over.';

-- Puts messages of claims back, or under the dead letters. How, for each:
--   retry    it was tried and failed: again after the delay (null: the queue's backoff), or dead if that was the last try
--   gone     its consumer went away: the same, at once
--   release  it was not tried
--   dead     it is not to be tried again
CREATE OR REPLACE FUNCTION ${schema}._give_back(in_messages ${schema}.message[], in_hows text[], in_delays_ms bigint[], in_errors text[])
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
    SELECT DISTINCT ${schema}._message_key_key(s, b.queue, b.key) AS lock
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
      PERFORM ${schema}._bury(m, reason);
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
  PERFORM ${schema}._lanes_reach(placed_queues, placed_lanes, placed_ids);
  IF freed_ids IS NOT NULL THEN
    PERFORM ${schema}._keys_free(freed_queues, freed_keys, freed_ids);
  END IF;
  PERFORM ${schema}._ring_queues(queues);
END $$;

-- The same, where it is one way for all.
CREATE OR REPLACE FUNCTION ${schema}._give_all_back(in_messages ${schema}.message[], in_how text, in_error text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_messages IS NOT NULL THEN
    PERFORM ${schema}._give_back(in_messages, array_fill(in_how, ARRAY[cardinality(in_messages)]), NULL,
      array_fill(in_error, ARRAY[cardinality(in_messages)]));
  END IF;
END $$;

-- Puts a message under the dead letters. Its key is freed by whoever calls this.
CREATE OR REPLACE FUNCTION ${schema}._bury(m ${schema}.message, in_reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.dead_letter VALUES (m.queue, m.id, clock_timestamp(), in_reason, m);
END $$;

-- Gives messages back; returns the ids that could not be, because they are no longer this session's.
CREATE OR REPLACE FUNCTION ${schema}._return(in_session bigint, in_claims bigint[], in_ids bigint[], in_hows text[], in_delays_ms bigint[],
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
  PERFORM ${schema}._ensure_read_committed();
  FOR one IN SELECT * FROM unnest(in_claims, in_ids, in_hows, in_delays_ms, in_errors) AS a (claim, id, how, delay_ms, error)
      ORDER BY a.claim, a.id LOOP
    IF one.how IS NULL OR one.how NOT IN ('retry', 'gone', 'release', 'dead') OR one.delay_ms < 0 THEN
      RAISE EXCEPTION 'message % cannot be given back as "%" after % ms', one.id, one.how, one.delay_ms
        USING ERRCODE = '22023', HINT = 'It is retry, gone, release or dead, and a delay is not negative.';
    END IF;
    c := ${schema}._claim_reduce(in_session, one.claim, ARRAY[one.id]);
    IF cardinality(c.ids) = 1 THEN
      back := back || ${schema}._messages_of(c, c.ids);
      hows := hows || one.how;
      delays_ms := delays_ms || one.delay_ms;
      errors := errors || one.error;
    ELSE
      refused := refused || one.id;
    END IF;
  END LOOP;
  PERFORM ${schema}._give_back(back, hows, delays_ms, errors);
  RETURN refused;
END $$;

-- The same in a transaction of its own, numbered so that a lost reply can be settled: an outcome for each, ok or refused.
CREATE OR REPLACE FUNCTION ${schema}.request_return(in_session bigint, in_slot integer, in_request bigint, in_claims bigint[], in_ids bigint[],
    in_hows text[], in_delays_ms bigint[], in_errors text[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  refused bigint[] := ${schema}._return(in_session, in_claims, in_ids, in_hows, in_delays_ms, in_errors);
  outcome ${schema}.outcome;
BEGIN
  FOR i IN 1 .. cardinality(in_ids) LOOP
    outcome.code := CASE WHEN in_ids[i] = ANY (refused) THEN 'refused' ELSE 'ok' END;
    outcome.number := in_ids[i];
    outcomes[i] := outcome;
  END LOOP;
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  watched := false;
END $$;
COMMENT ON FUNCTION ${schema}.request_return(bigint, integer, bigint, bigint[], bigint[], text[], bigint[], text[]) IS
  'Gives messages of a session back, in a transaction of its own, numbered so that a lost reply can be settled: claims, ids, how (retry, gone, release, dead), delays in ms, errors. For each ok or refused.';

-- Has a claim last until so long from now, instead of what was said before; null: as long as its session. False: it is no longer there.
CREATE OR REPLACE FUNCTION ${schema}.extend(in_claim bigint, in_lease_ms bigint, in_session bigint DEFAULT 0) RETURNS boolean
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
COMMENT ON FUNCTION ${schema}.extend(bigint, bigint, bigint) IS
  'Has a claim last so many ms from now; null: as long as its session. False if it is over.';

-- Gives a message of a claim a claim of its own, so that acking it in somebody's transaction keeps nobody from acking the others. May
-- be asked again. False: it is no longer in the claim.
CREATE OR REPLACE FUNCTION ${schema}.claim_split(in_session bigint, in_claim bigint, in_id bigint, in_new bigint) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  c ${schema}.claim;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM ${schema}._owner_share(in_session); -- Its end finds both claims.
  c := ${schema}._claim_reduce(in_session, in_claim, ARRAY[in_id]);
  IF cardinality(c.ids) = 1 THEN
    INSERT INTO ${schema}.claim VALUES (in_session, in_new, c.queue, c.taken, c.until, c.keyed, c.ids, NULL,
      ${schema}._messages_of(c, c.ids));
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.claim n WHERE n.session = in_session AND n.number = in_new AND in_id = ANY (n.ids));
END $$;
COMMENT ON FUNCTION ${schema}.claim_split(bigint, bigint, bigint, bigint) IS
  'Gives a message of a session''s claim a claim of its own: session, claim, id, new number. May be asked again; false if the message is no longer in the claim.';

-- Gives back at once all that a session had claimed which ends. Its end does not wait for somebody who has a lock that this needs: then
-- the claims become claims without a session whose time is over, and whoever tidies next gives them back.
CREATE OR REPLACE FUNCTION ${schema}._claims_leave(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.idle i WHERE i.session = in_session;
  IF EXISTS (SELECT FROM ${schema}.claim c WHERE c.session = in_session) AND NOT ${schema}._claims_return(in_session, ${schema}._patience()) THEN
    DELETE FROM ${schema}.claim c WHERE c.session = in_session AND c.ids = '{}';
    UPDATE ${schema}.claim c SET session = 0, number = ${schema}._next_zxid(), until = clock_timestamp() WHERE c.session = in_session;
  END IF;
END $$;

-- Gives them back. False: somebody has a lock that this needs, and nothing was given back.
CREATE OR REPLACE FUNCTION ${schema}._claims_return(in_session bigint, in_patience interval) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '2s' SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  back ${schema}.message[];
  c    ${schema}.claim;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM ${schema}._shorten_patience(in_patience);
  FOR c IN DELETE FROM ${schema}.claim d WHERE d.session = in_session RETURNING d.* LOOP
    back := back || ${schema}._messages_of(c, c.ids);
  END LOOP;
  PERFORM ${schema}._give_all_back(back, 'gone', 'the session of its consumer ended');
  RETURN true;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END $$;

-- Gives back claims of a session that its client knows nothing of: their calls were given up, and came all the same. Returns how many.
-- Only numbers below in_before, which is not above that of any call under way.
CREATE OR REPLACE FUNCTION ${schema}.claims_forget(in_session bigint, in_known bigint[], in_before bigint) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  c         ${schema}.claim;
  back      ${schema}.message[];
  forgotten integer := 0;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR c IN DELETE FROM ${schema}.claim d
      WHERE d.session = in_session AND d.number < in_before AND d.number <> ALL (in_known) RETURNING d.* LOOP
    back := back || ${schema}._messages_of(c, c.ids);
    forgotten := forgotten + 1;
  END LOOP;
  PERFORM ${schema}._give_all_back(back, 'release', NULL);
  RETURN forgotten;
END $$;
COMMENT ON FUNCTION ${schema}.claims_forget(bigint, bigint[], bigint) IS
  'Gives back claims of a session that its client does not know, with numbers below the last argument. Returns how many.';

SELECT ${schema}._pin_and_grant();
