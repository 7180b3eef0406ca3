-- The tables. Their names and columns are private to pgkeeper; what is public are the functions and the views.
--
-- Order in which every function takes its locks (the second client always finds them in the same order):
--   1. the reply slot's row is written last, see V004;  2. the session (an advisory lock shared by those who
--   create on its behalf, exclusive for the one who ends it);  3. rows of `parent`, by path;  4. rows of `node`, by path.
-- A node without a row in `parent` never had children: whoever adds that row holds FOR KEY SHARE on the node,
-- whoever deletes the node holds FOR UPDATE, so neither can miss the other.

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'pgkeeper needs a database with encoding UTF8, this one has %', current_setting('server_encoding');
  END IF;
END $$;

-- Numbers every change, every session and every token; grows across restarts and promotions (V002, epoch_begin).
CREATE SEQUENCE ${schema}.zxid AS bigint;

-- Which run of the server the numbers belong to: one row.
CREATE TABLE ${schema}.epoch (
  only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  number         bigint NOT NULL,
  server_started timestamptz NOT NULL,
  system_id      bigint NOT NULL,
  timeline       integer NOT NULL,
  began          timestamptz NOT NULL
);

-- A client's lease. `renewed` and `suspected` are in no index, so that a renewal stays on its page.
CREATE TABLE ${schema}.session (
  id         bigint PRIMARY KEY,
  timeout_ms bigint NOT NULL,
  lease_ms   bigint NOT NULL,
  grace_ms   bigint NOT NULL,
  direct     boolean NOT NULL,
  opened     timestamptz NOT NULL,
  renewed    timestamptz NOT NULL,
  suspected  timestamptz,
  client     text NOT NULL,
  host       text NOT NULL,
  pid        bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);

CREATE TYPE ${schema}.node_kind AS ENUM ('persistent', 'ephemeral', 'container', 'ttl');

-- A znode. Subtrees are ranges of the primary key, children are ranges of node_children.
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
  CHECK ((kind = 'ephemeral') = (owner IS NOT NULL)),
  CHECK ((kind = 'ttl') = (ttl_ms IS NOT NULL))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX node_children ON ${schema}.node (parent, name);
CREATE INDEX node_owned ON ${schema}.node (owner) WHERE owner IS NOT NULL;
CREATE INDEX node_perishable ON ${schema}.node (kind) WHERE kind IN ('container', 'ttl');

-- What a node knows of its children, from the first one on. Apart from the node, so that a child's creation does
-- not copy the parent's data; every creation and deletion below one parent takes its turn on this row.
CREATE TABLE ${schema}.parent (
  path     text COLLATE "C" PRIMARY KEY,
  creates  bigint NOT NULL,
  children bigint NOT NULL,
  pzxid    bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

INSERT INTO ${schema}.node VALUES ('/', '', '', 'persistent', NULL, NULL, 0, 0, 0, clock_timestamp(), clock_timestamp(), '');
INSERT INTO ${schema}.parent VALUES ('/', 0, 0, 0);

-- Who is to be rung for which path. Unlogged: after a crash no listener is left, and those who come back register again.
-- kind: n = the node itself, c = its children, p = both for good, r = the whole subtree for good.
CREATE UNLOGGED TABLE ${schema}.watch (
  path    text COLLATE "C" NOT NULL,
  session bigint NOT NULL,
  kind    "char" NOT NULL CHECK (kind IN ('n', 'c', 'p', 'r')),
  PRIMARY KEY (path, session, kind)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX watch_session ON ${schema}.watch (session);
CREATE INDEX watch_recursive ON ${schema}.watch (path) WHERE kind = 'r';

-- The last reply that each slot of a session was given; see `settle` in V004.
CREATE TABLE ${schema}.reply (
  session bigint NOT NULL,
  slot    integer NOT NULL,
  request bigint NOT NULL,
  at      timestamptz NOT NULL,
  results text[],
  PRIMARY KEY (session, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Every answer about one node: `code` is 'ok' or the name of the rule that was broken, and then nothing was changed.
CREATE TYPE ${schema}.outcome AS (
  code           text,
  path           text,
  czxid          bigint,
  mzxid          bigint,
  ctime          timestamptz,
  mtime          timestamptz,
  version        integer,
  cversion       integer,
  owner          bigint,
  data_length    integer,
  children       integer,
  pzxid          bigint
);
