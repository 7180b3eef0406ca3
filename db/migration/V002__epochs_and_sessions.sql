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

SET LOCAL search_path = pg_catalog, pg_temp;

-- The number that belongs to this moment.
CREATE FUNCTION ${schema}.clock_zxid() RETURNS bigint
LANGUAGE sql
RETURN greatest(1, least(1::bigint << 52, extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000000))::bigint;

-- The first number of the epoch after one that began with this number; null: of the very first.
CREATE FUNCTION ${schema}.next_epoch(last bigint, clock bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN clock < last - (1::bigint << 32) THEN last + (1::bigint << 40) ELSE greatest(clock, last + (1::bigint << 26)) END;

-- The last number that was taken, 0 before the first. A sequence that is read like a table is scanned as one: see "Plans" in V001.
CREATE FUNCTION ${schema}.last_zxid() RETURNS bigint
LANGUAGE sql
RETURN coalesce(pg_sequence_last_value('${schema}.zxid'), 0);

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

-- The advisory lock of one thing. Who can read the secret can take it on purpose, and who sees it in pg_locks while somebody has it. A key
-- tells nothing of the secret: what is hashed last is a digest.
-- So nothing that has to go on waits for as long as somebody may have it who cannot write: see "Strangers" below.
CREATE FUNCTION ${schema}.lock_key(k ${schema}.secret, what text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(encode(sha256(k.salt || convert_to(what, 'UTF8')), 'hex'), 0);

-- Raises the sequence, so that numbers go on behind this one. Whoever calls this locks a row first, so that nobody lowers what somebody
-- else has raised in between. The exception takes the lock back at once, and PostgreSQL never takes a sequence back. So the next caller
-- does not wait until this transaction ends.
CREATE FUNCTION ${schema}.zxid_raise(in_number bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.zxid_turn t WHERE t.only_row FOR UPDATE;
  PERFORM setval('${schema}.zxid', in_number) WHERE ${schema}.last_zxid() < in_number;
  RAISE EXCEPTION USING ERRCODE = 'PK000';
EXCEPTION
  WHEN SQLSTATE 'PK000' THEN
    NULL;
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
    PERFORM ${schema}.zxid_raise(least_number);
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
LANGUAGE sql
RETURN CASE current_setting('${schema}.epoch', true) WHEN 'seen' THEN nextval('${schema}.zxid') ELSE ${schema}.first_zxid() END;

-- Says that a transaction sees what was when it began.
CREATE FUNCTION ${schema}.refuse_isolation() RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'this cannot be done in a % transaction', upper(current_setting('transaction_isolation')) USING ERRCODE = 'PK007',
    HINT = 'It would be decided by what was true when that began. Use READ COMMITTED. Reading, creating what no session owns, setting, adding, enqueueing, publishing and fencing do not need it.';
END $$;

-- Fails in a transaction above READ COMMITTED, which sees the database as it was when it began. A function that waits for a lock and then
-- looks would decide by that old state: it would delete a node under a new child, or leave the next message of a key behind. A function
-- that only adds or changes rows need not call this, because PostgreSQL itself fails with 40001 if somebody else was first. Nor need one
-- that only reads.
CREATE FUNCTION ${schema}.ensure_read_committed() RETURNS boolean
LANGUAGE sql
RETURN current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') OR ${schema}.refuse_isolation();

-- The channel on which a session is rung. A ring says what changed, and everybody who may connect to the database may listen. So nobody
-- who cannot read the secret, or the view sessions, can tell which channel it is.
CREATE FUNCTION ${schema}.channel(k ${schema}.secret, in_session bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '${schema}:' || to_hex(${schema}.lock_key(k, 'ring.' || in_session));

-- The same for the client that is to listen there.
CREATE FUNCTION ${schema}.session_channel(in_session bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}.channel(k, in_session) FROM ${schema}.secret k WHERE k.only_row;
END;

-- Rings a session when the transaction commits; true. A transaction must not ring if it is to be prepared (PREPARE TRANSACTION). Its
-- author says so with SET LOCAL ${schema}.rings = off. A client that is not rung learns of the change at its next sweep.
CREATE FUNCTION ${schema}.ring_session(in_session bigint, in_payload text) RETURNS boolean
LANGUAGE sql
RETURN coalesce(current_setting('${schema}.rings', true) = 'off', false)
  OR (SELECT pg_notify(${schema}.channel(k, in_session), in_payload) IS NOT NULL FROM ${schema}.secret k WHERE k.only_row);

SELECT ${schema}.epoch_begin();

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
-- time. What is `live` counts only where the session's own backend has it. Who is kept waiting for the lock of a session (owner_lock) asks
-- who has it, and passes over those who could not write anyway (is_kept): to create, it locks the session's row instead; to
-- judge, it needs nothing instead, for from the moment that a session's time is over nobody creates on its behalf (may_own). Who reaps is
-- settled by a row. For the locks of queues a session's end waits two seconds at most (claims_leave).

-- From when on leases count that were renewed before an epoch began; from now on, while this run of the server has none yet.
CREATE FUNCTION ${schema}.leases_from(e ${schema}.epoch) RETURNS timestamptz
LANGUAGE sql
RETURN CASE WHEN e.server_started = pg_postmaster_start_time() THEN e.began ELSE clock_timestamp() END;

-- The moment a lease ends. PostgreSQL writes the form that is told the epoch's beginning out where it is called:
-- for views.
CREATE FUNCTION ${schema}.lease_end(renewed timestamptz, lease_ms bigint, began timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN greatest(renewed, began) + lease_ms * interval '1 millisecond';

CREATE FUNCTION ${schema}.lease_end(renewed timestamptz, lease_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}.lease_end(renewed, lease_ms, ${schema}.leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row;
END;

-- The moment a suspected session ends; null while nothing is suspected.
CREATE FUNCTION ${schema}.suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint, began timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN suspected IS NOT NULL
  THEN greatest(suspected + grace_ms * interval '1 millisecond', began + timeout_ms * interval '1 millisecond') END;

CREATE FUNCTION ${schema}.suspicion_end(suspected timestamptz, grace_ms bigint, timeout_ms bigint) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}.suspicion_end(suspected, grace_ms, timeout_ms, ${schema}.leases_from(e)) FROM ${schema}.epoch e WHERE e.only_row;
END;

-- Whether a session may own something new: its time is not over, although it may not have been ended yet. Asked with its lock.
CREATE FUNCTION ${schema}.may_own(s ${schema}.session) RETURNS boolean
LANGUAGE sql
RETURN (s.renewed + s.lease_ms * interval '1 ms' > clock_timestamp() OR ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp())
  AND (s.suspected IS NULL OR ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) > clock_timestamp());

-- The advisory locks that are held in this database, and by whom. A prepared transaction has no backend; what it shares with its locks is
-- the lock on its own number.
CREATE FUNCTION ${schema}.advisory_locks() RETURNS TABLE (key bigint, alone boolean, pid integer, role oid)
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
CREATE FUNCTION ${schema}.is_writer(in_role oid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM pg_roles r WHERE pg_has_role(in_role, r.oid, 'MEMBER') AND has_table_privilege(r.oid, '${schema}.session', 'DELETE'));

-- Whether somebody has an advisory lock that keeps others out, from sharing it or from having it alone. A stranger, who may not write,
-- does not count; somebody whose role is unknown does. PostgreSQL shows a transaction the backends that there were when it first looked,
-- so this looks anew.
CREATE FUNCTION ${schema}.is_kept(in_key bigint, in_shared boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RETURN EXISTS (SELECT FROM ${schema}.advisory_locks() l
    WHERE l.key = in_key AND (l.alone OR NOT in_shared) AND (l.role IS NULL OR ${schema}.is_writer(l.role)));
END $$;

-- The lock that whoever creates on behalf of a session shares, and whoever ends it has alone.
CREATE FUNCTION ${schema}.owner_key(in_session bigint) RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}.lock_key(k, 'owner.' || in_session) FROM ${schema}.secret k WHERE k.only_row;
END;

-- How long lock_timeout lets this transaction wait; null: for ever.
CREATE FUNCTION ${schema}.patience() RETURNS interval
LANGUAGE sql STABLE
RETURN nullif(current_setting('lock_timeout')::interval, interval '0');

-- Lets the function that calls this wait no longer than its own caller may. Until that function ends, if it sets lock_timeout itself.
CREATE FUNCTION ${schema}.shorten_patience(in_patience interval) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF in_patience < ${schema}.patience() THEN
    PERFORM set_config('lock_timeout', ceil(extract(epoch FROM in_patience) * 1000) || 'ms', true);
  END IF;
END $$;

-- Waits for an advisory lock, two seconds at most. False: somebody still has it.
CREATE FUNCTION ${schema}.wait_for_lock(in_key bigint, in_shared boolean, in_patience interval) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM ${schema}.shorten_patience(in_patience);
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

-- Keeps a session from being ended before this transaction ends. It may have ended already: see may_own. (Those that are called most do
-- the same without calling this.)
CREATE FUNCTION ${schema}.owner_share(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (SELECT ${schema}.ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}.lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}.owner_wait(in_session);
  END IF;
END $$;

-- The same where the lock was not free.
CREATE FUNCTION ${schema}.owner_wait(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
BEGIN
  WHILE NOT ${schema}.wait_for_lock(${schema}.owner_key(in_session), true, ${schema}.patience()) LOOP
    IF NOT ${schema}.is_kept(${schema}.owner_key(in_session), true) THEN
      PERFORM FROM ${schema}.session s WHERE s.id = in_session FOR KEY SHARE;
      RETURN;
    END IF;
    PERFORM ${schema}.ensure_patience(began, in_session);
  END LOOP;
END $$;

-- Keeps anything from being created on behalf of a session until this transaction ends.
CREATE FUNCTION ${schema}.owner_lock(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz := clock_timestamp();
BEGIN
  WHILE NOT pg_try_advisory_xact_lock(${schema}.owner_key(in_session))
      AND NOT ${schema}.wait_for_lock(${schema}.owner_key(in_session), false, ${schema}.patience()) LOOP
    PERFORM ${schema}.ensure_patience(began, in_session);
  END LOOP;
END $$;

-- Fails once somebody has waited for as long as lock_timeout allows.
CREATE FUNCTION ${schema}.ensure_patience(in_began timestamptz, in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF clock_timestamp() - in_began >= ${schema}.patience() THEN
    RAISE EXCEPTION 'something of session % is just being changed', in_session USING ERRCODE = 'lock_not_available';
  END IF;
END $$;

-- Draws a key and takes its advisory lock for as long as this connection lives.
CREATE FUNCTION ${schema}.live_lock() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  key bigint := hashtextextended(gen_random_uuid()::text, 0);
BEGIN
  PERFORM pg_advisory_lock(key);
  RETURN key;
END $$;

-- Whether a session's backend is without the session's lock, for a caller that holds the row. Usually nobody has the lock then, which
-- costs less to find out than who has it.
CREATE FUNCTION ${schema}.is_cut_off(s ${schema}.session) RETURNS boolean
LANGUAGE sql
RETURN pg_try_advisory_xact_lock(s.live)
  OR NOT EXISTS (SELECT FROM ${schema}.advisory_locks() l WHERE l.key = s.live AND l.pid = s.backend);

-- Opens a session. A direct one takes its liveness lock on this very connection.
CREATE FUNCTION ${schema}.session_open(in_timeout_ms bigint, in_grace_ms bigint, in_direct boolean, in_client text,
    in_host text, in_pid bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  new_id bigint := ${schema}.next_zxid();
  lock   bigint;
  moment timestamptz;
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  IF NOT coalesce(in_grace_ms > 0 AND in_grace_ms <= in_timeout_ms AND in_timeout_ms <= 1::bigint << 40, false) THEN
    RAISE EXCEPTION 'a session needs 0 < grace (% ms) <= timeout (% ms) <= 2^40', in_grace_ms, in_timeout_ms USING ERRCODE = '22023';
  END IF;
  IF in_direct THEN
    lock := ${schema}.live_lock();
  END IF;
  moment := clock_timestamp();
  INSERT INTO ${schema}.session (id, timeout_ms, lease_ms, grace_ms, direct, live, backend, opened, renewed, client, host, pid)
    VALUES (new_id, in_timeout_ms, in_timeout_ms + CASE WHEN in_direct THEN greatest(in_timeout_ms / 12, in_timeout_ms / 3 - in_grace_ms)
        ELSE in_timeout_ms / 3 END, in_grace_ms, in_direct, lock, CASE WHEN in_direct THEN pg_backend_pid() END, moment, moment, in_client, in_host, in_pid);
  RETURN new_id;
END $$;

-- Takes the liveness lock again on a new connection and clears the suspicion. False: the session has ended. Begins the epoch of
-- this run of the server: its client asks next what has become of it (V007), and that depends on it.
CREATE FUNCTION ${schema}.session_attach(in_session bigint, in_way bigint DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  lock bigint;
BEGIN
  PERFORM ${schema}.epoch_begin();
  lock := ${schema}.live_lock();
  UPDATE ${schema}.session s SET direct = true, live = lock, backend = pg_backend_pid(), way = coalesce(in_way, s.way + 1), reconnects = s.reconnects + 1
    WHERE s.id = in_session AND (in_way IS NULL OR s.way < in_way);
  IF NOT FOUND THEN
    PERFORM pg_advisory_unlock(lock);
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

-- Whether the session is there, and the present tick of 750 ms if the caller is the one to reap in it: of all the clients that ping
-- within it, the first. So a fleet of any size reaps once a tick, and a client that is paused or dies delays it by one tick.
CREATE FUNCTION ${schema}.session_ping(in_session bigint, OUT alive boolean, OUT tick bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  alive := EXISTS (SELECT FROM ${schema}.session s
    WHERE s.id = in_session AND s.suspected IS NULL AND ${schema}.lease_end(s.renewed, s.lease_ms) > clock_timestamp());
  tick := floor(extract(epoch FROM clock_timestamp()) * 1000 / 750);
  IF EXISTS (SELECT FROM ${schema}.reaper r WHERE r.only_row AND r.tick = session_ping.tick) OR NOT ${schema}.reaper_take(tick) THEN
    tick := NULL;
  END IF;
END $$;

-- Takes a tick unless somebody else has it, or is about to take it.
CREATE FUNCTION ${schema}.reaper_take(in_tick bigint) RETURNS boolean
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
CREATE FUNCTION ${schema}.is_open(in_session bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session);

-- Whether somebody holds or waits in the row of a line (V007) whose session has not been ended.
CREATE FUNCTION ${schema}.is_taken(in_holder bigint, in_waiting bigint[]) RETURNS boolean
LANGUAGE sql STABLE
RETURN ${schema}.is_open(in_holder)
  OR EXISTS (SELECT FROM generate_subscripts(in_waiting, 1) AS i WHERE ${schema}.is_open(in_waiting[i][2]));

-- Whether this session may own something new; keeps it from ending before the calling transaction does. An end that the transaction
-- could not see would leave it for ever, hence its level.
CREATE FUNCTION ${schema}.session_joined(in_session bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  -- owner_share, without the call.
  IF NOT (SELECT ${schema}.ensure_read_committed() AND pg_try_advisory_xact_lock_shared(${schema}.lock_key(k, 'owner.' || in_session))
      FROM ${schema}.secret k WHERE k.only_row) THEN
    PERFORM ${schema}.owner_wait(in_session);
  END IF;
  RETURN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = in_session AND ${schema}.may_own(s));
END $$;

-- Ends a session and deletes all that it owned, under one number; what it held in the rows of lines is the next one's then, and
-- messages that it had taken (V010) go back. What it was, and who ended it if that was an operator, is history (V013). Returns
-- the paths that went, and those lines; null if there was no such session. For a caller that has its lock; waits for transactions that
-- hold on to something of it.
CREATE FUNCTION ${schema}._session_end(in_session bigint, in_by text DEFAULT NULL, in_why text DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  ending text;
  lines  text[];
  gone   text[];
BEGIN
  PERFORM ${schema}.ensure_read_committed();
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
  PERFORM ${schema}.claims_leave(in_session);
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
  gone text[];
BEGIN
  PERFORM ${schema}.owner_lock(in_session);
  gone := ${schema}._session_end(in_session);
  PERFORM ${schema}.ring_gone(gone);
  RETURN gone IS NOT NULL;
END $$;

-- Suspects a session whose backend is without its lock, or whose lease is over. Both are looked at while the row is held: see "Two detectors".
CREATE FUNCTION ${schema}.session_suspect(in_session bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  was ${schema}.session;
BEGIN
  SELECT * INTO was FROM ${schema}.session s WHERE s.id = in_session AND s.direct AND s.suspected IS NULL FOR UPDATE SKIP LOCKED;
  IF FOUND AND (${schema}.lease_end(was.renewed, was.lease_ms) <= clock_timestamp() OR ${schema}.is_cut_off(was)) THEN
    UPDATE ${schema}.session s SET suspected = clock_timestamp() WHERE s.id = in_session;
  END IF;
END $$;

-- Ends a session if its time is still over once nobody can change that: its lease is and it has no connection, or it is under a
-- suspicion that is ripe, and its client still without its lock or its lease over. Returns the paths that went, null if it lives or is busy.
CREATE FUNCTION ${schema}.session_judge(in_session bigint) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  was     ${schema}.session;
  is_mine boolean;
BEGIN
  PERFORM set_config('lock_timeout', '20ms', true);
  is_mine := pg_try_advisory_xact_lock(${schema}.owner_key(in_session))
    OR ${schema}.wait_for_lock(${schema}.owner_key(in_session), false, ${schema}.patience());
  SELECT * INTO was FROM ${schema}.session s
    WHERE s.id = in_session
      AND (NOT s.direct AND ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp())
    FOR UPDATE;
  IF NOT FOUND OR NOT (${schema}.lease_end(was.renewed, was.lease_ms) <= clock_timestamp() OR ${schema}.is_cut_off(was)) THEN
    RETURN NULL;
  ELSIF NOT is_mine AND ${schema}.is_kept(${schema}.owner_key(in_session), false) THEN
    RETURN NULL;
  END IF;
  RETURN ${schema}._session_end(in_session);
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN NULL;
END $$;

-- One tick of the reaper: suspects the sessions whose connection is gone, and ends at most `in_most` of those whose
-- time is over, each in a transaction of its own; then the holds whose limit is over. `next_ms`: when the next suspicion will be ripe.
-- Several that reap at once do the same twice, and each session is ended once.
CREATE PROCEDURE ${schema}.reap(in_most integer, OUT ended integer, OUT holds integer, OUT next_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
  condemned bigint;
  gone      pg_catalog.text[];
BEGIN
  ended := 0;
  FOREACH condemned IN ARRAY ${schema}.reap_begin(in_most) LOOP
    COMMIT;
    gone := ${schema}.session_judge(condemned);
    COMMIT;
    IF gone IS NOT NULL THEN
      ended := ended OPERATOR(pg_catalog.+) 1;
      PERFORM ${schema}.ring_gone(gone);
    END IF;
  END LOOP;
  COMMIT;
  holds := ${schema}.reap_holds(in_most);
  COMMIT;
  next_ms := ${schema}.next_suspicion_ms();
END $$;

-- Suspects, and tells which sessions are to be judged: any of them, so that those that cannot be ended yet keep no others waiting. In a
-- new run of the server it tells none, and begins an epoch first.
CREATE FUNCTION ${schema}.reap_begin(in_most integer) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  IF NOT EXISTS (SELECT FROM ${schema}.epoch WHERE only_row AND server_started = pg_postmaster_start_time()) THEN
    PERFORM ${schema}.epoch_begin();
    RETURN '{}';
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM ${schema}.session_suspect(s.id) FROM (
    SELECT id FROM ${schema}.session
      WHERE direct AND suspected IS NULL AND (${schema}.lease_end(renewed, lease_ms) <= clock_timestamp()
        OR (live, backend) NOT IN (SELECT l.key, l.pid FROM ${schema}.advisory_locks() l WHERE l.pid IS NOT NULL))
      LIMIT 200) s;
  RETURN ARRAY(
    SELECT s.id FROM ${schema}.session s
      WHERE NOT s.direct AND ${schema}.lease_end(s.renewed, s.lease_ms) <= clock_timestamp()
        OR ${schema}.suspicion_end(s.suspected, s.grace_ms, s.timeout_ms) <= clock_timestamp()
      ORDER BY random() LIMIT in_most);
END $$;

-- In how many milliseconds the next suspicion is ripe; null if there is none.
CREATE FUNCTION ${schema}.next_suspicion_ms() RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT extract(epoch FROM min(${schema}.suspicion_end(suspected, grace_ms, timeout_ms)) - clock_timestamp()) * 1000
    FROM ${schema}.session WHERE suspected IS NOT NULL;
END;

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
    EXIT WHEN ended OPERATOR(pg_catalog.+) holds OPERATOR(pg_catalog.=) 0;
  END LOOP;
END $$;

-- Deletes what ended sessions left behind: registrations that came too late to go with them, notes of lines in whose rows
-- they are no more, and replies that nobody can still be settling.
CREATE FUNCTION ${schema}.tidy() RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  DELETE FROM ${schema}.watch w WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = w.session);
  DELETE FROM ${schema}.awaited a WHERE NOT EXISTS (
    SELECT FROM ${schema}.parent p WHERE p.path = a.line AND (p.holder = a.session OR a.session = ANY (p.waiting)));
  DELETE FROM ${schema}.reply r WHERE NOT EXISTS (SELECT FROM ${schema}.session s WHERE s.id = r.session)
    AND r.at < clock_timestamp() - interval '2 days';
END;

SELECT ${schema}.pin_all();
