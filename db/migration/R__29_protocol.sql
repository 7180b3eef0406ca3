-- Which version this is.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Which protocol this schema speaks, and the oldest client that it still serves. Each V file raises the first number, which is its own.
CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 8, 8;
END;
COMMENT ON FUNCTION ${schema}.protocol() IS 'The version of this schema, and the oldest client that it serves.';

SELECT ${schema}._pin_and_grant();
