package dev.pgkeeper.proof.part;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Ten thousand sessions, each with an ephemeral node, whose leases end at one moment, while a few
 * clients go on. It is the clients who end them, beside what they do.
 */
public final class ExpiryPart implements Part {
  private static final int SESSIONS = 10_000;
  private static final int ALIVE = 4;

  /** Longer than a slow machine pauses: nobody alive is to seem dead. */
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  /** So many may go in one transaction: each goes in one of its own. */
  private static final int MOST_TOGETHER = 1;

  private static final String NOTES =
      """
      CREATE TABLE ${schema}.death (session bigint, client text, xid xid8, at timestamptz);
      CREATE FUNCTION ${schema}.note_death() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO ${schema}.death VALUES (OLD.id, OLD.client, pg_current_xact_id(), clock_timestamp());
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_death AFTER DELETE ON ${schema}.session FOR EACH ROW EXECUTE FUNCTION ${schema}.note_death();
      SELECT ${schema}.create('/many');
      """;

  /** Their clients are nobody's; the leases are made to end once all are there. */
  private static final String OPEN =
      """
      DO $$ BEGIN
        FOR i IN 1..%d LOOP
          PERFORM ${schema}.create('/many/e-', '', 'ephemeral', true,
            ${schema}.session_open(3600000, 3600000, false, 'many', 'here', i));
        END LOOP;
      END $$
      """
          .formatted(SESSIONS);

  @Override
  public String name() {
    return "expiry";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(18);
  }

  @Override
  public String summary() {
    return "10,000 sessions expire at once beside a few that live";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server)) {
      database.execute(NOTES);
      List<Keeper> keepers = new ArrayList<>();
      List<SessionState> told = new CopyOnWriteArrayList<>();
      try {
        for (int i = 0; i < ALIVE; i++) {
          Keeper keeper =
              Keeper.connect(
                  database.newPool(3),
                  KeeperOptions.defaults().withSchema(database.schema()).withTimeout(TIMEOUT));
          keeper.onStateChange(told::add);
          keeper.tree().create("/alive-" + i, new byte[0], CreateMode.EPHEMERAL);
          keepers.add(keeper);
        }
        progress.say("  opening " + SESSIONS + " sessions");
        database.execute(OPEN);
        // As after a day: all leases are over at this moment.
        database.execute(
            "BEGIN; UPDATE ${schema}.epoch SET began = began - interval '1 day';"
                + " UPDATE ${schema}.session SET renewed = renewed - interval '5 hours' WHERE client = 'many'; COMMIT");
        long began = System.nanoTime();
        long slowest = workUntilGone(database, keepers);
        double took = (System.nanoTime() - began) / 1e9;
        return new Result(
            List.of(
                verdict("all of them and their nodes go", left(database)),
                verdict("nobody alive is expired", alive(database, keepers, told)),
                verdict("each goes in a transaction of its own", together(database))),
            List.of(
                "All were gone after %.1f s; meanwhile the slowest operation of those alive took %d ms."
                    .formatted(took, slowest)),
            null);
      } finally {
        keepers.forEach(Keeper::close);
      }
    }
  }

  /** Returns once all are gone, or none goes any more: the slowest operation meanwhile, in ms. */
  private static long workUntilGone(TestDatabase database, List<Keeper> keepers) {
    long end = System.nanoTime() + Await.LIMIT.toNanos();
    long least = Long.MAX_VALUE;
    long slowest = 0;
    for (long left = count(database); left > 0; left = count(database)) {
      if (left < least) {
        least = left;
        end = System.nanoTime() + Await.LIMIT.toNanos();
      } else if (System.nanoTime() - end > 0) {
        break; // What is left, stays.
      }
      for (int i = 0; i < keepers.size(); i++) {
        long asked = System.nanoTime();
        keepers.get(i).tree().set("/alive-" + i, new byte[] {1});
        slowest = Math.max(slowest, System.nanoTime() - asked);
      }
      Await.pause(Duration.ofMillis(10));
    }
    return slowest / 1_000_000;
  }

  private static long count(TestDatabase database) {
    return database.queryLong(
        "SELECT (SELECT count(*) FROM ${schema}.session WHERE client = 'many')"
            + " + (SELECT count(*) FROM ${schema}.node WHERE parent = '/many')");
  }

  private static Finding left(TestDatabase database) {
    long left = count(database);
    return new Finding(
        SESSIONS,
        "sessions with a node each",
        left == 0 ? List.of() : List.of(left + " sessions and nodes are left"));
  }

  private static Finding alive(
      TestDatabase database, List<Keeper> keepers, List<SessionState> told) {
    List<String> violations = new ArrayList<>();
    for (int i = 0; i < keepers.size(); i++) {
      if (keepers.get(i).tree().exists("/alive-" + i).isEmpty()) {
        violations.add("/alive-" + i + " is gone");
      }
    }
    if (told.contains(SessionState.LOST)) {
      violations.add("a session was lost: " + told);
    }
    long others = database.queryLong("SELECT count(*) FROM ${schema}.death WHERE client <> 'many'");
    if (others > 0) {
      violations.add(others + " sessions of others ended");
    }
    return new Finding(keepers.size(), "clients that go on", violations);
  }

  private static Finding together(TestDatabase database) {
    long most =
        database.queryLong(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM ${schema}.death GROUP BY xid) AS t");
    return new Finding(
        database.queryLong("SELECT count(*) FROM ${schema}.death"),
        "ends",
        most <= MOST_TOGETHER ? List.of() : List.of(most + " ended in one transaction"));
  }

  private Verdict verdict(String promise, Finding finding) {
    return new Verdict(name(), promise, scenarios(), finding, false);
  }
}
