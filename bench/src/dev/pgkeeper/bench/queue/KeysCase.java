package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.queue.PgkeeperMessages.Way;
import dev.pgkeeper.bench.server.Postgres;

/** Consuming in order within each of a thousand keys, against consuming without keys. */
final class KeysCase implements Case {
  private static final int KEYS = 1000;
  private static final int CONSUMERS = 4;

  private final int batch;

  KeysCase(int batch) {
    this.batch = batch;
  }

  @Override
  public String name() {
    return "queue.keys." + batch;
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String keyed = KEYS + " keys";
    String unkeyed = "no keys";
    try (PgkeeperMessages ordered =
            PgkeeperMessages.openKeyed(database(lab, report, "keyed"), KEYS);
        PgkeeperMessages others =
            PgkeeperMessages.open(database(lab, report, "unkeyed"), Way.WITH_NEXT_TAKE)) {
      new Contest(name(), CONSUMERS, Measure.rate("messages/s"))
          .entrant(keyed, () -> consuming(lab, ordered))
          .entrant(unkeyed, () -> consuming(lab, others))
          .compare(keyed, unkeyed, Target.atLeast(0.3))
          .run(lab, report);
    }
  }

  private String database(Lab lab, Report report, String name) throws Exception {
    return Postgres.of(lab, report).createMigrated(name().replace('.', '_') + "_" + name);
  }

  private Consuming consuming(Lab lab, Messages messages) throws Exception {
    return new Consuming(messages, CONSUMERS, batch, ConsumeCase.backlog(lab, batch));
  }
}
