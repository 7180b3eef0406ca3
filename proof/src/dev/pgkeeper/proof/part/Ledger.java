package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.client.ChangeTheTree;
import dev.pgkeeper.proof.client.CreateInSequence;
import dev.pgkeeper.proof.client.GrowAndPrune;
import dev.pgkeeper.proof.client.MoveMoney;
import dev.pgkeeper.proof.client.UseTheRegisters;
import dev.pgkeeper.scenario.AddToSet;
import dev.pgkeeper.scenario.GrantLog;
import dev.pgkeeper.scenario.MessageTraffic;
import dev.pgkeeper.scenario.WriteToResource;
import dev.pgkeeper.testing.TestDatabase;
import java.util.Map;

/**
 * What the work needs in the database, and what the database itself writes down about what it
 * decides: grants, ephemeral nodes and the ends of sessions.
 */
public final class Ledger {
  private static final String EFFECTS = "CREATE TABLE ${schema}.effect (job text, by text)";

  /** So that it can be told which transaction committed first; without it nothing can be judged. */
  public static final Map<String, String> SERVER_SETTINGS = Map.of("track_commit_timestamp", "on");

  /** Each line with its transaction, because what goes together goes in one. */
  private static final String LIVES =
      """
      CREATE TABLE ${schema}.mortal (path text COLLATE "C", owner bigint, what text, xid xid8);
      CREATE TABLE ${schema}.death (session bigint, client text, xid xid8, at timestamptz, lease_end timestamptz,
        suspicion_end timestamptz);

      CREATE FUNCTION ${schema}.note_mortal() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        its ${schema}.node := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
      BEGIN
        INSERT INTO ${schema}.mortal VALUES (its.path, its.owner, lower(TG_OP), pg_current_xact_id());
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_birth AFTER INSERT ON ${schema}.node
        FOR EACH ROW WHEN (NEW.kind = 'ephemeral' AND NEW.state IS NULL) EXECUTE FUNCTION ${schema}.note_mortal();
      CREATE TRIGGER note_end AFTER DELETE ON ${schema}.node
        FOR EACH ROW WHEN (OLD.kind = 'ephemeral' AND OLD.state IS NULL) EXECUTE FUNCTION ${schema}.note_mortal();

      CREATE FUNCTION ${schema}.note_death() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO ${schema}.death VALUES (OLD.id, OLD.client, pg_current_xact_id(), clock_timestamp(),
          ${schema}._lease_end(OLD.renewed, OLD.lease_ms),
          ${schema}._suspicion_end(OLD.suspected, OLD.grace_ms, OLD.timeout_ms));
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_death AFTER DELETE ON ${schema}.session
        FOR EACH ROW EXECUTE FUNCTION ${schema}.note_death();
      """;

  private Ledger() {}

  /** Makes all of it. */
  public static void open(TestDatabase database) {
    GrantLog.of(database);
    database.execute(WriteToResource.TABLES);
    database.execute(AddToSet.TABLES);
    database.execute(MessageTraffic.TABLES);
    database.execute(EFFECTS);
    database.execute(LIVES);
    for (String path : new String[] {"/bank", "/sequence", "/ephemeral"}) {
      create(database, path, "");
    }
    create(database, UseTheRegisters.ROOT, "");
    create(database, ChangeTheTree.ROOT, "");
    create(database, GrowAndPrune.ROOT, "");
    for (int i = 0; i < MoveMoney.ACCOUNTS; i++) {
      create(database, MoveMoney.account(i), Long.toString(MoveMoney.EACH));
    }
    for (int i = 0; i < CreateInSequence.parents(); i++) {
      create(database, CreateInSequence.parent(i), "");
    }
  }

  /** Without the library, which may be newer than the schema. */
  private static void create(TestDatabase database, String path, String data) {
    String code =
        database.queryString("SELECT code FROM ${schema}.create('%s', '%s')".formatted(path, data));
    if (!code.equals("ok")) {
      throw new IllegalStateException(path + ": " + code);
    }
  }
}
