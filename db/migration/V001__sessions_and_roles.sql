-- The tables are in V001 to V008, a subject a file. Names of tables and columns are private to pgkeeper; public are the functions and the
-- views, which are in the files R__….
--
-- The order in which every function takes its locks, so that two of them never wait for each other:
--   1. the session (an advisory lock, _owner_lock: shared by whoever creates on its behalf, exclusive for whoever ends it)
--   2. rows of gathering, by path
--   3. rows of node, by path
--   4. the row of the reply slot
-- A node without a row in gathering never had children. Whoever adds that row holds the row of the node above, as does
-- whoever deletes the node, so neither can miss the other. A multi takes 2 and 3 for all of its steps before the first
-- one. Where callers' own transactions cross each other all the same, PostgreSQL ends one with
-- 40P01, and nothing of it was done.
--
-- Why each file sets the search_path: see "Names" in R__01_names_and_roles.

SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'pgkeeper needs a database with the encoding UTF8; this one has %', current_setting('server_encoding')
      USING HINT = 'Create a database with ENCODING UTF8 and migrate there.';
  END IF;
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

-- The tick in which somebody last reaped (R__03_sessions): one row. Unlogged: nothing is flushed for it, and a crash only lets the next one in sooner.
CREATE UNLOGGED TABLE ${schema}.reaper (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  tick     bigint NOT NULL
) WITH (fillfactor = 50);

-- Whoever raises the numbers locks this row for as long as that takes (R__02_epochs_keys_and_rings).
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

-- Which roles were let in, so that whatever is defined later is granted to them.
CREATE TABLE ${schema}.grantee (
  role text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('application', 'inspector', 'operator'))
);
