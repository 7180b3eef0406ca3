-- Lines: what locks, semaphores and elections stand on. A line is a node with permits: a mutex or an election has one, a
-- semaphore some, a read-write lock so many that a reader takes one and a writer all. Its children are the contenders, ephemeral
-- nodes <number>-<what>. The number is the node's czxid: its place in the line, and the token of what it will hold, so tokens grow in
-- the order of the grants and never come again.
--
-- One rule decides: a contender may hold once the weights of all that are ahead of it and its own fit into the permits. Nobody
-- ever gets ahead of somebody else, and those ahead only become fewer: what is true once stays true, so a contender can
-- take its turn without a lock on the line. Its state says what it has: w waits, h holds, r holds and is asked to give back.
--
-- A grant is written by whoever joins, in the row (_row_join, request_joins) or with a node (_line_join); by whoever leaves (line_free,
-- _ring_line); by whoever finds that the holder's session is over (_pass_on); and by the client itself (line_take).
--
-- The row: where there is one permit, those who come first have no node. Whoever finds nobody is the `holder` in the line's row
-- of gathering, and the next sixteen are `waiting` there: one row is updated in place where otherwise nodes are created and
-- deleted. Whoever finds that row full, or contenders with nodes, or has data or a limit to keep, waits with a node. So all
-- in the row are ahead of all with nodes; and nobody waits there but behind a holder. What a place in the row says is
-- valid as long as its session's row is there. Whether that is so can only be asked once the line's row is held: a statement
-- that waits for the row does not see the sessions that were opened meanwhile.
--
-- The end of a session takes it out of the rows where it is, and passes on what it held there, in its own transaction. `awaited`
-- notes where it has to look: in rows where somebody waits. Who joins such a row sees to the notes of its own session and of the
-- holder's, while it has the row. A note that it finds there will be found by the end of that session, which then waits
-- for the row. A note that it has to add, it adds under the advisory lock that the end takes first; if the holder's end has that
-- already, the join fails and is asked again. Notes are lost in a crash, and perhaps when they are tidied away: then those who wait
-- find at their sweep that the holder is over.
--
--   join   decides under the line's row of gathering, and grants at once if nobody is in the way. Flushed if it grants.
--   flush  makes a join durable that did not grant: a commit of nothing, flushed (line_flush). Apart from the join, because
--          others wait for the line's row until that is committed; and before anybody relies on the turn. It says whether the
--          contender is still there: a crash between the two forgets the join, and then its client joins again.
--   leave  (of the row: free) takes the contender or the holder away, makes holders of those who may hold now, and rings their
--          owners: all in one transaction, which is not flushed. The ring carries the contender's key, which only its client
--          and these tables know: whoever hears it holds, without asking. It fails with 55P03 where a fence keeps it waiting,
--          and is asked again: whoever wants to join would wait behind it.
--   take   does the same for a contender that was not rung, or whose ring was lost. Not flushed. May be asked at any time.
--   fence  keeps a hold from ending until the caller's transaction ends: it locks the contender, or the holder's session and
--          the line, against deletion; leaving, and ending the session, wait for that.
--
-- Why nothing else is flushed: if the server crashes and forgets that somebody left and that the next one got its turn, then the one
-- who left is in the line again, and its client leaves again once it is back, or its session ends. Until then nobody
-- but the next one in the line, whose place was flushed, can get the turn; it has it already, and only its fences fail meanwhile.
--
-- Crash after join: what it made goes with its session, or its client finds it among its own and leaves. After leave and
-- before its ring is heard: the client finds out at its sweep, or its session ends. Locks are taken in the order of V001.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Creates a line, with what is missing above it; 'ok' also if somebody else just did. A semaphore's size is to stay known, the
-- others go when nobody used them for a minute.
CREATE OR REPLACE FUNCTION ${schema}._line_create(in_line text, in_recipe text, in_permits integer) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  outcome ${schema}.outcome;
BEGIN
  IF NOT coalesce(in_permits BETWEEN 1 AND 1000000000 AND in_recipe ~ '^[a-z_]{1,30}$' AND octet_length(in_line) <= 1950, false) THEN
    RETURN ${schema}._refused('bad_arguments', in_line);
  END IF;
  outcome := ${schema}._create(in_line, '',
    CASE in_recipe WHEN 'semaphore' THEN 'persistent' ELSE 'container' END::${schema}.node_kind, false, NULL, NULL, true, NULL);
  IF outcome.code = 'ok' THEN
    INSERT INTO ${schema}.gathering VALUES (in_line, 0, 0, outcome.czxid, in_recipe, in_permits, outcome.czxid);
  ELSIF outcome.code = 'node_exists' THEN
    outcome.code := CASE WHEN EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = in_line) THEN 'ok' ELSE 'wrong_recipe' END;
  END IF;
  RETURN outcome;
END $$;

-- Joins a line in its row, for a caller that holds the session's advisory lock. Answers with the place, granted if it holds
-- already; without a code if there is no place for it. As few statements as it can be, because most locks are taken so.
CREATE OR REPLACE FUNCTION ${schema}._row_join(in_session bigint, in_line text, in_recipe text, in_try boolean, in_key bigint)
RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  holder  bigint;
  noted   integer;
  outcome ${schema}.outcome;
BEGIN
  UPDATE ${schema}.gathering p SET holder = coalesce(p.holder, in_session),
      token = CASE WHEN p.holder IS NULL THEN ${schema}._next_zxid() ELSE p.token END,
      since = CASE WHEN p.holder IS NULL THEN clock_timestamp() ELSE p.since END,
      revoked = CASE WHEN p.holder IS NOT NULL THEN p.revoked END,
      waiting = CASE WHEN p.holder IS NOT NULL THEN p.waiting || ARRAY[[${schema}._next_zxid(), in_session, in_key,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint]] ELSE p.waiting END
    FROM ${schema}.session s
    WHERE p.path = in_line AND p.recipe = in_recipe AND p.permits = 1 AND p.children = 0
      AND (p.holder IS NULL OR NOT in_try AND cardinality(p.waiting) < 64)
      AND s.id = in_session AND ${schema}._may_own(s)
    RETURNING 'ok', p.path, coalesce(p.waiting[array_upper(p.waiting, 1)][1], p.token), p.waiting = '{}', p.holder
    INTO outcome.code, outcome.path, outcome.number, outcome.granted, holder;
  IF NOT outcome.granted THEN
    SELECT count(*) INTO noted FROM ${schema}.awaited a WHERE a.session IN (in_session, holder) AND a.line = in_line;
    IF noted < 2 - (holder = in_session)::integer THEN
      INSERT INTO ${schema}.awaited VALUES (in_session, in_line) ON CONFLICT DO NOTHING;
      IF NOT ${schema}._await_holder(holder, in_line, false) THEN
        PERFORM ${schema}._pass_on(in_line);
        SELECT p.token = outcome.number INTO outcome.granted FROM ${schema}.gathering p WHERE p.path = in_line;
      END IF;
    END IF;
  END IF;
  RETURN outcome;
END $$;

-- Joins a line, for a caller that holds the session's advisory lock. Answers with the contender, granted if it holds
-- already; or 'busy' for somebody who will not wait, 'wrong_recipe' if the node is something else, 'session_expired', or why
-- the line cannot be made; 'line_created' if there is a new one now: then it is to be asked again, or in the row.
CREATE OR REPLACE FUNCTION ${schema}._line_join(in_session bigint, in_line text, in_recipe text, in_permits integer, in_what text,
    in_try boolean, in_limit_ms bigint, in_data bytea, in_key bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  line    ${schema}.gathering;
  holds   boolean;
  in_row  boolean := in_permits = 1 AND in_limit_ms IS NULL AND in_data = '';
  moment  timestamptz;
  outcome ${schema}.outcome;
BEGIN
  IF NOT coalesce(in_what ~ '^[0-9a-z]{1,20}$' AND (in_limit_ms IS NULL OR in_limit_ms > 0) AND in_data IS NOT NULL
      AND ${schema}._weight('0-' || in_what, in_permits) BETWEEN 1 AND in_permits, false) THEN
    RETURN ${schema}._refused('bad_arguments', in_line);
  END IF;
  SELECT * INTO line FROM ${schema}.gathering p WHERE p.path = in_line FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    outcome := ${schema}._line_create(in_line, in_recipe, in_permits);
    IF outcome.code = 'ok' THEN
      outcome.code := 'line_created';
    END IF;
    RETURN outcome;
  ELSIF line.recipe IS DISTINCT FROM in_recipe OR line.permits <> in_permits THEN
    RETURN ${schema}._refused('wrong_recipe', in_line);
  ELSIF in_permits = 1 THEN
    WHILE line.holder IS NOT NULL AND NOT ${schema}._await_holder(line.holder, in_line, in_try) LOOP
      line.holder := ${schema}._pass_on(in_line);
    END LOOP;
    holds := line.children = 0 AND line.holder IS NULL;
  ELSE
    SELECT in_permits >= ${schema}._weight('0-' || in_what, in_permits) + coalesce(sum(${schema}._weight(ahead.name, in_permits)), 0)
      INTO holds FROM ${schema}.node ahead
      WHERE ahead.parent = in_line AND ahead.name >= ${schema}._contender(line.low, '');
  END IF;
  IF in_try AND NOT holds THEN
    RETURN ${schema}._refused('busy', in_line);
  END IF;
  IF in_row AND line.children = 0 THEN
    outcome := ${schema}._row_join(in_session, in_line, in_recipe, in_try, in_key);
    IF outcome.code = 'ok' THEN
      RETURN outcome;
    END IF;
  END IF;
  UPDATE ${schema}.gathering p
    SET creates = creates + 1, children = children + 1, pzxid = ${schema}._next_zxid()
    FROM ${schema}.session s
    WHERE p.path = in_line AND s.id = in_session AND ${schema}._may_own(s)
    RETURNING p.pzxid, clock_timestamp() INTO line.pzxid, moment;
  IF NOT FOUND THEN
    RETURN ${schema}._refused('session_expired', in_line);
  END IF;
  INSERT INTO ${schema}.node AS n (path, parent, name, kind, owner, ttl_ms, version, czxid, mzxid, ctime, mtime, data, state, key)
    SELECT in_line || '/' || name, in_line, name, 'ephemeral', in_session, in_limit_ms, 0, line.pzxid, line.pzxid, moment, moment,
        in_data, CASE WHEN holds THEN 'h' ELSE 'w' END, in_key
      FROM ${schema}._contender(line.pzxid, '-' || in_what) AS name
    RETURNING 'ok', n.path, n.czxid, holds INTO outcome.code, outcome.path, outcome.number, outcome.granted;
  IF in_limit_ms IS NOT NULL THEN
    PERFORM ${schema}._limit_hold(outcome.path);
  END IF;
  RETURN outcome;
END $$;

-- Notes when a hold that was granted just now ends, if it is to.
CREATE OR REPLACE FUNCTION ${schema}._limit_hold(in_path text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO ${schema}.hold_limit
    SELECT n.path, n.mtime + n.ttl_ms * interval '1 millisecond' FROM ${schema}.node n
      WHERE n.path = in_path AND n.state <> 'w' AND n.ttl_ms IS NOT NULL
    ON CONFLICT DO NOTHING;
END;

-- Joins, in a transaction of its own, numbered so that a lost reply can be settled (R__06_replies). In the row if it can be, with as few
-- statements as that takes.
CREATE OR REPLACE FUNCTION ${schema}.request_join(in_session bigint, in_slot integer, in_request bigint, in_line text, in_recipe text,
    in_permits integer, in_what text, in_try boolean, in_limit_ms bigint, in_data bytea, in_key bigint,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  -- _owner_share, without the call.
  IF NOT (SELECT ${schema}._ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}._lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}._owner_wait(in_session);
  END IF;
  watched := false;
  LOOP
    IF in_permits = 1 AND in_limit_ms IS NULL AND in_data = '' THEN
      outcome := ${schema}._row_join(in_session, in_line, in_recipe, in_try, in_key);
      IF outcome.code = 'ok' THEN
        UPDATE ${schema}.reply r SET request = in_request, at = clock_timestamp(), outcomes = ARRAY[outcome]
          WHERE r.session = in_session AND r.slot = in_slot AND r.request < in_request;
        IF NOT FOUND THEN
          PERFORM ${schema}._move_slot(in_session, in_slot, in_request, ARRAY[outcome]);
        END IF;
        IF NOT outcome.granted THEN
          PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
        RETURN;
      END IF;
    END IF;
    outcome := ${schema}._line_join(in_session, in_line, in_recipe, in_permits, in_what, in_try, in_limit_ms, in_data, in_key);
    EXIT WHEN outcome.code <> 'line_created';
  END LOOP;
  IF outcome.code = 'ok' THEN
    watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], outcome.path, in_line);
    IF NOT outcome.granted THEN
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_join(bigint, integer, bigint, text, text, integer, text, boolean, bigint, bytea, bigint) IS
  'Joins a line for a session: line, recipe (mutex, semaphore, read_write, election), permits, what (lock, candidate, read, write or a number of permits), whether only to try, limit in ms, data, key. number: its token. granted: it holds; otherwise it waits, make it durable with line_flush and ask line_take. path: its node, to be given back with line_leave, or the line, with line_free. code: ok, busy, wrong_recipe, session_expired, bad_arguments.';

-- Several that join for one session, each for itself: those who can hold in the row in one statement, the rest one by
-- one. Who finds a row locked for long fails, and goes alone.
CREATE OR REPLACE FUNCTION ${schema}.request_joins(in_session bigint, in_slot integer, in_request bigint, in_lines text[], in_recipes text[],
    in_permits integer[], in_whats text[], in_tries boolean[], in_limits_ms bigint[], in_data bytea[], in_keys bigint[],
    OUT outcomes ${schema}.outcome[], OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET lock_timeout = '10ms' AS $$
DECLARE
  done record;
BEGIN
  IF ${schema}._session_joined(in_session) THEN
    FOR done IN
      UPDATE ${schema}.gathering p SET holder = in_session, revoked = NULL, since = clock_timestamp(), token = ${schema}._next_zxid()
        FROM (SELECT DISTINCT ON (line) * FROM unnest(in_lines, in_recipes, in_permits, in_limits_ms, in_data)
            WITH ORDINALITY AS a (line, recipe, permits, limit_ms, data, step) ORDER BY line, step) a
        WHERE p.path = a.line AND p.recipe = a.recipe AND p.permits = 1 AND a.permits = 1 AND p.children = 0
          AND a.limit_ms IS NULL AND a.data = ''
          AND p.holder IS NULL
        RETURNING a.step,
          ROW('ok', p.path, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, p.token, true, NULL)::${schema}.outcome AS outcome
    LOOP
      outcomes[done.step] := done.outcome;
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(in_lines) LOOP
    WHILE coalesce((outcomes[i]).code, 'line_created') = 'line_created' LOOP
      outcomes[i] := ${schema}._line_join(in_session, in_lines[i], in_recipes[i], in_permits[i], in_whats[i], in_tries[i],
        in_limits_ms[i], in_data[i], in_keys[i]);
      watched := true;
    END LOOP;
  END LOOP;
  PERFORM ${schema}._move_slot(in_session, in_slot, in_request, outcomes);
  IF watched THEN
    watched := ${schema}._is_watched(outcomes);
    IF NOT EXISTS (SELECT FROM unnest(outcomes) AS o WHERE o.granted) THEN
      PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_joins(bigint, integer, bigint, text[], text[], integer[], text[], boolean[], bigint[], bytea[], bigint[]) IS
  'Like request_join for several lines of one session, each for itself: an outcome for each. Fails with 55P03 where one of them is kept waiting; ask for each alone then.';

-- Gives up a place in a line's row, by its token, whether it waits or holds, and makes a holder of the next one. Not flushed:
-- call it in a transaction of its own. A holder's row is locked as for a deletion, because a fence keeps others from
-- deleting it; one who waits has nothing to do with that. It may come to hold in between, so it is looked for twice as a
-- holder. The next one is not asked for its session: that end takes it out of the row, or passes on what it finds it holds.
-- The former's session may have ended before this, or since the next one holds: whichever came first ended the hold.
CREATE OR REPLACE FUNCTION ${schema}.line_free(in_line text, in_token bigint) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '50ms' AS $$
DECLARE
  next_one  bigint;
  behind    bigint;
  low       bigint;
  rung      boolean;
  unflushed text;
  recipe    text;
  former    bigint;
  since     timestamptz;
  until     timestamptz;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR attempt IN 1 .. 2 LOOP
    UPDATE ${schema}.gathering p SET holder = p.waiting[1][2], token = coalesce(p.waiting[1][1], p.token), waiting = p.waiting[2:],
        revoked = NULL, since = clock_timestamp()
      FROM (SELECT h.path, h.waiting[1][3] AS key, h.holder, h.since FROM ${schema}.gathering h
        WHERE h.path = in_line AND h.token = in_token AND h.holder IS NOT NULL FOR UPDATE) AS l
      WHERE p.path = l.path
      RETURNING p.holder, p.children, p.low, set_config('synchronous_commit', 'off', true),
        ${schema}._ring_place(p.holder, p.path, p.token, l.key), p.recipe, l.holder, l.since, p.since
      INTO next_one, behind, low, unflushed, rung, recipe, former, since, until;
    IF FOUND THEN
      IF ${schema}._history_on() THEN
        INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)
          SELECT in_line, recipe, 'lock', in_token, former, since, coalesce(o.ended, until), coalesce(o.how, 'released')
            FROM (SELECT) AS always LEFT JOIN ${schema}.past_session o ON o.id = former AND o.ended <= until;
      END IF;
      IF next_one IS NULL AND behind > 0 THEN
        PERFORM ${schema}._ring_line(in_line, 1, low);
      END IF;
      RETURN;
    END IF;
    UPDATE ${schema}.gathering p SET waiting = ${schema}._without(p.waiting, in_token)
      WHERE p.path = in_line AND in_token = ANY (p.waiting)
      RETURNING set_config('synchronous_commit', 'off', true) INTO unflushed;
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM ${schema}.node n WHERE n.path = in_line AND n.state IS NOT NULL) THEN
    RAISE EXCEPTION '% is a place in a line, not a line', in_line USING ERRCODE = '22023',
      HINT = format('Give it up with line_leave(%L).', in_line);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.line_free(text, bigint) IS 'Gives up a place in the row of a line, waiting or holding, by its token; the next one holds and is rung. In a transaction of its own.';

-- The same for several: those behind whom nobody waits in the row in one statement, the rest one by one. Who finds a row
-- locked for long fails, and goes alone.
CREATE OR REPLACE FUNCTION ${schema}.lines_free(in_lines text[], in_tokens bigint[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET lock_timeout = '10ms' AS $$
DECLARE
  place record;
  gone  bigint[] := '{}';
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  FOR place IN
    WITH freed AS (
      UPDATE ${schema}.gathering p SET holder = NULL, since = clock_timestamp()
        FROM (SELECT l.path, l.holder, l.since FROM (SELECT * FROM unnest(in_lines, in_tokens) AS a (line, token) ORDER BY line) AS a
          JOIN ${schema}.gathering l ON l.path = a.line AND l.token = a.token AND l.holder IS NOT NULL AND l.waiting = '{}'
          FOR UPDATE OF l) AS l
        WHERE p.path = l.path
        RETURNING p.path, p.recipe, p.token, p.children, l.holder AS former, l.since, p.since AS until
    ), noted AS (
      INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)
        SELECT f.path, f.recipe, 'lock', f.token, f.former, f.since, coalesce(o.ended, f.until), coalesce(o.how, 'released')
          FROM freed f LEFT JOIN ${schema}.past_session o ON o.id = f.former WHERE ${schema}._history_on()
    )
    SELECT f.path, f.token, f.children FROM freed f
  LOOP
    gone := gone || place.token;
    IF place.children > 0 THEN
      PERFORM ${schema}._ring_line(place.path);
    END IF;
  END LOOP;
  FOR place IN SELECT * FROM unnest(in_lines, in_tokens) AS a (line, token) WHERE token <> ALL (gone) ORDER BY line LOOP
    PERFORM ${schema}.line_free(place.line, place.token);
  END LOOP;
  PERFORM set_config('synchronous_commit', 'off', true);
END $$;
COMMENT ON FUNCTION ${schema}.lines_free(text[], bigint[]) IS
  'Like line_free for several lines. Fails with 55P03 where one of them is kept waiting; free each alone then.';

-- Makes a join durable that did not grant, with everything before it. False: the server has crashed since, and forgot it; or
-- somebody has taken it away.
CREATE OR REPLACE FUNCTION ${schema}.line_flush(in_session bigint, in_node text, in_token bigint) RETURNS boolean
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM pg_logical_emit_message(true, '${schema}', '');
  RETURN EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = in_node
      AND (p.holder = in_session AND p.token = in_token OR in_session = ANY (p.waiting) AND in_token = ANY (p.waiting)))
    OR EXISTS (SELECT FROM ${schema}.node n WHERE n.path = in_node AND n.owner = in_session AND n.czxid = in_token);
END $$;
COMMENT ON FUNCTION ${schema}.line_flush(bigint, text, bigint) IS
  'Makes a place that waits durable, by its session, path and token. False: it is not there, because the server crashed since; join again. In a transaction of its own.';

-- A contender leaves its line, whether it waits or holds. One that is not there any more is nobody's concern. Makes holders of
-- those whose turn it is. Not flushed: call it in a transaction of its own.
CREATE OR REPLACE FUNCTION ${schema}.line_leave(in_path text) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '50ms' AS $$
DECLARE
  line      text := ${schema}._new_parent_of(in_path);
  behind    bigint;
  permits   integer;
  low       bigint;
  quick     boolean;
  watched   boolean;
  unflushed text;
  recipe    text;
  gone      ${schema}.node;
  ends      timestamptz;
  until     timestamptz;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  UPDATE ${schema}.gathering p SET children = children - 1, pzxid = ${schema}._next_zxid(),
      low = CASE p.children WHEN 1 THEN p.pzxid ELSE p.low END
    WHERE p.path = line AND p.recipe IS NOT NULL
    RETURNING p.recipe, p.children, p.permits, p.low, p.holder IS NOT NULL, set_config('synchronous_commit', 'off', true), coalesce(
      (SELECT true FROM ${schema}.watch w WHERE w.path = in_path ORDER BY w.session LIMIT 1),
      (SELECT true FROM ${schema}.watch w WHERE w.path = line ORDER BY w.session LIMIT 1),
      (SELECT true FROM ${schema}.watch w WHERE w.path = '*' ORDER BY w.session LIMIT 1), false)
    INTO recipe, behind, permits, low, quick, unflushed, watched;
  DELETE FROM ${schema}.node n WHERE n.path = in_path AND n.state IS NOT NULL RETURNING n.* INTO gone;
  IF NOT FOUND THEN
    -- Nobody left, so the line need not begin behind its last change.
    UPDATE ${schema}.gathering p SET children = children + 1, low = 0 WHERE p.path = line AND p.recipe IS NOT NULL;
    IF EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = in_path AND p.recipe IS NOT NULL) THEN
      RAISE EXCEPTION '% is a line, not a place in it', in_path USING ERRCODE = '22023',
        HINT = format('Give up a place in its row with line_free(%L, <token>).', in_path);
    END IF;
    RETURN;
  END IF;
  until := clock_timestamp();
  IF gone.ttl_ms IS NOT NULL THEN
    DELETE FROM ${schema}.hold_limit h WHERE h.path = in_path RETURNING h.ends INTO ends;
  END IF;
  IF gone.state <> 'w' AND ${schema}._history_on() THEN
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)
      VALUES (line, recipe, ${schema}._hold_what(recipe, gone.name, gone.data), gone.czxid, gone.owner, gone.mtime, until,
        CASE WHEN ends <= until THEN 'limit' ELSE 'released' END);
  END IF;
  IF behind > 0 THEN
    PERFORM ${schema}._ring_line(line, permits, low, quick);
  END IF;
  IF watched THEN
    PERFORM ${schema}.ring(in_path, true);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.line_leave(text) IS 'A contender leaves its line, waiting or holding; the next one holds and is rung. In a transaction of its own.';

-- The same for several. Who finds a row locked for long fails, and goes alone.
CREATE OR REPLACE FUNCTION ${schema}.lines_leave(in_paths text[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan SET lock_timeout = '10ms' AS $$
DECLARE
  line record;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM FROM ${schema}.gathering p
    WHERE p.path IN (SELECT ${schema}._new_parent_of(path) FROM unnest(in_paths) AS path) ORDER BY p.path FOR NO KEY UPDATE;
  FOR line IN
    WITH gone AS (
      DELETE FROM ${schema}.node n WHERE n.path = ANY (in_paths) AND n.state IS NOT NULL
        RETURNING n.path, n.parent, n.name, n.owner, n.state, n.czxid, n.mtime, n.ttl_ms, n.data, clock_timestamp() AS until
    ), counted AS (
      UPDATE ${schema}.gathering p SET children = children - g.number, pzxid = ${schema}._next_zxid(),
          low = CASE WHEN children = g.number THEN pzxid ELSE low END
        FROM (SELECT parent, count(*) AS number, count(ttl_ms) AS limited FROM gone GROUP BY parent) g WHERE p.path = g.parent
        RETURNING p.path, p.recipe, p.children, g.limited
    ), noted AS (
      INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)
        SELECT l.path, l.recipe, ${schema}._hold_what(l.recipe, g.name, g.data), g.czxid, g.owner, g.mtime, g.until,
            CASE WHEN h.ends <= g.until THEN 'limit' ELSE 'released' END
          FROM gone g JOIN counted l ON l.path = g.parent LEFT JOIN ${schema}.hold_limit h ON h.path = g.path
          WHERE g.state <> 'w' AND ${schema}._history_on()
    )
    SELECT l.path, l.children, l.limited FROM counted l
  LOOP
    IF line.children > 0 THEN
      PERFORM ${schema}._ring_line(line.path);
    END IF;
    IF line.limited > 0 THEN
      DELETE FROM ${schema}.hold_limit h WHERE h.path = ANY (in_paths);
    END IF;
  END LOOP;
  PERFORM ${schema}.ring_watched(in_paths);
END $$;
COMMENT ON FUNCTION ${schema}.lines_leave(text[]) IS
  'Like line_leave for several contenders. Fails with 55P03 where one of them is kept waiting; leave each alone then.';

-- Makes those of a session's contenders holders that may hold, and tells what became of all of them and of its places in the
-- rows of the lines among the paths: a row for each that is there. Waits for nobody, so that one transaction does
-- not keep the client's other looks waiting: a contender that somebody's transaction holds still waits.
CREATE OR REPLACE FUNCTION ${schema}.line_take(in_session bigint, in_paths text[])
RETURNS TABLE (path text, state text, token bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  limited text[];
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM set_config('synchronous_commit', 'off', true);
  WITH due AS (
    SELECT d.path FROM (SELECT DISTINCT w.parent FROM ${schema}.node w
        WHERE w.path = ANY (in_paths) AND w.owner = in_session AND w.state = 'w') l, ${schema}._due(l.parent) AS d (path)
  ), taken AS (
    UPDATE ${schema}.node n SET state = 'h', mtime = clock_timestamp()
      FROM (SELECT w.path FROM due JOIN ${schema}.node w ON w.path = due.path
        WHERE w.path = ANY (in_paths) AND w.owner = in_session AND w.state = 'w' FOR NO KEY UPDATE OF w SKIP LOCKED) d
      WHERE n.path = d.path AND EXISTS (SELECT FROM ${schema}.session s
        WHERE s.id = in_session AND ${schema}._lease_end(s.renewed, s.lease_ms) > clock_timestamp())
      RETURNING n.path, n.ttl_ms
  )
  SELECT array_agg(t.path) INTO limited FROM taken t WHERE t.ttl_ms IS NOT NULL;
  IF limited IS NOT NULL THEN
    PERFORM ${schema}._limit_hold(l) FROM unnest(limited) AS l;
  END IF;
  RETURN QUERY SELECT n.path, n.state::text, n.czxid FROM ${schema}.node n
    WHERE n.path = ANY (in_paths) AND n.owner = in_session AND n.state IS NOT NULL;
  PERFORM ${schema}._pass_on(p.path) FROM (
    SELECT l.path FROM ${schema}.gathering l WHERE l.path = ANY (in_paths) AND l.waiting <> '{}' AND NOT ${schema}._is_open(l.holder)
      ORDER BY l.path FOR NO KEY UPDATE SKIP LOCKED) p;
  RETURN QUERY
    SELECT ${schema}._row_place(p.path, p.token), CASE WHEN p.revoked THEN 'r' ELSE 'h' END, p.token FROM ${schema}.gathering p
      WHERE p.path = ANY (in_paths) AND p.holder = in_session AND ${schema}._is_open(in_session)
    UNION ALL
    SELECT ${schema}._row_place(p.path, p.waiting[i][1]), 'w', p.waiting[i][1]
      FROM ${schema}.gathering p, generate_subscripts(p.waiting, 1) AS i
      WHERE p.path = ANY (in_paths) AND p.waiting[i][2] = in_session AND ${schema}._is_open(in_session);
END $$;
COMMENT ON FUNCTION ${schema}.line_take(bigint, text[]) IS
  'Makes those of a session''s contenders holders whose turn it is, and tells the state of each: w waits, h holds, r is asked to give back.';

-- Whether a promotion or a restored backup may just have taken back what a session did last, and for longer than its client
-- remembers: the numbers were raised after it was opened, and others like it are still coming back.
CREATE OR REPLACE FUNCTION ${schema}._is_set_back(in_session bigint) RETURNS boolean
LANGUAGE sql
RETURN EXISTS (SELECT FROM ${schema}.session s, ${schema}.epoch e
  WHERE e.only_row AND s.id = in_session AND s.id < e.first AND clock_timestamp() < e.began + 2 * s.lease_ms * interval '1 ms');

-- Makes holders of all of a session's contenders that may hold, in case a ring was lost, and tells of all its contenders
-- and of its places in the rows of the given lines; of those in all lines if it was set back, which its client may have left long ago.
CREATE OR REPLACE FUNCTION ${schema}.line_sweep(in_session bigint, in_lines text[]) RETURNS TABLE (path text, state text, token bigint)
LANGUAGE sql
BEGIN ATOMIC
  SELECT * FROM ${schema}.line_take(in_session, in_lines || ARRAY(
    SELECT n.path FROM ${schema}.node n WHERE n.owner = in_session AND n.state IS NOT NULL ORDER BY n.path)
    || CASE WHEN ${schema}._is_set_back(in_session) THEN ARRAY(
      SELECT p.path FROM ${schema}.gathering p WHERE p.recipe IS NOT NULL AND (p.holder = in_session OR in_session = ANY (p.waiting))
        ORDER BY p.path) END);
END;
COMMENT ON FUNCTION ${schema}.line_sweep(bigint, text[]) IS
  'Like line_take for all contenders of a session and for its places in the rows of these lines: asked now and then, in case a ring was lost.';

-- All contenders of a line, first come first.
CREATE OR REPLACE FUNCTION ${schema}.contenders(in_line text) RETURNS TABLE (path text, token bigint, what text, holds boolean,
    since timestamptz, session bigint, client text, host text, pid bigint, data bytea)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT p.path, p.token, 'lock', true, p.since, s.id, s.client, s.host, s.pid, '\x'::bytea
    FROM ${schema}.gathering p JOIN ${schema}.session s ON s.id = p.holder WHERE p.path = in_line
  UNION ALL
  (SELECT p.path, p.waiting[i][1], 'lock', false, to_timestamp(p.waiting[i][4] / 1e6), s.id, s.client, s.host, s.pid, '\x'
    FROM ${schema}.gathering p CROSS JOIN generate_subscripts(p.waiting, 1) AS i JOIN ${schema}.session s ON s.id = p.waiting[i][2]
    WHERE p.path = in_line ORDER BY i)
  UNION ALL
  (SELECT n.path, n.czxid, substr(n.name, 21), n.state <> 'w', n.mtime, n.owner, s.client, s.host, s.pid, n.data
    FROM ${schema}.node n JOIN ${schema}.session s ON s.id = n.owner
    WHERE n.parent = in_line AND n.state IS NOT NULL ORDER BY n.name);
END;
COMMENT ON FUNCTION ${schema}.contenders(text) IS 'All who hold or wait in a line, first come first.';

-- What a node is, in words, for somebody who wanted it to be something else; null if there is none.
CREATE OR REPLACE FUNCTION ${schema}._line_instead(in_path text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT CASE WHEN p.recipe IS NULL THEN 'a plain node (' || n.kind || ')'
      ELSE replace(p.recipe, '_', ' ') || ' of ' || p.permits END
    FROM ${schema}.node n LEFT JOIN ${schema}.gathering p USING (path) WHERE n.path = in_path;
END;

-- Keeps a holder holding until the caller's transaction ends, whatever becomes of its client: who it is to be taken from waits.
-- Fails with PK003, and so fails the transaction, unless it holds at this moment with this token.
CREATE OR REPLACE FUNCTION ${schema}.fence(in_path text, in_token bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.gathering p JOIN ${schema}.session s ON s.id = p.holder
    WHERE p.path = in_path AND p.token = in_token FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM FROM ${schema}.node n WHERE n.path = in_path AND n.czxid = in_token AND n.state <> 'w'
        AND (n.ttl_ms IS NULL OR (SELECT h.ends FROM ${schema}.hold_limit h WHERE h.path = in_path) > clock_timestamp())
      FOR KEY SHARE OF n;
    IF NOT FOUND THEN
      RAISE EXCEPTION '% does not hold with token %', in_path, in_token USING ERRCODE = 'PK003',
        HINT = 'It was released, taken back or lost with its session. Nothing of this transaction may be committed.';
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.fence(text, bigint) IS
  'Lets the calling transaction commit only while the hold at this path has this token: SELECT pgkeeper.fence(''/locks/a'', 17). Fails with PK003 otherwise.';

-- A writer that holds becomes a reader that holds, with its number and in its place; true also if it had. It has another
-- name, so a fence of the writer's is waited for. From now on it is held as something else.
CREATE OR REPLACE FUNCTION ${schema}.line_downgrade(in_session bigint, in_path text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  line     text := ${schema}._parent_of(in_path);
  new_path text := left(in_path, -5) || 'read';
  was      ${schema}.node;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM FROM ${schema}.gathering p WHERE p.path = line FOR NO KEY UPDATE;
  SELECT * INTO was FROM ${schema}.node n
    WHERE n.path = in_path AND n.owner = in_session AND n.state <> 'w' AND n.name LIKE '%-write' FOR UPDATE;
  IF FOUND THEN
    PERFORM ${schema}._note_contender(was, 'downgraded', NULL, NULL);
    UPDATE ${schema}.node n SET path = new_path, name = left(n.name, -5) || 'read', mzxid = ${schema}._next_zxid(),
      mtime = clock_timestamp() WHERE n.path = in_path;
    UPDATE ${schema}.hold_limit h SET path = new_path WHERE h.path = in_path;
    PERFORM ${schema}._ring_line(line);
    PERFORM ${schema}.ring_watched(ARRAY[in_path, new_path]);
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.node n WHERE n.path = new_path AND n.owner = in_session);
END $$;
COMMENT ON FUNCTION ${schema}.line_downgrade(bigint, text) IS
  'Makes a writer that holds a reader that holds, with its token and in its place: session, path; false if it does not hold.';

-- Asks those who hold to give back: their clients are told. Returns how many were asked.
CREATE OR REPLACE FUNCTION ${schema}.line_revoke(in_line text) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  asked integer;
BEGIN
  WITH in_row AS (
    UPDATE ${schema}.gathering p SET revoked = true WHERE p.path = in_line AND ${schema}._is_open(p.holder)
      RETURNING p.holder, ${schema}._row_place(p.path, p.token)
  ), with_node AS (
    UPDATE ${schema}.node n SET state = 'r' WHERE n.parent = in_line AND n.state IN ('h', 'r') RETURNING n.owner, n.path
  )
  SELECT count(${schema}._ring_session(h.holder, h.place)) INTO asked
    FROM (SELECT * FROM in_row UNION ALL SELECT * FROM with_node) h (holder, place);
  RETURN asked;
END $$;
COMMENT ON FUNCTION ${schema}.line_revoke(text) IS 'Asks those who hold to give back; returns how many were asked.';

-- Ends holds whose time is over, at most so many, and passes over those that somebody's transaction fences. Returns how many.
CREATE OR REPLACE FUNCTION ${schema}.reap_holds(in_most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  ripe   text;
  reaped integer := 0;
BEGIN
  FOR ripe IN SELECT h.path FROM ${schema}.hold_limit h WHERE h.ends <= clock_timestamp() ORDER BY h.path LIMIT in_most LOOP
    IF ${schema}._end_hold(ripe) THEN
      reaped := reaped + 1;
    END IF;
  END LOOP;
  RETURN reaped;
END $$;
COMMENT ON FUNCTION ${schema}.reap_holds(integer) IS 'Ends at most so many holds whose limit is over. Clients do this by themselves.';

CREATE OR REPLACE FUNCTION ${schema}._end_hold(in_path text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM set_config('lock_timeout', '5ms', true);
  PERFORM ${schema}._ring_session(n.owner, n.path) FROM ${schema}.node n WHERE n.path = in_path;
  PERFORM ${schema}.line_leave(in_path);
  DELETE FROM ${schema}.hold_limit h WHERE h.path = in_path;
  RETURN true;
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN false;
END $$;

-- What everybody may look at.

CREATE OR REPLACE VIEW ${schema}.locks AS
  SELECT l.path, l.recipe, l.permits, h.what, h.token, h.since, h.revoked, h.ends, s.session, s.client, s.host, s.pid, s.alive
  FROM ${schema}.gathering l,
    LATERAL (
      SELECT 'lock' AS what, l.token, l.since, coalesce(l.revoked, false) AS revoked, NULL::timestamptz AS ends, l.holder AS session
      UNION ALL
      SELECT substr(n.name, 21), n.czxid, n.mtime, n.state = 'r', (SELECT e.ends FROM ${schema}.hold_limit e WHERE e.path = n.path),
          n.owner
        FROM ${schema}.node n WHERE n.parent = l.path AND n.state IN ('h', 'r')
    ) h CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = h.session OFFSET 0) s
  WHERE l.recipe IS NOT NULL AND l.recipe <> 'election';
COMMENT ON VIEW ${schema}.locks IS 'Who holds which lock or permits.';
COMMENT ON COLUMN ${schema}.locks.path IS 'What is held.';
COMMENT ON COLUMN ${schema}.locks.recipe IS 'mutex, read_write, semaphore, or what an application made of a line.';
COMMENT ON COLUMN ${schema}.locks.permits IS 'How many permits there are in all.';
COMMENT ON COLUMN ${schema}.locks.what IS 'lock, read, write, or how many permits.';
COMMENT ON COLUMN ${schema}.locks.token IS 'The number of the grant: later grants of this path have larger ones.';
COMMENT ON COLUMN ${schema}.locks.since IS 'When it was granted.';
COMMENT ON COLUMN ${schema}.locks.revoked IS 'Whether somebody asked to have it back.';
COMMENT ON COLUMN ${schema}.locks.ends IS 'When it ends by itself; null if it does not.';
COMMENT ON COLUMN ${schema}.locks.session IS 'Whose it is.';
COMMENT ON COLUMN ${schema}.locks.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.locks.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.locks.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.locks.alive IS 'False if the session is over and about to be ended.';

CREATE OR REPLACE VIEW ${schema}.lock_waiters AS
  SELECT l.path, l.recipe, w.what, row_number() OVER (PARTITION BY l.path ORDER BY w.token) AS place, w.since, w.token,
    s.session, s.client, s.host, s.pid, s.alive
  FROM ${schema}.gathering l,
    LATERAL (
      SELECT 'lock' AS what, to_timestamp(l.waiting[i][4] / 1e6) AS since, l.waiting[i][1] AS token, l.waiting[i][2] AS session
        FROM generate_subscripts(l.waiting, 1) AS i
      UNION ALL
      SELECT substr(n.name, 21), n.ctime, n.czxid, n.owner FROM ${schema}.node n WHERE n.parent = l.path AND n.state = 'w'
    ) w CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = w.session OFFSET 0) s
  WHERE l.recipe IS NOT NULL AND l.recipe <> 'election';
COMMENT ON VIEW ${schema}.lock_waiters IS 'Who waits for which lock, and in which place.';
COMMENT ON COLUMN ${schema}.lock_waiters.path IS 'What is waited for.';
COMMENT ON COLUMN ${schema}.lock_waiters.recipe IS 'What it is: see locks.';
COMMENT ON COLUMN ${schema}.lock_waiters.what IS 'lock, read, write, or how many permits.';
COMMENT ON COLUMN ${schema}.lock_waiters.place IS '1 is the next.';
COMMENT ON COLUMN ${schema}.lock_waiters.since IS 'When it began to wait.';
COMMENT ON COLUMN ${schema}.lock_waiters.token IS 'The number that its grant will have.';
COMMENT ON COLUMN ${schema}.lock_waiters.session IS 'Whose it is.';
COMMENT ON COLUMN ${schema}.lock_waiters.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.lock_waiters.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.lock_waiters.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.lock_waiters.alive IS 'False if the session is over and about to be ended.';

CREATE OR REPLACE VIEW ${schema}.candidates AS
  SELECT l.path, row_number() OVER (PARTITION BY l.path ORDER BY n.name) AS place,
    ${schema}._candidate_identity(n.data) AS identity,
    n.state <> 'w' AND s.alive AS leads, n.ctime AS joined, n.czxid AS token, s.session, s.client, s.host, s.pid, s.alive
  FROM ${schema}.gathering l JOIN ${schema}.node n ON n.parent = l.path AND n.state IS NOT NULL
    CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = n.owner OFFSET 0) s
  WHERE l.recipe = 'election';
COMMENT ON VIEW ${schema}.candidates IS 'Who stands in which election, first come first.';
COMMENT ON COLUMN ${schema}.candidates.path IS 'The election.';
COMMENT ON COLUMN ${schema}.candidates.place IS '1 leads, 2 is the next.';
COMMENT ON COLUMN ${schema}.candidates.identity IS 'The name the candidate gave itself.';
COMMENT ON COLUMN ${schema}.candidates.leads IS 'Whether it leads.';
COMMENT ON COLUMN ${schema}.candidates.joined IS 'When it began to stand.';
COMMENT ON COLUMN ${schema}.candidates.token IS 'The number of its leadership, also before it leads.';
COMMENT ON COLUMN ${schema}.candidates.session IS 'Whose it is.';
COMMENT ON COLUMN ${schema}.candidates.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.candidates.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.candidates.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.candidates.alive IS 'False if the session is over and about to be ended.';

CREATE OR REPLACE VIEW ${schema}.leaders AS
  SELECT c.path, c.identity, n.mtime AS since, c.token, c.session, c.client, c.host, c.pid
  FROM ${schema}.candidates c JOIN ${schema}.node n ON n.parent = c.path AND n.czxid = c.token WHERE c.leads;
COMMENT ON VIEW ${schema}.leaders IS 'Who leads.';
COMMENT ON COLUMN ${schema}.leaders.path IS 'The election.';
COMMENT ON COLUMN ${schema}.leaders.identity IS 'The name the leader gave itself.';
COMMENT ON COLUMN ${schema}.leaders.since IS 'When it became leader.';
COMMENT ON COLUMN ${schema}.leaders.token IS 'The number of its leadership: later ones have larger numbers.';
COMMENT ON COLUMN ${schema}.leaders.session IS 'Whose it is.';
COMMENT ON COLUMN ${schema}.leaders.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.leaders.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.leaders.pid IS 'The client''s process.';

SELECT ${schema}._pin_and_grant();
