package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.queue.Messages.Consumer;
import dev.pgkeeper.bench.queue.Messages.Consumers;
import dev.pgkeeper.bench.queue.PgkeeperMessages.Way;
import dev.pgkeeper.bench.server.Postgres;
import java.time.Duration;
import java.util.List;

/** Claiming a message, and being done with the last one, while very many wait, against few. */
final class SizeCase implements Case {
  private static final int FEW = 1000;
  private static final int MANY = 1_000_000;
  private static final int MANY_QUICK = 100_000;

  @Override
  public String name() {
    return "queue.size";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    int size = lab.isQuick() ? MANY_QUICK : MANY;
    String few = FEW + " waiting";
    String many = size + " waiting";
    new Contest(name(), 1, Measure.time("us/claim"))
        .entrant(few, () -> new Level(database(lab, report, FEW), FEW))
        .entrant(many, () -> new Level(database(lab, report, size), size))
        .compare(many, few, Target.atMost(1.3))
        .run(lab, report);
  }

  private static String database(Lab lab, Report report, int waiting) throws Exception {
    return Postgres.of(lab, report).createMigrated("queue_size_" + waiting);
  }

  /** A queue whose length stays: after each claim, which is measured, a message is enqueued. */
  private static final class Level implements Workload {
    private final Messages messages;
    private final Consumers consumers;

    Level(String url, int waiting) throws Exception {
      messages = PgkeeperMessages.open(url, Way.WITH_NEXT_TAKE);
      try {
        messages.fill(waiting);
        Postgres.settle(url);
        consumers = messages.consumers(1, 1);
      } catch (Exception e) {
        messages.close();
        throw e;
      }
    }

    @Override
    public Worker worker(int thread) {
      Consumer consumer = consumers.consumer();
      List<byte[]> one = Messages.payloads(1);
      return () -> {
        long began = System.nanoTime();
        int taken = consumer.next(Duration.ZERO);
        long nanos = System.nanoTime() - began;
        if (taken != 1) {
          throw new IllegalStateException("Nothing was found among all that wait");
        }
        messages.enqueue(one);
        return nanos;
      };
    }

    @Override
    public void close() throws Exception {
      consumers.close();
      messages.close();
    }
  }
}
