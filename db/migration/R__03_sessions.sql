-- Sessions. Two detectors, one authority:
--   the lease: `renewed` + `lease_ms` by this clock. A client renews three times in its timeout, and it takes a third longer than the
--     timeout until its session ends, so that a client may be silent for the whole timeout.
--   the connection: a client's own connection holds an advisory lock, whose key is drawn anew each time. Once that backend is found
--     without it the session is suspected, and after the grace it is ended, long before its lease.
-- The authority is the row: it ends under its lock, in one transaction with all that it owned. A suspicion is written,
-- and judged, only by whoever holds the row and finds the client without its lock at that moment; a client that comes back takes a
-- lock first, writes it into the row and clears the suspicion next, and trusts itself last. For one timeout after an epoch began, only leases count. A client that
-- cannot open its own connection, and only that, says so (session_renew_alone): then only its lease counts until it can.
-- It numbers what it says of its way, and a number that comes late is refused: a request that was stuck in the network would
-- have the connection count again, of a client that believes by its lease. Before the client asks for its connection to count, it
-- shortens its belief to what a connection allows.
--
-- This clock may be stepped on past all leases at once. So a lease that is over is only suspected too where there is a connection, and
-- its client, who asks far more often than once in its grace, hears that it is over before anybody else gets what it had.

-- Strangers. Whoever may connect can take advisory locks, and sees in pg_locks which keys are taken. Whatever they take, sessions end in
-- time. What is `live` counts only where the session's own backend has it. Who is kept waiting for the lock of a session (_owner_lock) asks
-- who has it, and passes over those who could not write anyway (_is_kept): to create, it locks the session's row instead; to
-- judge, it needs nothing instead, for from the moment that a session's time is over nobody creates on its behalf (_may_own). Who reaps is
-- settled by a row. For the locks of queues a session's end waits two seconds at most (_claims_leave).

SET LOCAL search_path = pg_catalog, pg_temp;

-- From when on leases count that were renewed before an epoch began; from now on, while this run of the server has none yet.
CREATE OR REPLACE FUNCTION ${schema}._leases_from(e ${schema}.epoch) RETURNS timestamptz
LANGUAGE sql
RETURN CASE WHEN e.server_started = pg_postmaster_start_time() THEN e.began ELSE clock_timestamp() END;

-- The moment a lease ends. PostgreSQL writes the form that is told the epoch's beginning out where it is called:
-- for views.
CREATE OR REPLACE FUNCTION ${schema}._lease_end(renewed timestamptz, lease_ms bigint, began timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN greatest(renewed, began) + lease_ms * interval '1 millisecond';

CREATE OR REPLACE FUNCTION ${schema}._lease_end(renewed timestamptz, lease_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}._lease_end(renewed, lease_ms, ${schema}._leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row;
END;

-- The moment a suspected session ends; null while nothing is suspected.
CREATE OR REPLACE FUNCTION ${schema}._suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint, began timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN suspected IS NOT NULL
  THEN greatest(suspected + grace_ms * interval '1 millisecond', began + timeout_ms * interval '1 millisecond') END;

CREATE OR REPLACE FUNCTION ${schema}._suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}._suspicion_end(suspected, grace_ms, timeout_ms, ${schema}._leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row;
END;

-- Whether a session may own something new: its time is not over, although it may not have been ended yet. Asked with its lock.
CREATE OR REPLACE FUNCTION ${schema}._may_own(s ${schema}.session) RETURNS boolean
LANGUAGE sql
RETURN (s.renewed + s.lease_ms * interval '1 ms' > clock_timestamp() OR ${schema}._lease_end(s.renewed, s.lease_ms) > clock_timestamp())
  AND (s.suspected IS NULL OR ${schema}._suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) > clock_timestamp());

-- Whether a session is certainly not over: by its lease. A suspicion is the reaper's to judge, and its owner may still come back.
CREATE OR REPLACE FUNCTION ${schema}._session_lives(in_session bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM ${schema}.session s
  WHERE s.id = in_session AND ${schema}._lease_end(s.renewed, s.lease_ms) > clock_timestamp());

-- The advisory locks that are held in this database, and by whom. A prepared transaction has no backend; what it shares with its locks is
-- the lock on its own number.
CREATE OR REPLACE FUNCTION ${schema}._advisory_locks() RETURNS TABLE (key bigint, alone boolean, pid integer, role oid)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (l.classid::bigint << 32) | l.objid::bigint, l.mode = 'ExclusiveLock', l.pid, coalesce(
      (SELECT a.usesysid FROM pg_stat_activity a WHERE a.pid = l.pid),
      (SELECT r.oid FROM pg_locks t JOIN pg_prepared_xacts x ON x.transaction = t.transactionid JOIN pg_roles r ON r.rolname = x.owner
        WHERE l.pid IS NULL AND t.virtualtransaction = l.virtualtransaction AND t.mode = 'ExclusiveLock' LIMIT 1))
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
END;

-- Whether a role may write, or may become one that may.
CREATE OR REPLACE FUNCTION ${schema}._is_writer(in_role oid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM pg_roles r WHERE pg_has_role(in_role, r.oid, 'MEMBER') AND has_table_privilege(r.oid, '${schema}.session', 'DELETE'));

-- Whether somebody has an advisory lock that keeps others out, from sharing it or from having it alone. A stranger, who may not write,
-- does not count; somebody whose role is unknown does. PostgreSQL shows a transaction the backends that there were when it first looked,
-- so this looks anew.
CREATE OR REPLACE FUNCTION ${schema}._is_kept(in_key bigint, in_shared boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RETURN EXISTS (SELECT FROM ${schema}._advisory_locks() l
    WHERE l.key = in_key AND (l.alone OR NOT in_shared) AND (l.role IS NULL OR ${schema}._is_writer(l.role)));
END $$;

-- The lock that whoever creates on behalf of a session shares, and whoever ends it has alone.
CREATE OR REPLACE FUNCTION ${schema}._owner_key(in_session bigint) RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}._lock_key(k, 'owner.' || in_session) FROM ${schema}.secret k WHERE k.only_row;
END;

-- How long lock_timeout lets this transaction wait; null: for ever.
CREATE OR REPLACE FUNCTION ${schema}._patience() RETURNS interval
LANGUAGE sql STABLE
RETURN nullif(current_setting('lock_timeout')::interval, interval '0');

-- Lets the function that calls this wait no longer than its own caller may. Until that function ends, if it sets lock_timeout itself.
CREATE OR REPLACE FUNCTION ${schema}._shorten_patience(in_patience interval) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_patience < ${schema}._patience() THEN
    PERFORM set_config('lock_timeout', ceil(extract(epoch FROM in_patience) * 1000) || 'ms', true);
  END IF;
END $$;

-- Waits for an advisory lock, two seconds at most. False: somebody still has it.
CREATE OR REPLACE FUNCTION ${schema}._wait_for_lock(in_key bigint, in_shared boolean, in_patience interval) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM ${schema}._shorten_patience(in_patience);
  IF in_shared THEN
    PERFORM pg_advisory_xact_lock_shared(in_key);
  ELSE
    PERFORM pg_advisory_xact_lock(in_key);
  END IF;
  RETURN true;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END $$;

-- Keeps a session from being ended before this transaction ends. It may have ended already: see _may_own. (Those that are called most do
-- the same without calling this.)
CREATE OR REPLACE FUNCTION ${schema}._owner_share(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (SELECT ${schema}._ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}._lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}._owner_wait(in_session);
  END IF;
END $$;

-- The same where the lock was not free.
CREATE OR REPLACE FUNCTION ${schema}._owner_wait(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
BEGIN
  WHILE NOT ${schema}._wait_for_lock(${schema}._owner_key(in_session), true, ${schema}._patience()) LOOP
    IF NOT ${schema}._is_kept(${schema}._owner_key(in_session), true) THEN
      PERFORM FROM ${schema}.session s WHERE s.id = in_session FOR KEY SHARE;
      RETURN;
    END IF;
    PERFORM ${schema}._ensure_patience(began, in_session);
  END LOOP;
END $$;

-- Keeps anything from being created on behalf of a session until this transaction ends.
CREATE OR REPLACE FUNCTION ${schema}._owner_lock(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
BEGIN
  WHILE NOT pg_try_advisory_xact_lock(${schema}._owner_key(in_session))
      AND NOT ${schema}._wait_for_lock(${schema}._owner_key(in_session), false, ${schema}._patience()) LOOP
    PERFORM ${schema}._ensure_patience(began, in_session);
  END LOOP;
END $$;

-- Fails once somebody has waited for as long as lock_timeout allows.
CREATE OR REPLACE FUNCTION ${schema}._ensure_patience(in_began timestamptz, in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF clock_timestamp() - in_began >= ${schema}._patience() THEN
    RAISE EXCEPTION 'something of session % is just being changed', in_session USING ERRCODE = 'lock_not_available';
  END IF;
END $$;

-- Draws a key and takes its advisory lock for as long as this connection lives.
CREATE OR REPLACE FUNCTION ${schema}._live_lock() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  key bigint := hashtextextended(gen_random_uuid()::text, 0);
BEGIN
  PERFORM pg_advisory_lock(key);
  RETURN key;
END $$;

-- Whether a session's backend is without the session's lock, for a caller that holds the row. Usually nobody has the lock then, which
-- costs less to find out than who has it.
CREATE OR REPLACE FUNCTION ${schema}._is_cut_off(s ${schema}.session) RETURNS boolean
LANGUAGE sql
RETURN pg_try_advisory_xact_lock(s.live)
  OR NOT EXISTS (SELECT FROM ${schema}._advisory_locks() l WHERE l.key = s.live AND l.pid = s.backend);

-- Opens a session. A direct one takes its liveness lock on this very connection.
CREATE OR REPLACE FUNCTION ${schema}.session_open(in_timeout_ms bigint, in_grace_ms bigint, in_direct boolean, in_client text,
    in_host text, in_pid bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  new_id bigint := ${schema}._next_zxid();
  lock   bigint;
  moment timestamptz;
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  IF NOT coalesce(in_grace_ms > 0 AND in_grace_ms <= in_timeout_ms AND in_timeout_ms <= 1::bigint << 40, false) THEN
    RAISE EXCEPTION 'a session needs 0 < grace (% ms) <= timeout (% ms) <= 2^40', in_grace_ms, in_timeout_ms USING ERRCODE = '22023';
  END IF;
  IF in_direct THEN
    lock := ${schema}._live_lock();
  END IF;
  moment := clock_timestamp();
  INSERT INTO ${schema}.session (id, timeout_ms, lease_ms, grace_ms, direct, live, backend, opened, renewed, client, host, pid)
    VALUES (new_id, in_timeout_ms, in_timeout_ms + CASE WHEN in_direct THEN greatest(in_timeout_ms / 12, in_timeout_ms / 3 - in_grace_ms)
        ELSE in_timeout_ms / 3 END, in_grace_ms, in_direct, lock, CASE WHEN in_direct THEN pg_backend_pid() END, moment, moment, in_client, in_host, in_pid);
  RETURN new_id;
END $$;
COMMENT ON FUNCTION ${schema}.session_open(bigint, bigint, boolean, text, text, bigint) IS
  'Opens a session and returns its number: timeout and grace in ms, direct (a liveness lock on this connection; false for a lease alone), client name, host, pid. Renew it with session_renew within the timeout.';

-- Takes the liveness lock again on a new connection and clears the suspicion. False: the session has ended. Begins the epoch of
-- this run of the server: its client asks next what has become of it (R__13_lines), and that depends on it.
CREATE OR REPLACE FUNCTION ${schema}.session_attach(in_session bigint, in_way bigint DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  lock bigint;
BEGIN
  PERFORM ${schema}._epoch_begin();
  lock := ${schema}._live_lock();
  UPDATE ${schema}.session s SET direct = true, live = lock, backend = pg_backend_pid(), way = coalesce(in_way, s.way + 1), reconnects = s.reconnects + 1
    WHERE s.id = in_session AND (in_way IS NULL OR s.way < in_way);
  IF NOT FOUND THEN
    PERFORM pg_advisory_unlock(lock);
    PERFORM ${schema}._ensure_no_later_way(in_session);
    RETURN false;
  END IF;
  RETURN ${schema}.session_renew(in_session);
END $$;
COMMENT ON FUNCTION ${schema}.session_attach(bigint, bigint) IS
  'Takes the liveness lock of a session on this connection and renews its lease; false if the session has ended. Refused if a way with the same or a larger number was gone since.';

-- Renews the lease of a session whose client cannot open its own connection, on another one. From here on, and until session_attach,
-- only the lease counts. False: it has ended.
CREATE OR REPLACE FUNCTION ${schema}.session_renew_alone(in_session bigint, in_way bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.session s SET direct = false, way = in_way WHERE s.id = in_session AND s.way < in_way;
  IF NOT FOUND THEN
    PERFORM ${schema}._ensure_no_later_way(in_session);
    RETURN false;
  END IF;
  RETURN ${schema}.session_renew(in_session);
END $$;
COMMENT ON FUNCTION ${schema}.session_renew_alone(bigint, bigint) IS
  'Renews the lease of a session whose client has no connection of its own; from then on only the lease counts, until session_attach. Refused if a way with the same or a larger number was gone since.';

-- Refuses what a client said of its way before something that came first. Nothing if the session has ended.
CREATE OR REPLACE FUNCTION ${schema}._ensure_no_later_way(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF ${schema}._is_open(in_session) THEN
    RAISE EXCEPTION 'the client of session % has gone another way since', in_session
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END $$;

-- Renews the lease of a session whose liveness lock, if it has one, is held by the caller. False: it has ended.
-- Not flushed: what a crash can take back, the next epoch gives again. Call it in a transaction of its own.
CREATE OR REPLACE FUNCTION ${schema}.session_renew(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE ${schema}.session s SET renewed = clock_timestamp(), suspected = NULL
    WHERE s.id = in_session AND ${schema}._lease_end(s.renewed, s.lease_ms) > clock_timestamp();
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION ${schema}.session_renew(bigint) IS 'Renews a lease; false if the session has ended. In a transaction of its own.';

-- Whether the session is there, and the present tick of 750 ms if the caller is the one to reap in it: of all the clients that ping
-- within it, the first. So a fleet of any size reaps once a tick, and a client that is paused or dies delays it by one tick.
CREATE OR REPLACE FUNCTION ${schema}.session_ping(in_session bigint, OUT alive boolean, OUT tick bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  alive := EXISTS (SELECT FROM ${schema}.session s
    WHERE s.id = in_session AND s.suspected IS NULL AND ${schema}._lease_end(s.renewed, s.lease_ms) > clock_timestamp());
  tick := floor(extract(epoch FROM clock_timestamp()) * 1000 / 750);
  IF EXISTS (SELECT FROM ${schema}.reaper r WHERE r.only_row AND r.tick = session_ping.tick) OR NOT ${schema}._reaper_take(tick) THEN
    tick := NULL;
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.session_ping(bigint) IS
  'Whether the session is alive, and a number if the caller is the one to call reap now.';

-- Takes a tick unless somebody else has it, or is about to take it.
CREATE OR REPLACE FUNCTION ${schema}._reaper_take(in_tick bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.reaper r WHERE r.only_row FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE ${schema}.reaper r SET tick = in_tick WHERE r.only_row AND r.tick <> in_tick;
  ELSE -- somebody has the row, or a crash has emptied the table
    INSERT INTO ${schema}.reaper SELECT true, in_tick
      WHERE NOT EXISTS (SELECT FROM ${schema}.reaper r WHERE r.only_row) ON CONFLICT DO NOTHING;
  END IF;
  RETURN FOUND;
END $$;

-- Whether a session has not been ended. False for null, which is no session.
CREATE OR REPLACE FUNCTION ${schema}._is_open(in_session bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session);

-- Whether this session may own something new; keeps it from ending before the calling transaction does. An end that the transaction
-- could not see would leave it for ever, hence its level.
CREATE OR REPLACE FUNCTION ${schema}._session_joined(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  -- _owner_share, without the call.
  IF NOT (SELECT ${schema}._ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}._lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}._owner_wait(in_session);
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session AND ${schema}._may_own(s));
END $$;

-- Fails if a session has ended, which owns nothing any more.
CREATE OR REPLACE FUNCTION ${schema}._session_check(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_session <> 0 AND NOT EXISTS (SELECT FROM ${schema}.session s
      WHERE s.id = in_session AND ${schema}._may_own(s)) THEN
    RAISE EXCEPTION 'session % has ended', in_session USING ERRCODE = 'PK006';
  END IF;
END $$;

CREATE OR REPLACE VIEW ${schema}.sessions AS
  SELECT s.id AS session, s.client, s.host, s.pid, s.opened, s.renewed,
    d.ends, d.ends > clock_timestamp() AS alive,
    CASE WHEN s.direct THEN s.suspected IS NULL END AS connected,
    s.timeout_ms * interval '1 millisecond' AS timeout, s.grace_ms * interval '1 millisecond' AS grace, s.reconnects,
    (SELECT ${schema}._channel(k, s.id) FROM ${schema}.secret k WHERE k.only_row) AS channel
  FROM ${schema}.session s CROSS JOIN (SELECT ${schema}._leases_from(p) AS began FROM ${schema}.epoch p LIMIT 1) e
    CROSS JOIN LATERAL (SELECT least(${schema}._lease_end(s.renewed, s.lease_ms, e.began),
      ${schema}._suspicion_end(s.suspected, s.grace_ms, s.timeout_ms, e.began)) AS ends) d;
COMMENT ON VIEW ${schema}.sessions IS 'The clients, and until when each of them lives by the database''s clock.';
COMMENT ON COLUMN ${schema}.sessions.session IS 'The number that ephemeral nodes name as their owner.';
COMMENT ON COLUMN ${schema}.sessions.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.sessions.host IS 'The client''s machine, as it calls itself.';
COMMENT ON COLUMN ${schema}.sessions.pid IS 'The client''s process on that machine.';
COMMENT ON COLUMN ${schema}.sessions.opened IS 'When the session was opened.';
COMMENT ON COLUMN ${schema}.sessions.renewed IS 'When the lease was last renewed.';
COMMENT ON COLUMN ${schema}.sessions.ends IS 'When the session ends if nothing more is heard of it.';
COMMENT ON COLUMN ${schema}.sessions.alive IS 'Whether that moment is still to come.';
COMMENT ON COLUMN ${schema}.sessions.connected IS 'Whether its connection stands; null for a client that has only a lease.';
COMMENT ON COLUMN ${schema}.sessions.timeout IS 'How long the client may be silent.';
COMMENT ON COLUMN ${schema}.sessions.grace IS 'How long it may take to come back after its connection broke.';
COMMENT ON COLUMN ${schema}.sessions.reconnects IS 'How often it came back so.';
COMMENT ON COLUMN ${schema}.sessions.channel IS 'Where it is rung: what LISTEN needs.';

SELECT ${schema}._pin_and_grant();
