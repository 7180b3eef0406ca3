-- The znode tree. Every function can be called in a transaction of the caller's and then ends with it; errors of
-- use come back as a code and leave that transaction usable.

-- The path of the parent; '' for the root.
CREATE FUNCTION ${schema}.parent_of(path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN path = '/' THEN '' WHEN strpos(substr(path, 2), '/') = 0 THEN '/' ELSE left(path, -strpos(reverse(path), '/')) END $$;

CREATE FUNCTION ${schema}.refused(in_code text, in_path text) RETURNS ${schema}.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT in_code, in_path, NULL::bigint, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::integer, NULL::integer, NULL::bigint, NULL::integer, NULL::integer, NULL::bigint $$;

-- Creates a node. Decides under the lock on the parent's row, which also numbers the children.
CREATE FUNCTION ${schema}._create(in_path text, in_data bytea, in_kind ${schema}.node_kind, in_sequential boolean,
    in_owner bigint, in_ttl_ms bigint, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  cut     integer := strpos(reverse(in_path), '/');
  above   text := left(in_path, -cut);
  leaf    text := right(in_path, cut - 1);
  born    bigint;
  up_kind ${schema}.node_kind;
  up_czxid bigint;
  zxid    bigint;
  moment  timestamptz;
BEGIN
  IF above = '' THEN above := '/'; END IF;
  IF (CASE WHEN in_sequential THEN in_path || '1' ELSE in_path END)
     !~ '^(/(?!\.\.?(/|$))[^/\u0001-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\U0010ffff]+)+$' THEN
    RETURN ${schema}.refused('bad_arguments', in_path);
  END IF;
  IF in_kind = 'ephemeral' AND NOT ${schema}.session_joined(in_owner) THEN
    RETURN ${schema}.refused('session_expired', in_path);
  END IF;
  SELECT creates INTO born FROM ${schema}.parent p WHERE p.path = above FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    SELECT kind, czxid INTO up_kind, up_czxid FROM ${schema}.node n WHERE n.path = above FOR KEY SHARE;
    IF NOT FOUND THEN
      RETURN ${schema}.refused('no_node', in_path);
    ELSIF up_kind = 'ephemeral' THEN
      RETURN ${schema}.refused('no_children_for_ephemerals', in_path);
    END IF;
    INSERT INTO ${schema}.parent VALUES (above, 0, 0, up_czxid) ON CONFLICT DO NOTHING;
    SELECT creates INTO born FROM ${schema}.parent p WHERE p.path = above FOR NO KEY UPDATE;
  END IF;
  IF in_sequential THEN
    in_path := in_path || lpad(born::text, greatest(10, length(born::text)), '0');
    leaf := leaf || lpad(born::text, greatest(10, length(born::text)), '0');
  END IF;
  zxid := coalesce(in_zxid, nextval('${schema}.zxid'));
  moment := clock_timestamp();
  INSERT INTO ${schema}.node (path, parent, name, kind, owner, ttl_ms, version, czxid, mzxid, ctime, mtime, data)
    VALUES (in_path, above, leaf, in_kind, in_owner, in_ttl_ms, 0, zxid, zxid, moment, moment, in_data)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN ${schema}.refused('node_exists', in_path);
  END IF;
  UPDATE ${schema}.parent p SET creates = creates + 1, children = children + 1, pzxid = zxid WHERE p.path = above;
  RETURN ROW('ok'::text, in_path, zxid, zxid, moment, moment, 0, 0, coalesce(in_owner, 0), length(in_data), 0, zxid)::${schema}.outcome;
END $$;

CREATE FUNCTION ${schema}._set(in_path text, in_data bytea, in_version integer, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  o ${schema}.outcome;
BEGIN
  UPDATE ${schema}.node n
    SET data = in_data, version = version + 1, mzxid = coalesce(in_zxid, nextval('${schema}.zxid')), mtime = clock_timestamp()
    WHERE n.path = in_path AND (in_version = -1 OR n.version = in_version)
    RETURNING 'ok'::text, n.path, czxid, mzxid, ctime, mtime, version, 0, coalesce(owner, 0), length(in_data), 0, czxid INTO o;
  IF NOT FOUND THEN
    PERFORM FROM ${schema}.node n WHERE n.path = in_path;
    RETURN ${schema}.refused(CASE WHEN FOUND THEN 'bad_version' ELSE 'no_node' END, in_path);
  END IF;
  SELECT 2 * p.creates - p.children, p.children, p.pzxid INTO o.cversion, o.children, o.pzxid
    FROM ${schema}.parent p WHERE p.path = in_path;
  IF NOT FOUND THEN o.cversion := 0; o.children := 0; o.pzxid := o.czxid; END IF;
  RETURN o;
END $$;

CREATE FUNCTION ${schema}._delete(in_path text, in_version integer, in_zxid bigint) RETURNS ${schema}.outcome
LANGUAGE plpgsql AS $$
DECLARE
  above   text := ${schema}.parent_of(in_path);
  was     integer;
  kids    bigint;
BEGIN
  IF above = '' THEN RETURN ${schema}.refused('bad_arguments', in_path); END IF;
  PERFORM FROM ${schema}.parent p WHERE p.path = above FOR NO KEY UPDATE;
  SELECT version INTO was FROM ${schema}.node n WHERE n.path = in_path FOR UPDATE;
  IF NOT FOUND THEN RETURN ${schema}.refused('no_node', in_path); END IF;
  IF in_version <> -1 AND in_version <> was THEN RETURN ${schema}.refused('bad_version', in_path); END IF;
  SELECT children INTO kids FROM ${schema}.parent p WHERE p.path = in_path FOR UPDATE;
  IF FOUND THEN
    IF kids > 0 THEN RETURN ${schema}.refused('not_empty', in_path); END IF;
    DELETE FROM ${schema}.parent p WHERE p.path = in_path;
  END IF;
  DELETE FROM ${schema}.node n WHERE n.path = in_path;
  UPDATE ${schema}.parent p SET children = children - 1, pzxid = coalesce(in_zxid, nextval('${schema}.zxid')) WHERE p.path = above;
  RETURN ${schema}.refused('ok', in_path);
END $$;

CREATE FUNCTION ${schema}.watched(in_path text, in_above text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT FROM ${schema}.watch w WHERE w.path = in_path)
    OR EXISTS (SELECT FROM ${schema}.watch w WHERE w.path = in_above AND w.kind IN ('c', 'p'))
    OR EXISTS (SELECT FROM ${schema}.watch w WHERE w.kind = 'r');
END $$;

CREATE FUNCTION ${schema}.result_of(o ${schema}.outcome) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
 RETURN ARRAY[o.code, o.path, o.czxid::text, o.mzxid::text, (extract(epoch from o.ctime)*1000)::bigint::text, (extract(epoch from o.mtime)*1000)::bigint::text, o.version::text, o.cversion::text, o.owner::text,
   o.data_length::text, o.children::text, o.pzxid::text];
END $$;

CREATE PROCEDURE ${schema}.commit_create(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea, in_kind ${schema}.node_kind, in_sequential boolean, in_ttl_ms bigint, OUT result text[])
LANGUAGE plpgsql AS $$
DECLARE
  o ${schema}.outcome;
BEGIN
  o := ${schema}._create(in_path, in_data, in_kind, in_sequential, CASE WHEN in_kind = 'ephemeral' THEN in_session END, in_ttl_ms, NULL);
  result := ${schema}.result_of(o);
  IF o.code = 'ok' THEN
   IF in_slot is not null THEN
    INSERT INTO ${schema}.reply AS r VALUES (in_session, in_slot, in_request, clock_timestamp(), result)
      ON CONFLICT (session, slot) DO UPDATE SET request = excluded.request, at = excluded.at, results = excluded.results WHERE r.request < excluded.request;
    END IF;
    IF ${schema}.watched(o.path, ${schema}.parent_of(o.path)) THEN
      COMMIT;
    END IF;
  END IF;
END $$;
CREATE PROCEDURE ${schema}.commit_set(in_session bigint, in_slot integer, in_request bigint, in_path text, in_data bytea, in_version int, OUT result text[])
LANGUAGE plpgsql AS $$
DECLARE
  o ${schema}.outcome;
BEGIN
  o := ${schema}._set(in_path, in_data, in_version, NULL);
  result := ${schema}.result_of(o);
  IF o.code = 'ok' THEN
   IF in_slot is not null THEN
    INSERT INTO ${schema}.reply AS r VALUES (in_session, in_slot, in_request, clock_timestamp(), result)
      ON CONFLICT (session, slot) DO UPDATE SET request = excluded.request, at = excluded.at, results = excluded.results WHERE r.request < excluded.request;
    END IF;
    IF ${schema}.watched(o.path, ${schema}.parent_of(o.path)) THEN
      COMMIT;
    END IF;
  END IF;
END $$;
