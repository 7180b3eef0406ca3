-- Reading many nodes with their data, and telling cheaply whether any of them changed: what copies of a part of the tree are
-- made and checked with. "The nodes" are the children of a node, or the node with everything below it.

SET LOCAL search_path = pg_catalog, pg_temp;

-- At most so many of the nodes that come after one path ('' for the first), sorted; fewer where their data is more than
-- `in_most_bytes` together, but never none of those that there are. No row is read that is not among them.
CREATE OR REPLACE FUNCTION ${schema}.node_page(in_path text, in_children boolean, in_after text, in_limit integer, in_most_bytes bigint)
RETURNS TABLE (path text, data bytea, czxid bigint, mzxid bigint, ctime timestamptz, mtime timestamptz, version integer,
    cversion bigint, owner bigint, data_length integer, children bigint, pzxid bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT n.path, n.data, n.czxid, n.mzxid, n.ctime, n.mtime, n.version, coalesce(2 * p.creates - p.children, 0),
      coalesce(n.owner, 0), length(n.data), coalesce(p.children, 0), coalesce(p.pzxid, n.czxid)
    FROM (
      SELECT l.*, sum(length(l.data)) OVER (ORDER BY l.path ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM (
          SELECT * FROM ${schema}.node r WHERE NOT in_children AND in_after = '' AND r.path = in_path
          UNION ALL
          (SELECT * FROM ${schema}.node b WHERE NOT in_children
            AND b.path > greatest(in_after COLLATE "C", rtrim(in_path, '/') || '/') AND b.path < rtrim(in_path, '/') || '0'
            ORDER BY b.path LIMIT in_limit)
          UNION ALL
          (SELECT * FROM ${schema}.node c WHERE in_children AND c.parent = in_path
            AND c.name > substr(in_after, length(rtrim(in_path, '/')) + 2) ORDER BY c.name LIMIT in_limit)
        ) l
      ) n
      LEFT JOIN LATERAL (SELECT * FROM ${schema}.gathering o WHERE o.path = n.path LIMIT 1) p ON true
    WHERE coalesce(n.before, 0) < in_most_bytes
    ORDER BY n.path LIMIT in_limit;
END;
COMMENT ON FUNCTION ${schema}.node_page(text, boolean, text, integer, bigint) IS
  'Some of the nodes at and below a path, or of its children, with data: path, whether its children only, the path to begin after, how many, about how many bytes.';

-- Sums that differ if any of the nodes was created, set or deleted, or a child of one of them came or went: numbers only grow, so
-- that what comes is more than what went. No row is read that is not one of theirs, also where nobody ever analysed.
CREATE OR REPLACE FUNCTION ${schema}.node_sums(in_path text, in_children boolean)
RETURNS TABLE (nodes bigint, czxids bigint, mzxids bigint, pzxids bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT count(*), coalesce((sum(n.czxid) % 4611686018427387904)::bigint, 0),
      coalesce((sum(n.mzxid) % 4611686018427387904)::bigint, 0),
      coalesce((sum(coalesce(p.pzxid, n.czxid)) % 4611686018427387904)::bigint, 0)
    FROM (
      SELECT r.path, r.czxid, r.mzxid FROM ${schema}.node r WHERE NOT in_children AND r.path = in_path
      UNION ALL
      SELECT b.path, b.czxid, b.mzxid FROM ${schema}.node b
        WHERE NOT in_children AND b.path > rtrim(in_path, '/') || '/' AND b.path < rtrim(in_path, '/') || '0'
      UNION ALL
      SELECT c.path, c.czxid, c.mzxid FROM ${schema}.node c WHERE in_children AND c.parent = in_path AND c.path <> '/'
    ) n
      LEFT JOIN LATERAL (SELECT o.pzxid FROM ${schema}.gathering o WHERE o.path = n.path LIMIT 1) p ON true;
END;
COMMENT ON FUNCTION ${schema}.node_sums(text, boolean) IS
  'How many nodes there are at and below a path, or how many children, and sums that differ if any of them changed.';

SELECT ${schema}._pin_and_grant();
