package dev.pgkeeper.proof.part;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.scenario.Crowd;
import dev.pgkeeper.scenario.ShardChecker;
import dev.pgkeeper.scenario.WriteToShards;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;

/**
 * Shards that several processes share out and write to, while they are stopped past their timeout,
 * killed and cut off, and their sessions ended. Afterwards every shard is owned and written again.
 */
public final class ShardsPart implements Part {
  private static final int PROCESSES = 4;
  private static final int THREADS = 2;
  private static final int ENOUGH = 100;
  private static final String ACCEPTED = "SELECT count(*) FROM ${schema}.accepted";

  private static final String OWNED =
      "SELECT count(DISTINCT path) FROM ${schema}.locks WHERE path LIKE '/shards/%'";

  private static final String WRITTEN_AGAIN =
      "SELECT count(*) FROM ${schema}.shard JOIN ${schema}.calm USING (name)"
          + " WHERE shard.version > calm.version";

  @Override
  public String name() {
    return "shards";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1);
  }

  @Override
  public String summary() {
    return "processes share out shards and write to them while they are stopped, killed and cut off";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    KeeperOptions options =
        KeeperOptions.defaults()
            .withTimeout(Stage.TIMEOUT)
            .withGrace(Stage.GRACE)
            .withSweep(Stage.SWEEP);
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server)) {
      database.execute(WriteToShards.TABLES);
      long seed = settings.random(name()).nextLong();
      try (Crowd crowd =
          Crowd.start(database, WriteToShards.class, options, PROCESSES, THREADS, "fenced", seed)) {
        crowd.workDisturbed(settings.share());
        crowd.workUntil(ENOUGH + " accepted writes", () -> database.queryLong(ACCEPTED) >= ENOUGH);
        crowd.endASessionInTheMiddle();
        List<String> stuck = new ArrayList<>();
        int shards = WriteToShards.SHARDS.size();
        awaitAll(crowd, "every shard is owned", database, OWNED, shards, stuck);
        database.execute("CREATE TABLE ${schema}.calm AS SELECT * FROM ${schema}.shard");
        awaitAll(crowd, "every shard is written again", database, WRITTEN_AGAIN, shards, stuck);
        long refused = crowd.finish().stream().filter(line -> line.startsWith("refused")).count();
        return new Result(
            List.of(
                verdict(
                    "of each shard, accepted writes are those of one owner after the other",
                    new Finding(
                        database.queryLong(ACCEPTED),
                        "accepted writes",
                        ShardChecker.violations(database))),
                verdict(
                    "every shard gets an owner again that writes",
                    new Finding(shards, "shards", stuck))),
            List.of(refused + " writes were refused; " + crowd.happened()),
            null);
      }
    }
  }

  private static void awaitAll(
      Crowd crowd, String what, TestDatabase database, String sql, int all, List<String> stuck) {
    try {
      crowd.workUntil(what, () -> database.queryLong(sql) == all);
    } catch (AssertionError e) {
      stuck.add(e.getMessage());
    }
  }

  private Verdict verdict(String promise, Finding finding) {
    return new Verdict(name(), promise, scenarios(), finding, false);
  }
}
