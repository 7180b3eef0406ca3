-- What operators did: see R__27_operators.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What operators did. Its numbers come from the clock, as the first number of an epoch does, and not from the sequence, which
-- applications may set.
CREATE TABLE ${schema}.operation (
  number bigint PRIMARY KEY,
  at     timestamptz NOT NULL,
  who    text NOT NULL,
  what   text NOT NULL,
  target text,
  why    text NOT NULL,
  result text NOT NULL
);
