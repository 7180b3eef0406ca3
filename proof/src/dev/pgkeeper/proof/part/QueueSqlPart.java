package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.queue.SqlQueueRun;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.util.List;

/**
 * Ten connections call the functions of the queues at random while backends are terminated. What
 * each was told is compared with what is there.
 */
public final class QueueSqlPart implements Part {
  private static final int LEAST_ACKS = 200;
  private static final int LEAST_TERMINATED = 10;

  @Override
  public String name() {
    return "queue-sql";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(14);
  }

  @Override
  public String summary() {
    return "connections enqueue, take, ack and give back at random while backends are terminated";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server)) {
      SqlQueueRun run = new SqlQueueRun(database, settings.random(name()).nextLong());
      List<String> violations = run.run(settings.share(), LEAST_ACKS, LEAST_TERMINATED);
      return new Result(
          List.of(
              new Verdict(
                  name(),
                  "a message is in one place at a time, one of a key is worked on at a time and in"
                      + " order, and none is left",
                  scenarios(),
                  new Finding(run.acks(), "acks", violations),
                  false)),
          List.of("Connections: " + run + "."),
          null);
    }
  }
}
