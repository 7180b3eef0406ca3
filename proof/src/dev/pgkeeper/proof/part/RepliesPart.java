package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A client that is cut off around its commits, in one kind of work after the other. Each call waits
 * for its answer, so every outcome is known.
 */
public final class RepliesPart implements Part {
  private static final int SHARES = 15;

  /** One kind of work through a network that loses requests and replies. */
  interface Subject {
    /** What has to hold. */
    String promise();

    /** How many connections its client has. */
    int threads();

    /** Works for this long and until enough happened, with the network mended in the end. */
    Finding work(LossyNetwork network, Random random, Duration length) throws Exception;
  }

  @Override
  public String name() {
    return "replies";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(4, 7, 13, 14);
  }

  @Override
  public String summary() {
    return "changes, locks, messages, rounds of a barrier and a kept node while replies are lost";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Random random = settings.random(name());
    Duration share = settings.duration().dividedBy(SHARES);
    List<Verdict> verdicts = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    try (PrivateServer server = PrivateServer.start()) {
      for (Subject subject :
          List.of(
              new LossyChanges(),
              new LossyLocks(),
              new LossyQueue(),
              new LossyBarrier(),
              new LossyNode())) {
        progress.say(subject.promise());
        try (TestDatabase database = TestDatabase.freshOn(server);
            LossyNetwork network = new LossyNetwork(database, subject.threads())) {
          Finding finding = subject.work(network, new Random(random.nextLong()), share);
          verdicts.add(new Verdict(name(), subject.promise(), scenarios(), finding, false));
          notes.add(subject.getClass().getSimpleName() + ": " + network.fates());
        }
      }
    }
    return new Result(verdicts, notes, null);
  }
}
