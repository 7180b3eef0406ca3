-- Queues. Where a message is, and who may move it, is told at the head of R__17_queues.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE ${schema}.queue (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text COLLATE "C" NOT NULL UNIQUE,
  most_tries   integer NOT NULL,
  backoff_ms   bigint NOT NULL,
  longest_backoff_ms bigint NOT NULL,
  window_ms    bigint NOT NULL,
  most_bytes   integer NOT NULL,
  keyed        boolean NOT NULL DEFAULT false,
  paused       timestamptz,
  topic        text COLLATE "C",
  idle_low     bigint NOT NULL DEFAULT 0,
  created      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX queue_topic ON ${schema}.queue (topic) WHERE topic IS NOT NULL;

-- Messages of one priority of a queue, highest first. No message of the lane is below `low` (as far as was known when it was looked
-- for), nor was below `next_low` at the last look.
CREATE TABLE ${schema}.lane (
  queue    integer NOT NULL,
  lane     smallint NOT NULL,
  low      bigint NOT NULL DEFAULT 0,
  next_low bigint NOT NULL DEFAULT 0,
  look_at  timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (queue, lane)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);

-- Numbers are given out in blocks of 1,024, one block for each zxid. `lane`: its priority while it waits for its turn, _behind() while it
-- waits behind another one of its key, null while it is not due. `tries`: how often it was taken before. `headers`: name, value, name, …
CREATE TABLE ${schema}.message (
  id       bigint NOT NULL,
  queue    integer NOT NULL,
  lane     smallint,
  priority smallint NOT NULL,
  tries    integer NOT NULL,
  enqueued timestamptz NOT NULL,
  due      timestamptz,
  expires  timestamptz,
  key      text COLLATE "C",
  headers  text[],
  error    text,
  payload  bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0.2);

CREATE UNIQUE INDEX message_place ON ${schema}.message (queue, lane, id);
CREATE INDEX message_time ON ${schema}.message (queue, least(due, expires)) WHERE due IS NOT NULL OR expires IS NOT NULL;
CREATE INDEX message_key ON ${schema}.message (queue, key, id) WHERE key IS NOT NULL;

-- The session is 0 where there is none (for callers in other languages); such a claim has an end. `refused` is what the call that made
-- it could not ack. A claim without messages proves that such a call was done; so does one that expired, until 'infinity'.
CREATE TABLE ${schema}.claim (
  session  bigint NOT NULL,
  number   bigint NOT NULL,
  queue    integer NOT NULL,
  taken    timestamptz NOT NULL,
  until    timestamptz,
  keyed    boolean NOT NULL,
  ids      bigint[] NOT NULL,
  refused  bigint[],
  messages ${schema}.message[],
  PRIMARY KEY (session, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
-- Compressing what is deleted in a moment costs more than it saves.
ALTER TABLE ${schema}.claim ALTER messages SET STORAGE EXTERNAL;
CREATE INDEX claim_until ON ${schema}.claim (until) WHERE until IS NOT NULL;

CREATE TABLE ${schema}.dead_letter (
  queue   integer NOT NULL,
  id      bigint NOT NULL,
  died    timestamptz NOT NULL,
  reason  text NOT NULL,
  message ${schema}.message NOT NULL,
  PRIMARY KEY (queue, id)
);

-- Keys whose turn some message has; its claim, or nothing while it waits to be tried again.
CREATE TABLE ${schema}.key_turn (
  queue integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  id    bigint NOT NULL,
  PRIMARY KEY (queue, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- What was enqueued with which deduplication key, until when it counts.
CREATE TABLE ${schema}.dedup (
  queue integer NOT NULL,
  key   text COLLATE "C" NOT NULL,
  id    bigint NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (queue, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX dedup_until ON ${schema}.dedup (until);

-- Queues that were dropped: what transactions that were under way leave behind is deleted for an hour.
CREATE TABLE ${schema}.dropped_queue (
  queue integer PRIMARY KEY,
  at    timestamptz NOT NULL
);

-- How many messages went where within a minute, as clients report it.
CREATE TABLE ${schema}.queue_tally (
  queue    integer NOT NULL,
  minute   timestamptz NOT NULL,
  enqueued bigint NOT NULL,
  taken    bigint NOT NULL,
  acked    bigint NOT NULL,
  returned bigint NOT NULL,
  died     bigint NOT NULL,
  PRIMARY KEY (queue, minute)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Who sleeps until something is enqueued. Unlogged: after a crash, everybody looks for themselves. Numbers grow, and none of a queue is
-- below its `idle_low`: where those that are gone cannot be cleaned up, nobody has to walk over them.
CREATE SEQUENCE ${schema}.idle_number;
CREATE UNLOGGED TABLE ${schema}.idle (
  queue   text COLLATE "C" NOT NULL,
  number  bigint NOT NULL DEFAULT nextval('${schema}.idle_number'),
  session bigint NOT NULL,
  PRIMARY KEY (queue, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX idle_session ON ${schema}.idle (session);
