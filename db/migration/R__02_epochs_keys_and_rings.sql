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
-- more than an hour (2^32), which tells nothing then. `first` says so: what was numbered before may be lost (R__13_lines). Numbers stay below
-- 2^53, which JSON and JavaScript can count.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The number that belongs to this moment.
CREATE OR REPLACE FUNCTION ${schema}._clock_zxid() RETURNS bigint
LANGUAGE sql
RETURN greatest(1, least(1::bigint << 52, extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000000))::bigint;

-- The first number of the epoch after one that began with this number; null: of the very first.
CREATE OR REPLACE FUNCTION ${schema}._next_epoch(last bigint, clock bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN clock < last - (1::bigint << 32) THEN last + (1::bigint << 40) ELSE greatest(clock, last + (1::bigint << 26)) END;

-- The last number that was taken, 0 before the first. A sequence that is read like a table is scanned as one: see "Plans" in R__01_names_and_roles.
CREATE OR REPLACE FUNCTION ${schema}._last_zxid() RETURNS bigint
LANGUAGE sql
RETURN coalesce(pg_sequence_last_value('${schema}.zxid'), 0);

-- Which timeline of which cluster this is. Null where the server does not tell, as Aurora: there a failover loses nothing.
CREATE OR REPLACE FUNCTION ${schema}._this_timeline(OUT system_id bigint, OUT timeline integer)
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

-- Raises the sequence, so that numbers go on behind this one. Whoever calls this locks a row first, so that nobody lowers what somebody
-- else has raised in between. The exception takes the lock back at once, and PostgreSQL never takes a sequence back. So the next caller
-- does not wait until this transaction ends.
CREATE OR REPLACE FUNCTION ${schema}._zxid_raise(in_number bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ${schema}.zxid_turn t WHERE t.only_row FOR UPDATE;
  PERFORM setval('${schema}.zxid', in_number) WHERE ${schema}._last_zxid() < in_number;
  RAISE EXCEPTION USING ERRCODE = 'PK000';
EXCEPTION
  WHEN SQLSTATE 'PK000' THEN
    NULL;
END $$;

-- Has the numbers of rows go on behind those that there are: a logical switchover carries rows over, and no sequences. For a new epoch
-- (R__02_epochs_keys_and_rings).
CREATE OR REPLACE FUNCTION ${schema}._sequences_follow() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  numbered record;
  greatest_number bigint;
BEGIN
  FOR numbered IN
    SELECT c.relname AS table_name, a.attname AS column_name,
        pg_get_serial_sequence(format('${schema}.%I', c.relname), a.attname)::regclass AS sequence
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind = 'r' AND a.attidentity <> '' AND NOT a.attisdropped
  LOOP
    EXECUTE format('SELECT max(%I) FROM ${schema}.%I', numbered.column_name, numbered.table_name) INTO greatest_number;
    PERFORM setval(numbered.sequence, greatest_number)
      WHERE greatest_number > coalesce(pg_sequence_last_value(numbered.sequence), 0);
  END LOOP;
END $$;

-- Begins an epoch if this run of the server has none yet. Raising the numbers and remembering the epoch are apart: the
-- first takes effect at once for everybody, the second ends with the caller's transaction, and nobody waits for it.
CREATE OR REPLACE FUNCTION ${schema}._epoch_begin() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  last         ${schema}.epoch;
  this_started timestamptz := pg_postmaster_start_time();
  this         record;
  this_first   bigint;
  least_number bigint := ${schema}._clock_zxid();
BEGIN
  SELECT * INTO last FROM ${schema}.epoch WHERE only_row;
  IF last.server_started IS DISTINCT FROM this_started THEN
    SELECT * INTO this FROM ${schema}._this_timeline();
    this_first := last.first;
    IF last.first IS NULL OR (this.system_id, this.timeline) IS DISTINCT FROM (last.system_id, last.timeline) THEN
      this_first := ${schema}._next_epoch(last.first, least_number);
      least_number := this_first;
      IF last.first IS NOT NULL THEN
        PERFORM ${schema}._sequences_follow();
      END IF;
    END IF;
    PERFORM ${schema}._zxid_raise(least_number);
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
CREATE OR REPLACE FUNCTION ${schema}._first_zxid() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._epoch_begin();
  RETURN nextval('${schema}.zxid');
END $$;

-- The next number. A backend looks at the epoch once: it cannot outlive the run of the server. PostgreSQL writes an SQL
-- function of one expression out where it is called, so this costs no call.
CREATE OR REPLACE FUNCTION ${schema}._next_zxid() RETURNS bigint
LANGUAGE sql
RETURN CASE current_setting('${schema}.epoch', true) WHEN 'seen' THEN nextval('${schema}.zxid') ELSE ${schema}._first_zxid() END;

CREATE OR REPLACE VIEW ${schema}.epochs AS
  SELECT e.first, e.began, e.timeline, e.server_started = pg_postmaster_start_time() AS current FROM ${schema}.epoch e LIMIT 1;
COMMENT ON VIEW ${schema}.epochs IS 'Which run of the server the numbers belong to.';
COMMENT ON COLUMN ${schema}.epochs.first IS 'All numbers of before are smaller. Grows with every timeline and every cluster, about as the clock does.';
COMMENT ON COLUMN ${schema}.epochs.began IS 'Leases count from here if they were renewed before.';
COMMENT ON COLUMN ${schema}.epochs.timeline IS 'PostgreSQL''s timeline in this epoch.';
COMMENT ON COLUMN ${schema}.epochs.current IS 'False from a restart until the first client is back.';

-- A new schema begins its first epoch here.
SELECT ${schema}._epoch_begin() WHERE NOT EXISTS (SELECT FROM ${schema}.epoch);

-- Says that a transaction sees what was when it began.
CREATE OR REPLACE FUNCTION ${schema}._refuse_isolation() RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'this cannot be done in a % transaction', upper(current_setting('transaction_isolation')) USING ERRCODE = 'PK007',
    HINT = 'It would be decided by what was true when that began. Use READ COMMITTED. Reading, creating what no session owns, setting, adding, enqueueing, publishing and fencing do not need it.';
END $$;

-- Fails in a transaction above READ COMMITTED, which sees the database as it was when it began. A function that waits for a lock and then
-- looks would decide by that old state: it would delete a node under a new child, or leave the next message of a key behind. A function
-- that only adds or changes rows need not call this, because PostgreSQL itself fails with 40001 if somebody else was first. Nor need one
-- that only reads.
CREATE OR REPLACE FUNCTION ${schema}._ensure_read_committed() RETURNS boolean
LANGUAGE sql
RETURN current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') OR ${schema}._refuse_isolation();

-- The advisory lock of one thing. Who can read the secret can take it on purpose, and who sees it in pg_locks while somebody has it. A key
-- tells nothing of the secret: what is hashed last is a digest.
-- So nothing that has to go on waits for as long as somebody may have it who cannot write: see "Strangers" below.
CREATE OR REPLACE FUNCTION ${schema}._lock_key(k ${schema}.secret, what text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(encode(sha256(k.salt || convert_to(what, 'UTF8')), 'hex'), 0);

-- The channel on which a session is rung. A ring says what changed, and everybody who may connect to the database may listen. So nobody
-- who cannot read the secret, or the view sessions, can tell which channel it is.
CREATE OR REPLACE FUNCTION ${schema}._channel(k ${schema}.secret, in_session bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '${schema}:' || to_hex(${schema}._lock_key(k, 'ring.' || in_session));

-- The same for the client that is to listen there.
CREATE OR REPLACE FUNCTION ${schema}.session_channel(in_session bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT ${schema}._channel(k, in_session) FROM ${schema}.secret k WHERE k.only_row;
END;
COMMENT ON FUNCTION ${schema}.session_channel(bigint) IS 'The channel on which a session is rung: what LISTEN needs.';

-- Rings a session when the transaction commits; true. A transaction must not ring if it is to be prepared (PREPARE TRANSACTION). Its
-- author says so with SET LOCAL ${schema}.rings = off. Nor does anybody ring where the queue of notifications is nearly full: whoever may
-- connect to any database of the cluster can fill it, and a transaction that rings then fails. A client that is not rung learns of the
-- change at its next sweep.
CREATE OR REPLACE FUNCTION ${schema}._ring_session(in_session bigint, in_payload text) RETURNS boolean
LANGUAGE sql
RETURN coalesce(current_setting('${schema}.rings', true) = 'off', false)
  OR pg_notification_queue_usage() > 0.9
  OR (SELECT pg_notify(${schema}._channel(k, in_session), in_payload) IS NOT NULL FROM ${schema}.secret k WHERE k.only_row);

SELECT ${schema}._pin_and_grant();
