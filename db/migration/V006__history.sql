-- What was held, and who was there: see R__07_history.

SET LOCAL search_path = pg_catalog, pg_temp;

-- Sessions that have ended: closed by their client, expired, or revoked by an operator.
CREATE TABLE ${schema}.past_session (
  id       bigint PRIMARY KEY,
  number   bigint GENERATED ALWAYS AS IDENTITY,
  client   text NOT NULL,
  host     text NOT NULL,
  pid      bigint NOT NULL,
  opened   timestamptz NOT NULL,
  ended    timestamptz NOT NULL,
  how      text NOT NULL,
  ended_by text,
  why      text
);
CREATE INDEX past_session_number ON ${schema}.past_session (number);

-- Holds that have ended. The path is the line's, or the job's name where the recipe is `job`.
CREATE TABLE ${schema}.past_hold (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  path     text COLLATE "C" NOT NULL,
  recipe   text NOT NULL,
  what     text NOT NULL,
  token    bigint NOT NULL,
  session  bigint NOT NULL,
  since    timestamptz NOT NULL,
  until    timestamptz NOT NULL,
  how      text NOT NULL,
  ended_by text,
  why      text
);
CREATE INDEX past_hold_path ON ${schema}.past_hold (path, until, since);

-- How much is kept: one row.
CREATE TABLE ${schema}.history_bound (
  only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  keep      interval NOT NULL DEFAULT '30 days',
  most_rows bigint NOT NULL DEFAULT 1000000
);
INSERT INTO ${schema}.history_bound DEFAULT VALUES;

-- Whether history is written: a setting, kept as a function that is replaced to change it (_history_switch). PostgreSQL writes it out where
-- it is called, and plans again when it changed, so that asking costs nothing. It is not among the definitions (R__…), which would switch
-- history on again when they are renewed.
CREATE FUNCTION ${schema}._history_on() RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN true;
