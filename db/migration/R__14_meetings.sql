-- Meetings: what double barriers stand on. A meeting is a node with a size; so many come together, and go together, again and
-- again. Who came is an ephemeral child named by its number, the node's czxid. Numbers only grow, so two of them in the
-- meeting's row of gathering say all there is to say of a round:
--   token  those up to here have begun: whoever has a greater number waits for the others to come
--   low    the rounds of those up to here are over: whoever is between the two is inside, and has left if its data say so
--
--   come    adds a child; the one that makes the size full begins the round for all.
--   leave   marks a child as one that has left, or takes it away at once for somebody who does not wait for the others; the last
--           one inside ends the round, and takes the children of all away.
--   quit    takes back a child whose round has not begun.
--
-- All are decided under the meeting's row. A coming or leaving that decides nothing is not flushed, or all would take turns
-- at the log: if the server crashes and forgets it, its client finds out when it is back, and comes or leaves once more. What begins
-- or ends a round is flushed, and with it all before it. It rings in the same transaction, although notifying commits then wait
-- for this one's flush: that is once for a round, where a ring after the commit would be one more round trip of all who wait.
--
-- A ring says to a child's client, by the key that only it and these tables know, that its round has begun or is over: nobody has
-- to ask. Lost rings are found by the sweep. A child that goes with its session, or is deleted, is not counted any more; what the
-- round of the others comes to then is decided by whoever ended the session, or by the next sweep.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Creates a meeting, with what is missing above it; 'ok' also if somebody else just did.
CREATE OR REPLACE FUNCTION ${schema}._meeting_create(in_meeting text, in_size integer) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  outcome ${schema}.outcome;
BEGIN
  IF NOT coalesce(in_size BETWEEN 1 AND 10000 AND octet_length(in_meeting) <= 1950, false) THEN
    RETURN ${schema}._refused('bad_arguments', in_meeting);
  END IF;
  outcome := ${schema}._create(in_meeting, '', 'persistent', false, NULL, NULL, true, NULL);
  IF outcome.code = 'ok' THEN
    INSERT INTO ${schema}.gathering (path, creates, children, pzxid, recipe, permits, low, token)
      VALUES (in_meeting, 0, 0, outcome.czxid, 'double-barrier', in_size, outcome.czxid, outcome.czxid);
  ELSIF outcome.code = 'node_exists' THEN
    outcome.code := CASE WHEN EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = in_meeting) THEN 'ok' ELSE 'wrong_recipe' END;
  END IF;
  RETURN outcome;
END $$;

-- Tells the clients of these children, with the keys of each, that their round has begun or is over. Every role can listen: a ring that
-- says that it has begun shows the hash of the key, so that nobody who heard it can say that it is over.
CREATE OR REPLACE FUNCTION ${schema}._ring_meeting(in_sessions bigint[], in_keys bigint[], in_what text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT ${schema}._ring_session(c.session, 'meeting ' || encode(CASE in_what WHEN 'over' THEN int8send(c.key) ELSE sha256(int8send(c.key)) END, 'hex'))
    FROM unnest(in_sessions, in_keys) AS c (session, key);
END;

-- Decides what is due at a meeting, for a caller that holds its row and has just read it: ends the round that all have left,
-- and begins the next one if all of it have come. Returns the row as it is then.
CREATE OR REPLACE FUNCTION ${schema}._meeting_decide(m ${schema}.gathering) RETURNS ${schema}.gathering
LANGUAGE plpgsql AS $$
DECLARE
  sessions bigint[];
  keys     bigint[];
  gone     text[];
BEGIN
  IF m.low < m.token AND NOT EXISTS (SELECT FROM ${schema}.node n
      WHERE n.parent = m.path AND n.name > ${schema}._contender(m.low, '') AND n.name <= ${schema}._contender(m.token, '')
        AND n.data <> 'left') THEN
    WITH deleted AS (
      DELETE FROM ${schema}.node n
        WHERE n.parent = m.path AND n.name > ${schema}._contender(m.low, '') AND n.name <= ${schema}._contender(m.token, '')
        RETURNING n.path, n.owner, n.key
    )
    SELECT array_agg(path), array_agg(owner), array_agg(key) INTO gone, sessions, keys FROM deleted;
    UPDATE ${schema}.gathering p SET low = p.token, children = p.children - coalesce(cardinality(gone), 0), pzxid = ${schema}._next_zxid()
      WHERE p.path = m.path RETURNING * INTO m;
    PERFORM ${schema}._ring_meeting(sessions, keys, 'over');
    PERFORM ${schema}.ring_watched(gone);
  END IF;
  IF m.low = m.token AND m.children = m.permits THEN
    UPDATE ${schema}.gathering p SET token = p.pzxid, since = clock_timestamp() WHERE p.path = m.path RETURNING * INTO m;
    SELECT array_agg(n.owner), array_agg(n.key) INTO sessions, keys FROM ${schema}.node n
      WHERE n.parent = m.path AND n.name > ${schema}._contender(m.low, '');
    PERFORM ${schema}._ring_meeting(sessions, keys, 'begun');
  END IF;
  RETURN m;
END $$;

-- Somebody comes to a meeting, for a caller that holds the session's advisory lock. Answers with the child, granted if the round
-- has begun with it; or 'busy' if all places are taken, 'wrong_recipe' if the node is something else, 'session_expired', or
-- why the meeting cannot be made.
CREATE OR REPLACE FUNCTION ${schema}._meeting_come(in_session bigint, in_meeting text, in_size integer, in_key bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  m       ${schema}.gathering;
  moment  timestamptz;
  outcome ${schema}.outcome;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  LOOP
    UPDATE ${schema}.gathering p SET creates = creates + 1, children = children + 1, pzxid = ${schema}._next_zxid()
      FROM ${schema}.session s
      WHERE p.path = in_meeting AND p.recipe = 'double-barrier' AND p.permits = in_size AND p.children < in_size
        AND s.id = in_session AND ${schema}._may_own(s)
      RETURNING p.* INTO m;
    IF FOUND THEN
      moment := clock_timestamp();
      INSERT INTO ${schema}.node AS n (path, parent, name, kind, owner, ttl_ms, version, czxid, mzxid, ctime, mtime, data, key)
        SELECT m.path || '/' || name, m.path, name, 'ephemeral', in_session, NULL, 0, m.pzxid, m.pzxid, moment, moment, '', in_key
          FROM ${schema}._contender(m.pzxid, '') AS name
        RETURNING 'ok', n.path, n.czxid, false INTO outcome.code, outcome.path, outcome.number, outcome.granted;
      IF m.children = in_size AND m.low = m.token THEN
        m := ${schema}._meeting_decide(m);
        outcome.granted := outcome.number <= m.token;
      END IF;
      RETURN outcome;
    END IF;
    SELECT * INTO m FROM ${schema}.gathering p WHERE p.path = in_meeting FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      outcome := ${schema}._meeting_create(in_meeting, in_size);
      IF outcome.code <> 'ok' THEN
        RETURN outcome;
      END IF;
    ELSIF m.recipe IS DISTINCT FROM 'double-barrier' OR m.permits <> in_size THEN
      RETURN ${schema}._refused('wrong_recipe', in_meeting);
    ELSIF m.children >= in_size THEN
      RETURN ${schema}._refused('busy', in_meeting);
    ELSIF NOT ${schema}._session_joined(in_session) THEN
      RETURN ${schema}._refused('session_expired', in_meeting);
    END IF;
  END LOOP;
END $$;

-- Several come for one session, each for itself, in a transaction of their own, numbered so that a lost reply can be
-- settled (R__06_replies). Who of several finds a row locked for long fails, and goes alone. If watched, call ring_watched next.
CREATE OR REPLACE FUNCTION ${schema}.request_meeting_come(in_session bigint, in_slot integer, in_request bigint, in_meetings text[],
    in_sizes integer[], in_keys bigint[], OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  wish record;
BEGIN
  PERFORM ${schema}._owner_share(in_session);
  IF cardinality(in_meetings) = 1 THEN
    outcomes := ARRAY[${schema}._meeting_come(in_session, in_meetings[1], in_sizes[1], in_keys[1])];
    IF outcomes[1].code = 'ok' THEN
      watched := ${schema}._note_reply(in_session, in_slot, in_request, outcomes, outcomes[1].path, in_meetings[1]);
    END IF;
  ELSE
    PERFORM set_config('lock_timeout', '10ms', true);
    FOR wish IN SELECT * FROM unnest(in_meetings, in_sizes, in_keys) WITH ORDINALITY AS w (meeting, size, key, step)
      ORDER BY w.meeting COLLATE "C", w.step
    LOOP
      outcomes[wish.step] := ${schema}._meeting_come(in_session, wish.meeting, wish.size, wish.key);
    END LOOP;
    PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
    watched := ${schema}._is_watched(outcomes);
  END IF;
  IF (outcomes[1].granted OR EXISTS (SELECT FROM unnest(outcomes[2:]) AS o WHERE o.granted)) IS NOT TRUE THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_meeting_come(bigint, integer, bigint, text[], integer[], bigint[]) IS
  'Several participants of a session come to double barriers: paths, numbers of participants, keys for their rings. granted: they have entered; otherwise they wait, ask meeting_sweep. number: theirs. code: ok, busy, wrong_recipe, session_expired, bad_arguments.';

-- Several leave, each for itself: by the numbers of their children, waiting for the end of the round or not. Says of each whether
-- its round is over. May be asked again. In a transaction of its own.
CREATE OR REPLACE FUNCTION ${schema}.meeting_leave(in_meetings text[], in_numbers bigint[], in_waits boolean[]) RETURNS boolean[]
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  wish    record;
  m       ${schema}.gathering;
  others  boolean;
  over    boolean[];
  flushed boolean := false;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF cardinality(in_meetings) > 1 THEN
    PERFORM set_config('lock_timeout', '10ms', true);
  END IF;
  FOR wish IN SELECT * FROM unnest(in_meetings, in_numbers, in_waits) WITH ORDINALITY AS w (meeting, number, waits, step)
    ORDER BY w.meeting COLLATE "C", w.step
  LOOP
    SELECT * INTO m FROM ${schema}.gathering p WHERE p.path = wish.meeting AND p.recipe = 'double-barrier' FOR NO KEY UPDATE;
    IF FOUND AND m.low < wish.number THEN
      others := false;
      IF wish.waits THEN
        UPDATE ${schema}.node n SET data = 'left', version = version + 1, mzxid = ${schema}._next_zxid(), mtime = clock_timestamp()
          WHERE n.path = m.path || '/' || ${schema}._contender(wish.number, '') AND n.data <> 'left'
          RETURNING EXISTS (SELECT FROM ${schema}.node o WHERE o.parent = m.path AND o.name > ${schema}._contender(m.low, '')
            AND o.name <= ${schema}._contender(m.token, '') AND o.data <> 'left' AND o.path <> n.path) INTO others;
      ELSE
        m := ${schema}._meeting_take_away(m, wish.number);
        flushed := true;
      END IF;
      IF others IS NOT TRUE THEN
        m := ${schema}._meeting_decide(m);
        flushed := flushed OR m.low >= wish.number;
      END IF;
    END IF;
    over[wish.step] := m.low IS NULL OR m.low >= wish.number;
  END LOOP;
  IF NOT flushed THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN over;
END $$;
COMMENT ON FUNCTION ${schema}.meeting_leave(text[], bigint[], boolean[]) IS
  'Participants leave double barriers, by paths and numbers, waiting for the others or not; true for those of whom all have left.';

-- Deletes a child of a meeting, for a caller that holds the meeting's row; nothing if it is gone.
CREATE OR REPLACE FUNCTION ${schema}._meeting_take_away(m ${schema}.gathering, in_number bigint) RETURNS ${schema}.gathering
LANGUAGE plpgsql AS $$
DECLARE
  child text := m.path || '/' || ${schema}._contender(in_number, '');
BEGIN
  DELETE FROM ${schema}.node n WHERE n.path = child;
  IF FOUND THEN
    UPDATE ${schema}.gathering p SET children = children - 1, pzxid = ${schema}._next_zxid() WHERE p.path = m.path RETURNING * INTO m;
    PERFORM ${schema}.ring_watched(ARRAY[child]);
  END IF;
  RETURN m;
END $$;

-- Somebody who waits for a round to begin gives up. False: it has begun. May be asked again. In a transaction of its own.
CREATE OR REPLACE FUNCTION ${schema}.meeting_quit(in_meeting text, in_number bigint) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  m ${schema}.gathering;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  SELECT * INTO m FROM ${schema}.gathering p WHERE p.path = in_meeting AND p.recipe = 'double-barrier' FOR NO KEY UPDATE;
  IF FOUND AND m.token >= in_number
      AND EXISTS (SELECT FROM ${schema}.node n WHERE n.path = in_meeting || '/' || ${schema}._contender(in_number, '')) THEN
    RETURN false;
  END IF;
  PERFORM ${schema}._meeting_take_away(m, in_number);
  RETURN true;
END $$;
COMMENT ON FUNCTION ${schema}.meeting_quit(text, bigint) IS
  'A participant that waits to enter a double barrier gives up; false if it has entered meanwhile.';

-- What has become of these children, and of the rounds that they are in: begun, over, whether they are there, and whether they
-- have left. Decides what is due, in case nobody has since a session ended. Waits for nobody: one
-- transaction does not keep the client's other looks waiting.
CREATE OR REPLACE FUNCTION ${schema}.meeting_sweep(in_meetings text[], in_numbers bigint[])
RETURNS TABLE (number bigint, present boolean, has_left boolean, begun boolean, over boolean)
LANGUAGE plpgsql AS $$
DECLARE
  m ${schema}.gathering;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR m IN SELECT * FROM ${schema}.gathering p WHERE p.path = ANY (in_meetings) AND p.recipe = 'double-barrier'
    ORDER BY p.path FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    PERFORM ${schema}._meeting_decide(m);
  END LOOP;
  RETURN QUERY
    SELECT asked.number, n.path IS NOT NULL, coalesce(n.data = 'left', false), coalesce(n.path IS NOT NULL AND p.token >= asked.number, false),
        coalesce(p.low >= asked.number, true)
      FROM unnest(in_meetings, in_numbers) AS asked (meeting, number)
        LEFT JOIN ${schema}.gathering p ON p.path = asked.meeting AND p.recipe = 'double-barrier'
        LEFT JOIN ${schema}.node n ON n.path = asked.meeting || '/' || ${schema}._contender(asked.number, '');
END $$;
COMMENT ON FUNCTION ${schema}.meeting_sweep(text[], bigint[]) IS
  'What has become of participants of double barriers, by paths and numbers.';

-- Decides what is due at the meetings in which some of these nodes were, which went with their session.
CREATE OR REPLACE FUNCTION ${schema}._meetings_without(in_paths text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m ${schema}.gathering;
BEGIN
  FOR m IN SELECT * FROM ${schema}.gathering p
    WHERE p.path IN (SELECT ${schema}._new_parent_of(path) FROM unnest(in_paths) AS path) AND p.recipe = 'double-barrier'
    ORDER BY p.path FOR NO KEY UPDATE
  LOOP
    PERFORM ${schema}._meeting_decide(m);
  END LOOP;
END $$;

CREATE OR REPLACE VIEW ${schema}.double_barriers AS
  SELECT p.path, p.permits AS participants, c.waiting, c.inside, c.has_left, CASE WHEN p.token > p.low THEN p.since END AS since
  FROM ${schema}.gathering p,
    LATERAL (SELECT count(*) FILTER (WHERE n.czxid > p.token) AS waiting,
        count(*) FILTER (WHERE n.czxid <= p.token AND n.data <> 'left') AS inside,
        count(*) FILTER (WHERE n.data = 'left') AS has_left
      FROM ${schema}.node n WHERE n.parent = p.path) AS c
  WHERE p.recipe = 'double-barrier';
COMMENT ON VIEW ${schema}.double_barriers IS 'Who is where at which double barrier.';
COMMENT ON COLUMN ${schema}.double_barriers.path IS 'The barrier; its children are the participants.';
COMMENT ON COLUMN ${schema}.double_barriers.participants IS 'How many enter together.';
COMMENT ON COLUMN ${schema}.double_barriers.waiting IS 'How many wait for the others to come.';
COMMENT ON COLUMN ${schema}.double_barriers.inside IS 'How many have entered and not left.';
COMMENT ON COLUMN ${schema}.double_barriers.has_left IS 'How many have left, and wait for the others to leave.';
COMMENT ON COLUMN ${schema}.double_barriers.since IS 'When those inside entered; null if nobody is inside.';

SELECT ${schema}._pin_and_grant();
