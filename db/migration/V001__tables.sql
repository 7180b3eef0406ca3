-- The tables. Names of tables and columns are private to pgkeeper; public are the functions and the views.
--
-- The order in which every function takes its locks, so that two of them never wait for each other:
--   1. the session (an advisory lock, owner_lock: shared by whoever creates on its behalf, exclusive for whoever ends it)
--   2. rows of parent, by path
--   3. rows of node, by path
--   4. the row of the reply slot
-- A node without a row in parent never had children. Whoever adds that row holds the row of the node above, as does
-- whoever deletes the node, so neither can miss the other. A multi takes 2 and 3 for all of its steps before the first
-- one. Where callers' own transactions cross each other all the same, PostgreSQL ends one with
-- 40P01, and nothing of it was done.
--
-- Plans. What is called all the time reads by index however small a table is (`enable_seqscan = off`): see QueryPlansTest. So each
-- of its statements needs an index that serves it, and no sequence is read as a table. Else PostgreSQL before 18 adds 10^10 to the
-- plan's cost, and a server with JIT compiles it at every execution, for fifty times what it takes: see EveryPlanTest.

-- Names. Whoever calls a function chooses the search_path, and may have put operators, functions and domains of its own there. So nothing
-- is looked up on a caller's path:
--   functions in SQL are bound when they are created (RETURN, BEGIN ATOMIC), as views are; and still written out where they are called.
--   functions in PL/pgSQL run under a path of PostgreSQL's own names: pin_all sees to it at the end of each migration. Each does, not only
--   those that are called from outside: a connection looks up the types of variables when it first calls a function, and keeps them.
-- Each file sets the same path for itself, so that what it binds is bound alike by whatever runs it. bench/results/pins.md has what
-- this costs.

SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'pgkeeper needs a database with the encoding UTF8; this one has %', current_setting('server_encoding')
      USING HINT = 'Create a database with ENCODING UTF8 and migrate there.';
  END IF;
END $$;

-- Pins the path of all functions in PL/pgSQL. A procedure that commits cannot be pinned so, and does it itself.
CREATE FUNCTION ${schema}.pin_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  unpinned regprocedure;
BEGIN
  FOR unpinned IN
    SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.pronamespace = '${schema}'::regnamespace AND l.lanname = 'plpgsql' AND p.prokind = 'f'
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', unpinned);
  END LOOP;
END $$;

-- Numbers every change, every session and every token.
CREATE SEQUENCE ${schema}.zxid AS bigint;

-- Which run of the server the numbers belong to: one row. Those from before are smaller than `first`.
CREATE TABLE ${schema}.epoch (
  only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  first          bigint NOT NULL,
  began          timestamptz NOT NULL,
  server_started timestamptz NOT NULL,
  system_id      bigint,
  timeline       integer
);

-- What the keys of our advisory locks are made with: everybody who may connect can take any key, so nobody who may not read this is to
-- know which are ours. It never changes.
CREATE TABLE ${schema}.secret (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  salt     bytea NOT NULL
);
INSERT INTO ${schema}.secret (salt) VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- The tick in which somebody last reaped (V002): one row. Unlogged: nothing is flushed for it, and a crash only lets the next one in sooner.
CREATE UNLOGGED TABLE ${schema}.reaper (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  tick     bigint NOT NULL
) WITH (fillfactor = 50);

-- Whoever raises the numbers locks this row for as long as that takes (V002).
CREATE TABLE ${schema}.zxid_turn (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO ${schema}.zxid_turn DEFAULT VALUES;

-- A client's lease. Its connection is the backend that holds the advisory lock `live`. What a renewal changes is in no index, so that it stays on its page.
CREATE TABLE ${schema}.session (
  id         bigint PRIMARY KEY,
  timeout_ms bigint NOT NULL,
  lease_ms   bigint NOT NULL,
  grace_ms   bigint NOT NULL,
  direct     boolean NOT NULL,
  live       bigint,
  backend    integer,
  opened     timestamptz NOT NULL,
  renewed    timestamptz NOT NULL,
  suspected  timestamptz,
  client     text NOT NULL,
  host       text NOT NULL,
  pid        bigint NOT NULL,
  reconnects integer NOT NULL DEFAULT 0,
  way        bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);

CREATE TYPE ${schema}.node_kind AS ENUM ('persistent', 'ephemeral', 'container', 'ttl');

-- A znode. Subtrees are ranges of the primary key, children are ranges of node_children. The owner is the session of an
-- ephemeral node, 0 for nodes that go by themselves (containers, ttl), null for those that stay. The state is that of a
-- contender in a line (V007): w waits, h holds, r holds and is asked to give back; the key is its client's, to know a true
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

-- What a node knows of its children, from the first one on. Apart from the node, so that a child's creation does not
-- copy the parent's data; every creation and deletion below one parent takes its turn on this row. Where the children
-- stand in line for something (V007), the row says for what; `low` is a number that none of them is below. Those who came
-- first have no node: `holder` to `revoked` are of the session that holds, and `waiting` has four numbers for each that waits
-- for that: its token, its session, its key, and since when, in microseconds.
CREATE TABLE ${schema}.parent (
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
INSERT INTO ${schema}.parent VALUES ('/', 0, 0, 0);

-- Who is to be rung for which path: n = of the node, c = of its children, p = of both, r = of the whole subtree.
-- Unlogged: after a crash no listener is left, and whoever comes back registers again.
CREATE UNLOGGED TABLE ${schema}.watch (
  path    text COLLATE "C" NOT NULL,
  session bigint NOT NULL,
  kind    "char" NOT NULL CHECK (kind IN ('n', 'c', 'p', 'r')),
  PRIMARY KEY (path, session, kind)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX watch_session ON ${schema}.watch (session);

-- The lines in whose row this session holds while somebody else waits, or waits itself: where its end has to see to who is
-- next. Unlogged: after a crash, those who wait look for themselves.
CREATE UNLOGGED TABLE ${schema}.awaited (
  session bigint NOT NULL,
  line    text COLLATE "C" NOT NULL,
  PRIMARY KEY (session, line)
);

-- The answer about one node. Its code is 'ok', or the name of the rule that was broken; then nothing was changed.
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
  pzxid       bigint
);

-- The last reply that each slot of a session was given (see settle).
CREATE TABLE ${schema}.reply (
  session  bigint NOT NULL,
  slot     integer NOT NULL,
  request  bigint NOT NULL,
  at       timestamptz NOT NULL,
  outcomes ${schema}.outcome[],
  PRIMARY KEY (session, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
