-- The tree: the nodes, who is rung for which of them, and the replies to those who change them.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TYPE ${schema}.node_kind AS ENUM ('persistent', 'ephemeral', 'container', 'ttl');
COMMENT ON TYPE ${schema}.node_kind IS 'What becomes of a node: stays, goes with its session, goes when empty, goes when not set in time.';

-- A znode. Subtrees are ranges of the primary key, children are ranges of node_children. The owner is the session of an
-- ephemeral node, 0 for nodes that go by themselves (containers, ttl), null for those that stay. The state is that of a
-- contender in a line (R__13_lines): w waits, h holds, r holds and is asked to give back; the key is its client's, to know a true
-- ring by. No CHECKs and no costlier index predicates: PostgreSQL plans both anew for each insert, which took a tenth of a
-- creation.
CREATE TABLE ${schema}.node (
  path    text COLLATE "C" PRIMARY KEY,
  parent  text COLLATE "C" NOT NULL,
  name    text COLLATE "C" NOT NULL,
  kind    ${schema}.node_kind NOT NULL,
  owner   bigint,
  ttl_ms  bigint,
  version integer NOT NULL,
  czxid   bigint NOT NULL,
  mzxid   bigint NOT NULL,
  ctime   timestamptz NOT NULL,
  mtime   timestamptz NOT NULL,
  data    bytea NOT NULL,
  state   "char",
  key     bigint
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX node_children ON ${schema}.node (parent, name);
CREATE INDEX node_mortal ON ${schema}.node (owner) WHERE owner IS NOT NULL;

-- What gathers at a node: its children, from the first one on, locks and elections, meetings. Apart from the node, so that a child's creation
-- does not copy the parent's data; every creation and deletion below one parent takes its turn on this row. Where the children
-- stand in line for something (R__13_lines), the row says for what; `low` is a number that none of them is below. Those who came
-- first have no node: `holder` to `revoked` are of the session that holds, and `waiting` has four numbers for each that waits
-- for that: its token, its session, its key, and since when, in microseconds.
--
--   creates, children, pzxid   of the children
--   recipe, permits            of a line or a meeting; null otherwise
--   holder, token, since       of a line whose holder is in the row: set by _row_join, request_joins, line_free and _pass_on; the holder is
--                              taken out by line_free, _pass_on and break_lock. A token stays until there is a greater one
--   revoked                    of that holder: line_revoke
--   waiting                    appended to by _row_join, shortened by line_free, _pass_on and the ends of sessions
--   low                        of a line: no contender is below. Of a meeting: rounds up to here are over
--   token                      of a meeting: rounds up to here have begun
CREATE TABLE ${schema}.gathering (
  path     text COLLATE "C" PRIMARY KEY,
  creates  bigint NOT NULL,
  children bigint NOT NULL,
  pzxid    bigint NOT NULL,
  recipe   text,
  permits  integer,
  low      bigint NOT NULL DEFAULT 0,
  holder   bigint,
  token    bigint,
  since    timestamptz,
  revoked  boolean,
  waiting  bigint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

INSERT INTO ${schema}.node VALUES
  ('/', '', '', 'persistent', NULL, NULL, 0, 0, 0, clock_timestamp(), clock_timestamp(), '');
INSERT INTO ${schema}.gathering VALUES ('/', 0, 0, 0);

-- Who is to be rung for which path: n = of the node, c = of its children, p = of both, r = of the whole subtree.
-- Unlogged: after a crash no listener is left, and whoever comes back registers again.
CREATE UNLOGGED TABLE ${schema}.watch (
  path    text COLLATE "C" NOT NULL,
  session bigint NOT NULL,
  kind    "char" NOT NULL CHECK (kind IN ('n', 'c', 'p', 'r')),
  PRIMARY KEY (path, session, kind)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX watch_session ON ${schema}.watch (session);

-- The answer to one request. Its code is 'ok', or the name of the rule that was broken; then nothing was changed. What is about a node
-- has the node's stat; the columns after it are for the rest.
CREATE TYPE ${schema}.outcome AS (
  code        text,
  path        text,
  czxid       bigint,
  mzxid       bigint,
  ctime       timestamptz,
  mtime       timestamptz,
  version     integer,
  cversion    bigint,
  owner       bigint,
  data_length integer,
  children    bigint,
  pzxid       bigint,
  number      bigint,  -- a token, the number of a message, a sum, or how many there were
  granted     boolean, -- whether a line or a meeting let it in at once; otherwise it waits
  attempt     integer  -- of a job's run
);
COMMENT ON TYPE ${schema}.outcome IS
  'The answer to one request. code is ok, or names the rule that was broken; then nothing was changed. Up to pzxid it is about a node; number is a token, the number of a message, a sum, or how many there were; granted tells whether a line or a meeting let it in at once; attempt is that of a job''s run.';

-- The last reply that each slot of a session was given (see settle in R__06_replies).
CREATE TABLE ${schema}.reply (
  session  bigint NOT NULL,
  slot     integer NOT NULL,
  request  bigint NOT NULL,
  at       timestamptz NOT NULL,
  outcomes ${schema}.outcome[],
  PRIMARY KEY (session, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
