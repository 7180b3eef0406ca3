-- A lost reply. The slot remembers the last request that committed, and only ever moves on. `settle` moves it on by
-- itself to the request in question: it finds the reply if the request had committed, and waits for it if it is just
-- committing; otherwise the request finds the slot moved on, whenever it may arrive, and does nothing. Either way its fate
-- is known and final, and the caller takes the reply or asks again under the next number.
--
-- What is here belongs to writes in a transaction of their own, numbered so that a lost reply can be settled.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Notes the reply to a request that is about to commit. True: somebody may have to be rung, who watches one path or the
-- other or a subtree. That is looked up here, after the last lock and in the same statement: it costs less than any function
-- that could be called for it. (So do two texts instead of the outcome: to take a field out of it in a statement costs
-- more than all the rest.) Fails, and so takes the request back, if it was settled before.
CREATE OR REPLACE FUNCTION ${schema}._note_reply(in_session bigint, in_slot integer, in_request bigint,
    in_outcomes ${schema}.outcome[], in_path text, in_above text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  watched boolean;
BEGIN
  LOOP
    UPDATE ${schema}.reply r SET request = in_request, at = clock_timestamp(), outcomes = in_outcomes
      WHERE r.session = in_session AND r.slot = in_slot AND r.request < in_request
      RETURNING coalesce(
        (SELECT true FROM ${schema}.watch w WHERE w.path = in_path ORDER BY w.session LIMIT 1),
        (SELECT true FROM ${schema}.watch w WHERE w.path = in_above ORDER BY w.session LIMIT 1),
        (SELECT true FROM ${schema}.watch w WHERE w.path = '*' ORDER BY w.session LIMIT 1), false)
      INTO watched;
    IF FOUND THEN
      RETURN watched;
    END IF;
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request - 1, NULL);
  END LOOP;
END $$;

-- Moves a slot on to a request, with its reply if it has one. Fails if the slot is there already, or past it.
CREATE OR REPLACE FUNCTION ${schema}._move_slot(in_session bigint, in_slot integer, in_request bigint,
    in_outcomes ${schema}.outcome[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.reply AS r VALUES (in_session, in_slot, in_request, clock_timestamp(), in_outcomes)
    ON CONFLICT (session, slot) DO UPDATE
      SET request = excluded.request, at = excluded.at, outcomes = excluded.outcomes WHERE r.request < excluded.request;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'slot % of session % has moved past request %', in_slot, in_session, in_request
      USING ERRCODE = 'PK001';
  END IF;
END $$;

-- What became of a request whose reply was lost: its outcomes; or none, and then it never will be done. Flushes what it tells of:
-- where that was to be flushed by a commit after its own, the connection may have broken in between.
CREATE OR REPLACE FUNCTION ${schema}.settle(in_session bigint, in_slot integer, in_request bigint) RETURNS SETOF ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  noted ${schema}.outcome[];
BEGIN
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, NULL);
EXCEPTION
  WHEN SQLSTATE 'PK001' THEN
    SELECT r.outcomes INTO STRICT noted FROM ${schema}.reply r
      WHERE r.session = in_session AND r.slot = in_slot AND r.request = in_request;
    PERFORM pg_logical_emit_message(true, '${schema}', '');
    RETURN QUERY SELECT * FROM unnest(noted);
END $$;
COMMENT ON FUNCTION ${schema}.settle(bigint, integer, bigint) IS
  'What became of a numbered request whose reply was lost: its outcomes; none if it was not done, and then it never will be.';

-- Forgets a slot that its client uses no more. Only one all of whose replies arrived: a request that is still on its way would
-- find no slot that has moved past it, and be done.
CREATE OR REPLACE FUNCTION ${schema}.slot_forget(in_session bigint, in_slot integer) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM ${schema}.reply r WHERE r.session = in_session AND r.slot = in_slot;
END $$;
COMMENT ON FUNCTION ${schema}.slot_forget(bigint, integer) IS
  'Forgets a slot of a session that its client uses no more and all of whose replies have arrived.';

-- Whether somebody may have to be rung for one of these.
CREATE OR REPLACE FUNCTION ${schema}._is_watched(outcomes ${schema}.outcome[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM unnest(outcomes) AS o,
      LATERAL unnest(ARRAY[o.path, ${schema}._parent_of(o.path), '*']) AS concerned (path),
      LATERAL (SELECT FROM ${schema}.watch w WHERE w.path = concerned.path ORDER BY w.session LIMIT 1) AS watcher
    WHERE o.code = 'ok');
END $$;

SELECT ${schema}._pin_and_grant();
