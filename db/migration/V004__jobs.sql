-- Jobs and their runs. What becomes of a run is told at the head of R__25_jobs.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What is known of a job. `skipped`: ticks up to here are not made up for; `pruned`: runs of ticks up to here may be forgotten.
CREATE TABLE ${schema}.job (
  name     text COLLATE "C" PRIMARY KEY,
  schedule text,
  paused   timestamptz,
  skipped  timestamptz,
  pruned   timestamptz
);

-- A run. Kinds: t a tick with a time, x one with a text, a so long after another run, m by hand, e exclusive.
CREATE TABLE ${schema}.job_run (
  job       text COLLATE "C" NOT NULL,
  tick      text COLLATE "C" NOT NULL,
  kind      "char" NOT NULL,
  scheduled timestamptz,
  state     text NOT NULL CHECK (state IN ('requested', 'running', 'done', 'failed', 'abandoned')),
  attempt   integer NOT NULL,
  token     bigint NOT NULL,
  session   bigint,
  client    text,
  host      text,
  pid       bigint,
  started   timestamptz,
  ends      timestamptz,
  ended     timestamptz,
  error     text,
  PRIMARY KEY (job, tick)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX job_run_scheduled ON ${schema}.job_run (job, scheduled) WHERE scheduled IS NOT NULL;
CREATE INDEX job_run_ended ON ${schema}.job_run (job, ended) WHERE ended IS NOT NULL;
CREATE INDEX job_run_token ON ${schema}.job_run (job, token);
CREATE INDEX job_run_open ON ${schema}.job_run (job) WHERE state IN ('requested', 'running', 'abandoned');

-- Which exclusive run of a job was the last, and when the next may begin at the earliest.
CREATE TABLE ${schema}.job_turn (
  job       text COLLATE "C" PRIMARY KEY,
  tick      text COLLATE "C",
  free_from timestamptz
);
