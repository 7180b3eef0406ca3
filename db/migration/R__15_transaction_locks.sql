-- Locks that last as long as a transaction.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The advisory lock of a path. Nothing else that _lock_key is asked for (R__02_epochs_keys_and_rings) begins with a slash.
CREATE OR REPLACE FUNCTION ${schema}._path_key(in_path text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF in_path IS NULL OR in_path NOT LIKE '/%' THEN
    RAISE EXCEPTION '% is no path', quote_nullable(in_path) USING ERRCODE = '22023', HINT = 'A path starts with /.';
  END IF;
  RETURN (SELECT ${schema}._lock_key(k, in_path) FROM ${schema}.secret k WHERE k.only_row);
END $$;

-- Waits until no other transaction has the lock of this path, and keeps it until this one ends. Nothing is written. It has
-- nothing to do with a line at the same path, and its holder is in no view but pg_locks.
CREATE OR REPLACE FUNCTION ${schema}.lock_in_transaction(path text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  PERFORM pg_advisory_xact_lock(${schema}._path_key(path));
END $$;
COMMENT ON FUNCTION ${schema}.lock_in_transaction(text) IS
  'Waits for the lock of a path and keeps it until this transaction ends; nothing is written.';

-- The same, without waiting. False: another transaction has it.
CREATE OR REPLACE FUNCTION ${schema}.try_lock_in_transaction(path text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}._ensure_read_committed();
  RETURN pg_try_advisory_xact_lock(${schema}._path_key(path));
END $$;
COMMENT ON FUNCTION ${schema}.try_lock_in_transaction(text) IS
  'Takes the lock of a path until this transaction ends; false if another transaction has it.';

SELECT ${schema}._pin_and_grant();
