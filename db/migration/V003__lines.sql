-- What lines need beside the tree: who holds and who waits is in node and gathering (V002). See R__13_lines.

SET LOCAL search_path = pg_catalog, pg_temp;

-- The lines in whose row this session holds while somebody else waits, or waits itself: where its end has to see to who is
-- next. Unlogged: after a crash, those who wait look for themselves.
CREATE UNLOGGED TABLE ${schema}.awaited (
  session bigint NOT NULL,
  line    text COLLATE "C" NOT NULL,
  PRIMARY KEY (session, line)
);

-- Holds that end by themselves, and when.
CREATE TABLE ${schema}.hold_limit (
  path text COLLATE "C" PRIMARY KEY,
  ends timestamptz NOT NULL
);
CREATE INDEX hold_limit_ends ON ${schema}.hold_limit (ends);

-- Lines are few among the nodes that have children: views of all of them read this index, and it is written once for each line.
CREATE INDEX gathering_line ON ${schema}.gathering (path) WHERE recipe IS NOT NULL;
