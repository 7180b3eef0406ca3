package dev.pgkeeper.proof.part;

import java.util.List;

/** The library's functions without what protects them. */
final class Unprotected {
  /** Each switches off what it says. */
  static final List<String> SQL =
      List.of(
          // A place in the line's row, and with it that one comes after the other: all wait with
          // nodes …
          """
          CREATE OR REPLACE FUNCTION ${schema}._row_join(in_session bigint, in_line text, in_recipe text,
              in_try boolean, in_key bigint) RETURNS ${schema}.outcome
            LANGUAGE sql AS $$ SELECT NULL::${schema}.outcome $$
          """,
          // … and whose turn it is is left to chance.
          """
          CREATE OR REPLACE FUNCTION ${schema}._due(in_line text) RETURNS SETOF text
            LANGUAGE sql VOLATILE AS $$ SELECT n.path FROM ${schema}.node n WHERE n.parent = in_line AND random() < 0.5 $$
          """,
          // That a session takes with it what it owned.
          """
          CREATE FUNCTION ${schema}.outlive() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            RETURN CASE WHEN EXISTS (SELECT FROM ${schema}.session s WHERE s.id = OLD.owner) THEN OLD END;
          END $$;
          CREATE TRIGGER outlive BEFORE DELETE ON ${schema}.node FOR EACH ROW
            WHEN (OLD.kind = 'ephemeral' AND OLD.state IS NULL) EXECUTE FUNCTION ${schema}.outlive();
          """,
          // That a transaction which cannot see what came meanwhile decides nothing by it.
          """
          CREATE OR REPLACE FUNCTION ${schema}._ensure_read_committed() RETURNS boolean
            LANGUAGE sql RETURN true
          """,
          // That every creation is counted.
          """
          CREATE FUNCTION ${schema}.miscount() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF random() < 0.2 THEN
              NEW.creates := OLD.creates;
            END IF;
            RETURN NEW;
          END $$;
          CREATE TRIGGER miscount BEFORE UPDATE ON ${schema}.gathering FOR EACH ROW
            WHEN (NEW.path LIKE '/sequence/%' AND NEW.creates > OLD.creates) EXECUTE FUNCTION ${schema}.miscount();
          """);

  /** A new run of a server goes on with the numbers that it finds, wherever it is. */
  static final String SAME_NUMBERS =
      """
      CREATE OR REPLACE FUNCTION ${schema}._epoch_begin() RETURNS void LANGUAGE sql AS $$
        UPDATE ${schema}.epoch SET began = clock_timestamp(), server_started = pg_postmaster_start_time()
          WHERE server_started <> pg_postmaster_start_time()
      $$
      """;

  /** What became of a request whose reply was lost is not asked: it was not done. */
  static final String NOT_SETTLED =
      """
      CREATE OR REPLACE FUNCTION ${schema}.settle(in_session bigint, in_slot integer, in_request bigint)
          RETURNS SETOF ${schema}.outcome LANGUAGE sql AS $$ SELECT NULL::${schema}.outcome WHERE false $$
      """;

  private Unprotected() {}
}
