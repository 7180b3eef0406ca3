-- Locks that last as long as a transaction, and a store that refuses who comes too late.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The advisory lock of a path. Nothing else that lock_key is asked for (V002) begins with a slash.
CREATE FUNCTION ${schema}.path_key(in_path text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF in_path IS NULL OR in_path NOT LIKE '/%' THEN
    RAISE EXCEPTION '% is no path', quote_nullable(in_path) USING ERRCODE = '22023', HINT = 'A path starts with /.';
  END IF;
  RETURN (SELECT ${schema}.lock_key(k, in_path) FROM ${schema}.secret k WHERE k.only_row);
END $$;

-- Waits until no other transaction has the lock of this path, and keeps it until this one ends. Nothing is written. It has
-- nothing to do with a line at the same path, and its holder is in no view but pg_locks.
CREATE FUNCTION ${schema}.lock_in_transaction(path text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  PERFORM pg_advisory_xact_lock(${schema}.path_key(path));
END $$;

-- The same, without waiting. False: another transaction has it.
CREATE FUNCTION ${schema}.try_lock_in_transaction(path text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.ensure_read_committed();
  RETURN pg_try_advisory_xact_lock(${schema}.path_key(path));
END $$;

-- What was last written under a key, with the token of who wrote it. It stays, so that the token is remembered.
CREATE TABLE ${schema}.fenced (
  store   text COLLATE "C" NOT NULL,
  key     text COLLATE "C" NOT NULL,
  token   bigint NOT NULL,
  written timestamptz NOT NULL,
  data    bytea NOT NULL,
  PRIMARY KEY (store, key)
);

-- Writes unless somebody with a greater token has. Returns the greatest token that has written: if it is not the
-- caller's, nothing was changed.
CREATE FUNCTION ${schema}.fenced_write(in_store text, in_key text, in_token bigint, in_data bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  greatest_token bigint;
BEGIN
  INSERT INTO ${schema}.fenced AS f VALUES (in_store, in_key, in_token, clock_timestamp(), in_data)
    ON CONFLICT (store, key) DO UPDATE SET token = excluded.token, written = excluded.written, data = excluded.data
      WHERE f.token <= excluded.token
    RETURNING f.token INTO greatest_token;
  IF NOT FOUND THEN
    SELECT f.token INTO STRICT greatest_token FROM ${schema}.fenced f WHERE f.store = in_store AND f.key = in_key;
  END IF;
  RETURN greatest_token;
END $$;

-- What was last written under a key; no row if nothing ever was.
CREATE FUNCTION ${schema}.fenced_read(in_store text, in_key text) RETURNS TABLE (data bytea, token bigint, written timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT f.data, f.token, f.written FROM ${schema}.fenced f WHERE f.store = in_store AND f.key = in_key;
END;

COMMENT ON FUNCTION ${schema}.lock_in_transaction(text) IS
  'Waits for the lock of a path and keeps it until this transaction ends; nothing is written.';
COMMENT ON FUNCTION ${schema}.try_lock_in_transaction(text) IS
  'Takes the lock of a path until this transaction ends; false if another transaction has it.';
COMMENT ON FUNCTION ${schema}.fenced_write(text, text, bigint, bytea) IS
  'Writes under a key of a store unless somebody with a greater token has: SELECT pgkeeper.fenced_write(''orders'', ''A17'', 5, ''data''). Returns the greatest token that has written; if it is not yours, nothing was changed.';
COMMENT ON FUNCTION ${schema}.fenced_read(text, text) IS
  'What was last written under a key of a store, with its token; no row if nothing ever was.';

CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 8, 6;
END;

SELECT ${schema}.pin_all();
SELECT ${schema}.grant_all();
