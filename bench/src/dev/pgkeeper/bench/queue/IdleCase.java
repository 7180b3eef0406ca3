package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client costs with a thousand queues and a consumer for each, none of which has anything to
 * do: connections, threads and statements, beside a client without any. Both are watched at the
 * same time, each in front of a server of its own.
 */
final class IdleCase implements Case {
  private static final int QUEUES = 1000;

  /** One is in the pool, which serves whoever has something to do. */
  private static final int MOST_CONNECTIONS = 1 + 2;

  /** One look after another at all queues together, however many there are. */
  private static final double SWEEP = 1;

  @Override
  public String name() {
    return "queue.idle";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    Duration window = Duration.ofSeconds(lab.isQuick() ? 15 : 30);
    try (IdleConsumers none = new IdleConsumers("no queues");
        IdleConsumers many = new IdleConsumers(QUEUES + " idle consumers")) {
      many.consume(QUEUES);
      List<IdleConsumers> both = List.of(none, many);
      both.forEach(each -> each.server().begin());
      long began = System.nanoTime();
      while (System.nanoTime() - began < window.toNanos()) {
        Thread.sleep(1000);
        for (IdleConsumers each : both) {
          each.server().look();
        }
      }
      both.forEach(each -> each.server().end());
      many.check();
      double idling = none.server().statementsPerSecond();
      for (IdleConsumers each : both) {
        boolean judged = each == many;
        count(
            report,
            each,
            "connections",
            "connections",
            each.server().connections(),
            judged ? Target.atMost(MOST_CONNECTIONS) : null);
        count(
            report,
            each,
            "statements",
            "statements/s",
            each.server().statementsPerSecond(),
            judged ? Target.atMost(idling + SWEEP) : null);
        report.setting(name() + ", " + each.name() + ": " + each.server().mostFrequent());
      }
      count(report, many, "threads", "more threads", many.threads(), null);
    }
  }

  private void count(
      Report report,
      IdleConsumers consumers,
      String what,
      String unit,
      double value,
      @Nullable Target target) {
    Figure figure = Figure.counted(name() + "." + what, consumers.name(), 1, unit, value);
    report.figure(figure);
    if (target != null) {
      report.comparison(Comparison.limit(figure, target));
    }
  }
}
