-- Paths, and the answer that says no.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The path of the node below which this one would be created: a number alone goes below the root.
CREATE OR REPLACE FUNCTION ${schema}._new_parent_of(path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(left(path, -strpos(reverse(path), '/')), ''), '/');

-- The path of the parent; '' for the root.
CREATE OR REPLACE FUNCTION ${schema}._parent_of(path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN path = '/' THEN '' ELSE ${schema}._new_parent_of(path) END;

-- The paths above this one, the root included.
CREATE OR REPLACE FUNCTION ${schema}._ancestors_of(path text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT coalesce(array_agg(left(path, i - 1)), '{}') || ARRAY['/']
    FROM generate_series(2, length(path)) AS i WHERE substr(path, i, 1) = '/';
END;

-- A name or path with its number, if it is to have one.
CREATE OR REPLACE FUNCTION ${schema}._numbered(name text, creates bigint, sequential boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN sequential IS NOT TRUE THEN name
  WHEN creates < 10000000000 THEN name || lpad(creates::text, 10, '0') ELSE name || creates::text END;

-- Whether this is a path of some node below the root, as ZooKeeper has it. Names are not matched one by one: of a thousand that would
-- be too complex.
CREATE OR REPLACE FUNCTION ${schema}._is_path(path text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(path, 1) = '/'
  AND path !~ '//|/$|/\.\.?(/|$)|[\u0001-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\U0010ffff]';

-- Whether a node may be created so.
CREATE OR REPLACE FUNCTION ${schema}._is_new_node(path text, kind ${schema}.node_kind, sequential boolean, ttl_ms bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN path IS NOT NULL AND kind IS NOT NULL AND octet_length(path) <= CASE WHEN sequential THEN 1980 ELSE 2000 END
  AND (kind = 'ttl') = (ttl_ms IS NOT NULL) AND (ttl_ms IS NULL OR ttl_ms BETWEEN 1 AND 1099511627775)
  AND ${schema}._is_path(CASE WHEN sequential THEN path || '1' ELSE path END);

-- The answer that says no.
CREATE OR REPLACE FUNCTION ${schema}._refused(code text, path text) RETURNS ${schema}.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(code, path, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::${schema}.outcome;

SELECT ${schema}._pin_and_grant();
