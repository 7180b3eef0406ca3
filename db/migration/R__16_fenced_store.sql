-- A store that refuses who comes too late.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Writes unless somebody with a greater token has. Returns the greatest token that has written: if it is not the
-- caller's, nothing was changed.
CREATE OR REPLACE FUNCTION ${schema}.fenced_write(in_store text, in_key text, in_token bigint, in_data bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  greatest_token bigint;
BEGIN
  -- The error of a constraint would show the data, here and in the server's log.
  IF num_nulls(in_store, in_key, in_token, in_data) > 0 THEN
    RAISE EXCEPTION 'fenced_write needs a store, a key, a token and data' USING ERRCODE = '22004';
  END IF;
  INSERT INTO ${schema}.fenced AS f VALUES (in_store, in_key, in_token, clock_timestamp(), in_data)
    ON CONFLICT (store, key) DO UPDATE SET token = excluded.token, written = excluded.written, data = excluded.data
      WHERE f.token <= excluded.token
    RETURNING f.token INTO greatest_token;
  IF NOT FOUND THEN
    SELECT f.token INTO STRICT greatest_token FROM ${schema}.fenced f WHERE f.store = in_store AND f.key = in_key;
  END IF;
  RETURN greatest_token;
END $$;
COMMENT ON FUNCTION ${schema}.fenced_write(text, text, bigint, bytea) IS
  'Writes under a key of a store unless somebody with a greater token has: SELECT pgkeeper.fenced_write(''orders'', ''A17'', 5, ''data''). Returns the greatest token that has written; if it is not yours, nothing was changed.';

-- What was last written under a key; no row if nothing ever was.
CREATE OR REPLACE FUNCTION ${schema}.fenced_read(in_store text, in_key text) RETURNS TABLE (data bytea, token bigint, written timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT f.data, f.token, f.written FROM ${schema}.fenced f WHERE f.store = in_store AND f.key = in_key;
END;
COMMENT ON FUNCTION ${schema}.fenced_read(text, text) IS
  'What was last written under a key of a store, with its token; no row if nothing ever was.';

SELECT ${schema}._pin_and_grant();
