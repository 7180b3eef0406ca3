-- Epochs. Time and numbers are the database's, and it can be restarted, promoted or restored under its clients.
-- A new run of the server begins a new epoch before it hands out a number, and every lease counts from the epoch's beginning, so
-- that an outage ends nobody's session.
--
-- Numbers count microseconds, and each run of the server goes on at least where the clock is: nobody uses a million of them in a second
-- for long. So none is given out twice either where a copy of the disk, or a backup that was started as if it were the original, has
-- forgotten the last ones, which nothing tells.
--
-- Another timeline or another cluster may have lost the end of the old one, and its clock may be behind. There the numbers go on at least
-- 2^26 (a minute) after the first one of the last epoch that the database knows; and 2^40 (13 days) where the clock is behind that by
-- more than an hour (2^32), which tells nothing then. `first` says so: what was numbered before may be lost (V007). Numbers stay below
-- 2^53, which JSON and JavaScript can count.

-- The number that belongs to this moment.
CREATE FUNCTION ${schema}.clock_zxid() RETURNS bigint
LANGUAGE sql AS $$
  SELECT greatest(1, least(1::bigint << 52, extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000000))::bigint
$$;

-- The first number of the epoch after one that began with this number; null: of the very first.
CREATE FUNCTION ${schema}.next_epoch(last bigint, clock bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN clock < last - (1::bigint << 32) THEN last + (1::bigint << 40) ELSE greatest(clock, last + (1::bigint << 26)) END
$$;

-- The last number that was taken, 0 before the first. A sequence that is read like a table is scanned as one: see "Plans" in V001.
CREATE FUNCTION ${schema}.last_zxid() RETURNS bigint
LANGUAGE sql AS $$ SELECT coalesce(pg_sequence_last_value('${schema}.zxid'), 0) $$;

-- Which timeline of which cluster this is. Null where the server does not tell, as Aurora: there a failover loses nothing.
CREATE FUNCTION ${schema}.this_timeline(OUT system_id bigint, OUT timeline integer)
LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
  EXCEPTION
    WHEN OTHERS THEN
      timeline := NULL;
  END;
  BEGIN
    SELECT c.system_identifier INTO system_id FROM pg_control_system() c;
  EXCEPTION
    WHEN OTHERS THEN
      system_id := NULL;
  END;
END $$;

-- Begins an epoch if this run of the server has none yet. Raising the numbers and remembering the epoch are apart: the
-- first takes effect at once for everybody, the second ends with the caller's transaction, and nobody waits for it.
CREATE FUNCTION ${schema}.epoch_begin() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  last         ${schema}.epoch;
  this_started timestamptz := pg_postmaster_start_time();
  this         record;
  this_first   bigint;
  least_number bigint := ${schema}.clock_zxid();
BEGIN
  SELECT * INTO last FROM ${schema}.epoch WHERE only_row;
  IF last.server_started IS DISTINCT FROM this_started THEN
    SELECT * INTO this FROM ${schema}.this_timeline();
    this_first := last.first;
    IF last.first IS NULL OR (this.system_id, this.timeline) IS DISTINCT FROM (last.system_id, last.timeline) THEN
      this_first := ${schema}.next_epoch(last.first, least_number);
      least_number := this_first;
      IF last.first IS NOT NULL THEN
        PERFORM ${schema}.sequences_follow();
      END IF;
    END IF;
    PERFORM pg_advisory_lock(${schema}.lock_key('epoch', 0));
    PERFORM setval('${schema}.zxid', least_number) WHERE ${schema}.last_zxid() < least_number;
    PERFORM pg_advisory_unlock(${schema}.lock_key('epoch', 0));
    IF last.server_started IS NULL THEN
      -- Before the first epoch there was nobody to wait for.
      INSERT INTO ${schema}.epoch VALUES (true, this_first, '-infinity', this_started, this.system_id, this.timeline)
        ON CONFLICT DO NOTHING;
    ELSE
      PERFORM FROM ${schema}.epoch WHERE only_row AND server_started <> this_started FOR UPDATE SKIP LOCKED;
      IF FOUND THEN
        UPDATE ${schema}.epoch SET first = this_first, began = clock_timestamp(), server_started = this_started,
          system_id = this.system_id, timeline = this.timeline WHERE only_row;
      END IF;
    END IF;
  END IF;
  PERFORM set_config('${schema}.epoch', 'seen', false);
END $$;

-- The first number that a backend takes.
CREATE FUNCTION ${schema}.first_zxid() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.epoch_begin();
  RETURN nextval('${schema}.zxid');
END $$;

-- The next number. A backend looks at the epoch once: it cannot outlive the run of the server. PostgreSQL writes an SQL
-- function of one expression out where it is called, so this costs no call.
CREATE FUNCTION ${schema}.next_zxid() RETURNS bigint
LANGUAGE sql AS $$
  SELECT CASE current_setting('${schema}.epoch', true) WHEN 'seen' THEN nextval('${schema}.zxid') ELSE ${schema}.first_zxid() END
$$;

-- The advisory lock of one thing: 64-bit keys, one for each kind and number of this schema.
CREATE FUNCTION ${schema}.lock_key(kind text, number bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT hashtextextended('${schema}.' || kind || '.' || number, 0) $$;

-- Fails in a transaction above READ COMMITTED, which sees the database as it was when it began. A function that waits for a lock and then
-- looks would decide by that old state: it would delete a node under a new child, or leave the next message of a key behind. A function
-- that only adds or changes rows need not call this, because PostgreSQL itself fails with 40001 if somebody else was first. Nor need one
-- that only reads.
CREATE FUNCTION ${schema}.ensure_read_committed() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'this cannot be done in a % transaction', upper(current_setting('transaction_isolation')) USING ERRCODE = 'PK007',
      HINT = 'It would be decided by what was true when that began. Use READ COMMITTED. Reading, creating what no session owns, setting, adding, enqueueing, publishing and fencing do not need it.';
  END IF;
END $$;

-- Rings a session when the transaction commits; true. A transaction must not ring if it is to be prepared (PREPARE TRANSACTION). Its
-- author says so with SET LOCAL ${schema}.rings = off. A client that is not rung learns of the change at its next sweep.
CREATE FUNCTION ${schema}.ring_session(in_session bigint, in_payload text) RETURNS boolean
LANGUAGE sql AS $$
  SELECT coalesce(current_setting('${schema}.rings', true) = 'off', false)
    OR pg_notify('${schema}:' || in_session, in_payload) IS NOT NULL
$$;

SELECT ${schema}.epoch_begin();

-- Sessions. Two detectors, one authority:
--   the lease: `renewed` + `lease_ms` by this clock. A client renews three times in its timeout, and it takes a third longer than the
--     timeout until its session ends, so that a client may be silent for the whole timeout.
--   the connection: a client's own connection holds the shared advisory lock 'live'. Once that lock is found free the
--     session is suspected, and after the grace it is ended, long before its lease.
-- The authority is the row: it ends under its lock, in one transaction with all that it owned. A suspicion is written,
-- and judged, only by whoever holds the row and finds the lock free at that moment; a client that comes back takes its
-- lock first, clears the suspicion next and trusts itself last. For one timeout after an epoch began, only leases count. A client that
-- cannot open its own connection, and only that, says so (session_renew_alone): then only its lease counts until it can.
-- It numbers what it says of its way, and a number that comes late is refused: a request that was stuck in the network would
-- have the connection count again, of a client that believes by its lease. Before the client asks for its connection to count, it
-- shortens its belief to what a connection allows.
--
-- This clock may be stepped on past all leases at once. So a lease that is over is only suspected too where there is a connection, and
-- its client, who asks far more often than once in its grace, hears that it is over before anybody else gets what it had.

-- From when on leases count that were renewed before an epoch began; from now on, while this run of the server has none yet.
CREATE FUNCTION ${schema}.leases_from(e ${schema}.epoch) RETURNS timestamptz
LANGUAGE sql AS $$
  SELECT CASE WHEN e.server_started = pg_postmaster_start_time() THEN e.began ELSE clock_timestamp() END
$$;

-- The moment a lease ends. PostgreSQL writes the form that is told the epoch's beginning out where it is called:
-- for views.
CREATE FUNCTION ${schema}.lease_end(renewed timestamptz, lease_ms bigint, began timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT greatest(renewed, began) + lease_ms * interval '1 millisecond' $$;

CREATE FUNCTION ${schema}.lease_end(renewed timestamptz, lease_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT ${schema}.lease_end(renewed, lease_ms, ${schema}.leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row $$;

-- The moment a suspected session ends; null while nothing is suspected.
CREATE FUNCTION ${schema}.suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint, began timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN suspected IS NOT NULL
    THEN greatest(suspected + grace_ms * interval '1 millisecond', began + timeout_ms * interval '1 millisecond') END
$$;

CREATE FUNCTION ${schema}.suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT ${schema}.suspicion_end(suspected, grace_ms, timeout_ms, ${schema}.leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row
$$;

CREATE FUNCTION ${schema}.is_lease_over(in_session bigint) RETURNS boolean
LANGUAGE sql AS $$
  SELECT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session AND ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp())
$$;

-- Opens a session. A direct one takes its liveness lock on this very connection.
CREATE FUNCTION ${schema}.session_open(in_timeout_ms bigint, in_grace_ms bigint, in_direct boolean, in_client text,
    in_host text, in_pid bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  new_id bigint := ${schema}.next_zxid();
  moment timestamptz;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  IF in_timeout_ms <= 0 OR in_grace_ms <= 0 OR in_grace_ms > in_timeout_ms THEN
    RAISE EXCEPTION 'a session needs 0 < grace (% ms) <= timeout (% ms)', in_grace_ms, in_timeout_ms USING ERRCODE = '22023';
  END IF;
  IF in_direct THEN
    PERFORM pg_advisory_lock_shared(${schema}.lock_key('live', new_id));
  END IF;
  moment := clock_timestamp();
  INSERT INTO ${schema}.session (id, timeout_ms, lease_ms, grace_ms, direct, opened, renewed, client, host, pid)
    VALUES (new_id, in_timeout_ms, in_timeout_ms + CASE WHEN in_direct THEN greatest(in_timeout_ms / 12, in_timeout_ms / 3 - in_grace_ms)
        ELSE in_timeout_ms / 3 END, in_grace_ms, in_direct, moment, moment, in_client, in_host, in_pid);
  RETURN new_id;
END $$;

-- Takes the liveness lock again on a new connection and clears the suspicion. False: the session has ended. Begins the epoch of
-- this run of the server: its client asks next what has become of it (V007), and that depends on it.
CREATE FUNCTION ${schema}.session_attach(in_session bigint, in_way bigint DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.epoch_begin();
  PERFORM pg_advisory_lock_shared(${schema}.lock_key('live', in_session));
  UPDATE ${schema}.session s SET direct = true, way = coalesce(in_way, s.way + 1), reconnects = s.reconnects + 1
    WHERE s.id = in_session AND (in_way IS NULL OR s.way < in_way);
  IF NOT FOUND THEN
    PERFORM pg_advisory_unlock_shared(${schema}.lock_key('live', in_session));
    PERFORM ${schema}.ensure_no_later_way(in_session);
    RETURN false;
  END IF;
  RETURN ${schema}.session_renew(in_session);
END $$;

-- Renews the lease of a session whose client cannot open its own connection, on another one. From here on, and until session_attach,
-- only the lease counts. False: it has ended.
CREATE FUNCTION ${schema}.session_renew_alone(in_session bigint, in_way bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.session s SET direct = false, way = in_way WHERE s.id = in_session AND s.way < in_way;
  IF NOT FOUND THEN
    PERFORM ${schema}.ensure_no_later_way(in_session);
    RETURN false;
  END IF;
  RETURN ${schema}.session_renew(in_session);
END $$;

-- Refuses what a client said of its way before something that came first. Nothing if the session has ended.
CREATE FUNCTION ${schema}.ensure_no_later_way(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF ${schema}.is_open(in_session) THEN
    RAISE EXCEPTION 'the client of session % has gone another way since', in_session
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END $$;

-- Renews the lease of a session whose liveness lock, if it has one, is held by the caller. False: it has ended.
-- Not flushed: what a crash can take back, the next epoch gives again. Call it in a transaction of its own.
CREATE FUNCTION ${schema}.session_renew(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE ${schema}.session s SET renewed = clock_timestamp(), suspected = NULL
    WHERE s.id = in_session AND ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp();
  RETURN FOUND;
END $$;

-- Whether the session is there, and whether the caller is the one to reap now: of all the clients that ping within one
-- tick, the first finds that tick's advisory lock free and keeps it until its next ping. So a fleet of any size
-- reaps once a tick, nothing is written for it, and a client that is paused or dies delays it by one tick.
-- `tick` is the number to hand in at the next ping; `reap` says that it was won just now.
CREATE FUNCTION ${schema}.session_ping(in_session bigint, in_tick bigint, OUT alive boolean, OUT tick bigint, OUT reap boolean)
LANGUAGE plpgsql AS $$
BEGIN
  alive := EXISTS (SELECT FROM ${schema}.session s
    WHERE s.id = in_session AND s.suspected IS NULL AND ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp());
  tick := floor(extract(epoch FROM clock_timestamp()) * 1000 / 750);
  reap := false;
  IF tick IS DISTINCT FROM in_tick THEN
    IF in_tick IS NOT NULL THEN
      PERFORM pg_advisory_unlock(${schema}.lock_key('tick', in_tick));
    END IF;
    reap := pg_try_advisory_lock(${schema}.lock_key('tick', tick));
    IF NOT reap THEN tick := NULL; END IF;
  END IF;
END $$;

-- Whether a session has not been ended. False for null, which is no session.
CREATE FUNCTION ${schema}.is_open(in_session bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session) $$;

-- Whether somebody holds or waits in the row of a line (V007) whose session has not been ended.
CREATE FUNCTION ${schema}.is_taken(in_holder bigint, in_waiting bigint[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT ${schema}.is_open(in_holder)
    OR EXISTS (SELECT FROM generate_subscripts(in_waiting, 1) AS i WHERE ${schema}.is_open(in_waiting[i][2]))
$$;

-- Whether this session may own something new; keeps it from ending before the calling transaction does. An end that the transaction
-- could not see would leave it for ever, hence its level.
CREATE FUNCTION ${schema}.session_joined(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM pg_advisory_xact_lock_shared(${schema}.lock_key('owner', in_session));
  RETURN EXISTS (SELECT FROM ${schema}.session s
    WHERE s.id = in_session AND ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp());
END $$;

-- Ends a session and deletes all that it owned, under one number; what it held in the rows of lines is the next one's then, and
-- messages that it had taken (V010) go back. What it was, and who ended it if that was an operator, is history (V013). Returns
-- the paths that went, and those lines; null if there was no such session. Waits for transactions that hold on to something of it.
CREATE FUNCTION ${schema}._session_end(in_session bigint, in_by text DEFAULT NULL, in_why text DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  ending text;
  lines  text[];
  gone   text[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM pg_advisory_xact_lock(${schema}.lock_key('owner', in_session));
  WITH ended AS (
    DELETE FROM ${schema}.session s WHERE s.id = in_session RETURNING *
  )
  INSERT INTO ${schema}.past_session AS o (id, client, host, pid, opened, ended, how, ended_by, why)
    SELECT e.id, e.client, e.host, e.pid, e.opened, clock_timestamp(), CASE WHEN in_by IS NOT NULL THEN 'revoked'
        WHEN e.suspected IS NOT NULL OR ${schema}.lease_end(e.renewed, e.lease_ms) <= clock_timestamp() THEN 'expired'
        ELSE 'closed' END, in_by, in_why
      FROM ended e
    RETURNING o.how INTO ending;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  DELETE FROM ${schema}.watch w WHERE w.session = in_session;
  PERFORM ${schema}.claims_return(in_session);
  WITH awaited AS (
    DELETE FROM ${schema}.awaited a WHERE a.session = in_session RETURNING a.line
  )
  SELECT coalesce(array_agg(line), '{}') INTO lines FROM awaited;
  PERFORM FROM ${schema}.parent p
    WHERE p.path IN (SELECT n.parent FROM ${schema}.node n WHERE n.owner = in_session UNION ALL SELECT unnest(lines))
    ORDER BY p.path FOR NO KEY UPDATE;
  IF lines <> '{}' THEN
    UPDATE ${schema}.parent p SET waiting = ${schema}.without(p.waiting, in_session)
      WHERE p.path = ANY (lines) AND in_session = ANY (p.waiting);
    PERFORM ${schema}.pass_on(p.path) FROM ${schema}.parent p WHERE p.path = ANY (lines) AND p.holder = in_session;
  END IF;
  PERFORM FROM ${schema}.node n WHERE n.owner = in_session ORDER BY n.path FOR UPDATE;
  IF NOT FOUND THEN
    RETURN lines;
  END IF;
  WITH number AS MATERIALIZED (
    SELECT ${schema}.next_zxid() AS zxid
  ), deleted AS (
    DELETE FROM ${schema}.node n WHERE n.owner = in_session
      RETURNING n.path, n.parent, n.name, n.state, n.czxid, n.mtime, CASE WHEN n.state <> 'w' THEN n.data END AS data
  ), counted AS (
    UPDATE ${schema}.parent p SET children = children - d.number, pzxid = number.zxid
      FROM number, (SELECT parent, count(*) AS number FROM deleted GROUP BY parent) d WHERE p.path = d.parent
      RETURNING p.path, p.recipe
  ), noted AS (
    INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how, ended_by, why)
      SELECT l.path, l.recipe, ${schema}.hold_what(l.recipe, d.name, d.data), d.czxid, in_session, d.mtime, clock_timestamp(),
          ending, in_by, in_why
        FROM deleted d JOIN counted l ON l.path = d.parent WHERE d.state <> 'w' AND ${schema}.history_on()
  )
  SELECT array_agg(path ORDER BY path) INTO gone FROM deleted;
  RETURN lines || gone;
END $$;

-- Ends a session and rings whoever watches or waits for what it owned. False: it had ended before.
CREATE FUNCTION ${schema}.session_end(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  gone text[] := ${schema}._session_end(in_session);
BEGIN
  PERFORM ${schema}.ring_gone(gone);
  RETURN gone IS NOT NULL;
END $$;

-- Suspects a session whose liveness lock is free, or whose lease is over. Both are looked at while the row is held: see "Two detectors".
CREATE FUNCTION ${schema}.session_suspect(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.session s WHERE s.id = in_session AND s.direct AND s.suspected IS NULL FOR UPDATE SKIP LOCKED;
  IF FOUND AND (${schema}.is_lease_over(in_session) OR pg_try_advisory_xact_lock(${schema}.lock_key('live', in_session))) THEN
    UPDATE ${schema}.session s SET suspected = clock_timestamp() WHERE s.id = in_session;
  END IF;
END $$;

-- Ends a session if its time is still over once nobody can change that: its lease is and it has no connection, or it is under a
-- suspicion that is ripe, and its lock is still free or its lease is over. Returns the paths that went, null if it lives or is busy.
CREATE FUNCTION ${schema}.session_judge(in_session bigint) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  lease_over boolean;
BEGIN
  PERFORM set_config('lock_timeout', '20ms', true);
  PERFORM pg_advisory_xact_lock(${schema}.lock_key('owner', in_session));
  SELECT ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp() INTO lease_over
    FROM ${schema}.session s
    WHERE s.id = in_session
      AND (NOT s.direct AND ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp())
    FOR UPDATE;
  IF NOT FOUND OR NOT (lease_over OR pg_try_advisory_xact_lock(${schema}.lock_key('live', in_session))) THEN
    RETURN NULL;
  END IF;
  RETURN ${schema}._session_end(in_session);
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN NULL;
END $$;

-- One tick of the reaper: suspects the sessions whose connection is gone, and ends at most `in_most` of those whose
-- time is over, each in a transaction of its own; then the holds whose limit is over. `next_ms`: when the next suspicion will be ripe.
CREATE PROCEDURE ${schema}.reap(in_most integer, OUT ended integer, OUT holds integer, OUT next_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  condemned bigint;
  doomed    bigint[];
  gone      text[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  ended := 0;
  holds := 0;
  IF NOT pg_try_advisory_xact_lock(${schema}.lock_key('reaper', 0)) THEN
    RETURN;
  END IF;
  IF NOT EXISTS (SELECT FROM ${schema}.epoch WHERE only_row AND server_started = pg_postmaster_start_time()) THEN
    PERFORM ${schema}.epoch_begin();
    RETURN;
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.session_suspect(s.id) FROM (
    SELECT id FROM ${schema}.session
      WHERE direct AND suspected IS NULL AND (${schema}.lease_end(renewed, lease_ms) <= clock_timestamp()
        OR ${schema}.lock_key('live', id) NOT IN (
          SELECT (l.classid::bigint << 32) | l.objid::bigint FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))
      LIMIT 200) s;
  doomed := ARRAY(
    SELECT s.id FROM ${schema}.session s
      WHERE NOT s.direct AND ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp()
      ORDER BY s.id LIMIT in_most);
  COMMIT;
  FOREACH condemned IN ARRAY doomed LOOP
    gone := ${schema}.session_judge(condemned);
    COMMIT;
    IF gone IS NOT NULL THEN
      ended := ended + 1;
      PERFORM ${schema}.ring_gone(gone);
      COMMIT;
    END IF;
  END LOOP;
  holds := ${schema}.reap_holds(in_most);
  COMMIT;
  SELECT extract(epoch FROM min(${schema}.suspicion_end(suspected, grace_ms, timeout_ms)) - clock_timestamp()) * 1000
    INTO next_ms FROM ${schema}.session WHERE suspected IS NOT NULL;
END $$;

-- All that is over by now, for a job of the database's own where no client may be there to do it: CALL ${schema}.reap().
CREATE PROCEDURE ${schema}.reap()
LANGUAGE plpgsql AS $$
DECLARE
  ended   integer;
  holds   integer;
  next_ms bigint;
BEGIN
  LOOP
    CALL ${schema}.reap(1000, ended, holds, next_ms);
    EXIT WHEN ended + holds = 0;
  END LOOP;
END $$;

-- Deletes what ended sessions left behind: registrations that came too late to go with them, notes of lines in whose rows
-- they are no more, and replies that nobody can still be settling.
CREATE FUNCTION ${schema}.tidy() RETURNS void
LANGUAGE sql AS $$
  DELETE FROM ${schema}.watch w WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = w.session);
  DELETE FROM ${schema}.awaited a WHERE NOT EXISTS (
    SELECT FROM ${schema}.parent p WHERE p.path = a.line AND (p.holder = a.session OR a.session = ANY (p.waiting)));
  DELETE FROM ${schema}.reply r WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = r.session)
    AND r.at < clock_timestamp() - interval '2 days'
$$;
