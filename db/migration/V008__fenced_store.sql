-- A store that refuses who comes too late: see R__16_fenced_store.

SET LOCAL search_path = pg_catalog, pg_temp;

-- What was last written under a key, with the token of who wrote it. It stays, so that the token is remembered.
CREATE TABLE ${schema}.fenced (
  store   text COLLATE "C" NOT NULL,
  key     text COLLATE "C" NOT NULL,
  token   bigint NOT NULL,
  written timestamptz NOT NULL,
  data    bytea NOT NULL,
  PRIMARY KEY (store, key)
);
