-- Numbers in nodes: a node whose data are a whole number of 64 bits, in decimal digits as everybody reads them. Adding to it
-- decides under the node's row, so any number of clients may do it at once and none has to try again; several additions that
-- come together to one node change it once.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Whether 64 bits hold it; null for null.
CREATE OR REPLACE FUNCTION ${schema}._fits(number numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN number BETWEEN -9223372036854775808 AND 9223372036854775807;

-- The number that a node's data say, or that is to be added; null if that is not one. (Escaping takes any bytes, and leaves
-- digits as they are.)
CREATE OR REPLACE FUNCTION ${schema}._number_of(data bytea) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(data) <= 20 AND encode(data, 'escape') ~ '^-?[0-9]{1,19}$'
  THEN CASE WHEN ${schema}._fits(encode(data, 'escape')::numeric) THEN encode(data, 'escape')::numeric END END;

-- The answer to an addition.
CREATE OR REPLACE FUNCTION ${schema}._added(path text, sum numeric) RETURNS ${schema}.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT 'ok', path, NULL::bigint, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::integer, NULL::bigint,
    NULL::bigint, NULL::integer, NULL::bigint, NULL::bigint, sum::bigint, NULL::boolean, NULL::integer;
END;

-- Adds to the number in a node's data. Where that was not possible, and then is after all, somebody was just changing it: it
-- is tried again.
CREATE OR REPLACE FUNCTION ${schema}._add(in_path text, in_delta numeric, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  sum    numeric;
  stored bytea;
BEGIN
  IF in_delta IS NULL THEN
    RETURN ${schema}._refused('bad_arguments', in_path);
  END IF;
  LOOP
    UPDATE ${schema}.node n
      SET data = convert_to((${schema}._number_of(n.data) + in_delta)::text, 'UTF8'), version = version + 1,
        mzxid = coalesce(in_zxid, ${schema}._next_zxid()), mtime = clock_timestamp()
      WHERE n.path = in_path AND ${schema}._fits(${schema}._number_of(n.data) + in_delta)
      RETURNING ${schema}._number_of(n.data) INTO sum;
    IF FOUND THEN
      RETURN ${schema}._added(in_path, sum);
    END IF;
    SELECT n.data INTO stored FROM ${schema}.node n WHERE n.path = in_path;
    IF NOT FOUND THEN
      RETURN ${schema}._refused('no_node', in_path);
    ELSIF ${schema}._number_of(stored) IS NULL THEN
      RETURN ${schema}._refused('not_a_number', in_path);
    ELSIF NOT ${schema}._fits(${schema}._number_of(stored) + in_delta) THEN
      RETURN ${schema}._refused('overflow', in_path);
    END IF;
  END LOOP;
END $$;

-- Sets a node's number if it is the expected one; otherwise the answer is 'bad_version'. It is compared under the node's row with what
-- is there at that moment, whatever the node was before. Tried again as _add is.
CREATE OR REPLACE FUNCTION ${schema}._compare_and_set(in_path text, in_expected bigint, in_value bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  stored bytea;
BEGIN
  LOOP
    UPDATE ${schema}.node n
      SET data = convert_to(in_value::text, 'UTF8'), version = version + 1, mzxid = ${schema}._next_zxid(), mtime = clock_timestamp()
      WHERE n.path = in_path AND ${schema}._number_of(n.data) = in_expected;
    IF FOUND THEN
      RETURN ${schema}._added(in_path, in_value);
    END IF;
    SELECT n.data INTO stored FROM ${schema}.node n WHERE n.path = in_path;
    IF NOT FOUND THEN
      RETURN ${schema}._refused('no_node', in_path);
    ELSIF ${schema}._number_of(stored) IS NULL THEN
      RETURN ${schema}._refused('not_a_number', in_path);
    ELSIF ${schema}._number_of(stored) IS DISTINCT FROM in_expected THEN
      RETURN ${schema}._refused('bad_version', in_path);
    END IF;
  END LOOP;
END $$;

-- The additions among several steps that came together, their nodes' rows being held: those to one node change it once, and
-- each has the sum that it would have had in its turn. Leaves out the nodes of which one of them has to be refused.
CREATE OR REPLACE FUNCTION ${schema}._add_each(in_types text[], in_paths text[], in_data bytea[])
RETURNS TABLE (at_step bigint, answer ${schema}.outcome)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
    WITH wanted AS MATERIALIZED (
      SELECT s.step, n.path, ${schema}._number_of(n.data) + sum(${schema}._number_of(s.delta)) OVER
          (PARTITION BY n.path ORDER BY s.step ROWS UNBOUNDED PRECEDING) AS sum
        FROM unnest(in_types, in_paths, in_data) WITH ORDINALITY AS s (type, path, delta, step)
          JOIN ${schema}.node n ON n.path = s.path
        WHERE s.type = 'add'
    ), last AS (
      SELECT w.path, count(*) AS additions, (array_agg(w.sum ORDER BY w.step DESC))[1] AS sum
        FROM wanted w GROUP BY w.path HAVING bool_and(coalesce(${schema}._fits(w.sum), false))
    ), made AS (
      UPDATE ${schema}.node n
        SET data = convert_to(l.sum::text, 'UTF8'), version = n.version + l.additions, mzxid = ${schema}._next_zxid(),
          mtime = clock_timestamp()
        FROM last l WHERE n.path = l.path
        RETURNING n.path
    )
    SELECT w.step, ${schema}._added(w.path, w.sum) FROM wanted w JOIN made m USING (path);
END $$;

-- As callers ask for it (R__11_operations): inside any transaction, and in one of its own.

CREATE OR REPLACE FUNCTION ${schema}.add(in_path text, in_delta bigint DEFAULT 1, OUT code text, OUT path text, OUT value bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._add(in_path, in_delta, NULL);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, false);
  END IF;
  code := outcome.code;
  path := outcome.path;
  value := outcome.number;
END $$;
COMMENT ON FUNCTION ${schema}.add(text, bigint) IS
  'Adds to a node whose data are a whole number, in decimal digits: SELECT code, value FROM ${schema}.add(''/orders/count'', 5). value is the sum; code: ok, no_node, not_a_number or overflow (of 64 bits; nothing is added then).';

CREATE OR REPLACE FUNCTION ${schema}._request_add(in_session bigint, in_slot integer, in_request bigint, in_path text, in_delta bigint,
    OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._add(in_path, in_delta, NULL);
  IF outcome.code = 'ok' THEN
    watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, in_path);
  END IF;
END $$;

-- Whoever finds somebody else just adding to the same node takes its turn at an advisory lock, which wakes only the next
-- one where a row wakes all; and does not keep the node's row through the flush: the addition is committed, and flushed
-- after that, together with those of others. So many sessions add as fast as one transaction after the other goes without its
-- flush, and who has the reply has it durable. What a crash forgets in between, nobody was told of, and its slot has forgotten too.
CREATE OR REPLACE FUNCTION ${schema}._add_turn(in_path text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  turn bigint := (SELECT ${schema}._lock_key(k, 'add.' || in_path) FROM ${schema}.secret k WHERE k.only_row);
BEGIN
  IF pg_try_advisory_xact_lock(turn) THEN
    RETURN true;
  END IF;
  PERFORM pg_advisory_xact_lock(turn), set_config('synchronous_commit', 'off', true);
  RETURN false;
END $$;

CREATE OR REPLACE PROCEDURE ${schema}.request_add(in_session bigint, in_slot integer, in_request bigint, in_path text, in_delta bigint,
    OUT code text, OUT path text, OUT number bigint, OUT granted boolean, OUT attempt integer, OUT ctime timestamptz, OUT watched boolean)
LANGUAGE plpgsql AS $$
DECLARE
  alone   boolean := ${schema}._add_turn(in_path);
  request pg_catalog.record;
BEGIN
  SELECT * INTO request FROM ${schema}._request_add(in_session, in_slot, in_request, in_path, in_delta);
  IF NOT alone THEN
    COMMIT;
    PERFORM pg_catalog.pg_logical_emit_message(true, '${schema}', '');
  END IF;
  code := (request.outcome).code;
  path := in_path;
  number := (request.outcome).number;
  watched := request.watched;
END $$;
COMMENT ON PROCEDURE ${schema}.request_add(bigint, integer, bigint, text, bigint) IS
  'Like add, in transactions of its own, numbered so that a lost reply can be settled; if watched, call ring next. The number is the sum.';

CREATE OR REPLACE FUNCTION ${schema}.compare_and_set(in_path text, in_expected bigint, in_value bigint, OUT code text, OUT path text)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  outcome ${schema}.outcome := ${schema}._compare_and_set(in_path, in_expected, in_value);
BEGIN
  IF outcome.code = 'ok' THEN
    PERFORM ${schema}.ring(in_path, false);
  END IF;
  code := outcome.code;
  path := outcome.path;
END $$;
COMMENT ON FUNCTION ${schema}.compare_and_set(text, bigint, bigint) IS
  'Sets a node whose data are a whole number to another one if it is the expected one: SELECT code FROM ${schema}.compare_and_set(''/orders/count'', 5, 0). code: ok, bad_version (it is another number), no_node or not_a_number.';

CREATE OR REPLACE FUNCTION ${schema}.request_compare_and_set(in_session bigint, in_slot integer, in_request bigint, in_path text,
    in_expected bigint, in_value bigint, OUT outcome ${schema}.outcome, OUT watched boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  outcome := ${schema}._compare_and_set(in_path, in_expected, in_value);
  IF outcome.code = 'ok' THEN
    watched := ${schema}._note_reply(in_session, in_slot, in_request, ARRAY[outcome], in_path, in_path);
  END IF;
END $$;
COMMENT ON FUNCTION ${schema}.request_compare_and_set(bigint, integer, bigint, text, bigint, bigint) IS
  'Like compare_and_set, in a transaction of its own, numbered so that a lost reply can be settled; if watched, call ring next.';

SELECT ${schema}._pin_and_grant();
