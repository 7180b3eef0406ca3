package dev.pgkeeper.bench.queue;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.PatientCase;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client costs with a thousand queues and a consumer for each, none of which has anything to
 * do: connections, threads and statements, beside a client without any; each in front of a server
 * of its own.
 */
final class IdleCase implements PatientCase {
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
  public Watched start(Lab lab, Report report) throws Exception {
    IdleConsumers none = new IdleConsumers("no queues");
    try {
      IdleConsumers many = new IdleConsumers(QUEUES + " idle consumers");
      try {
        many.consume(QUEUES);
        // What starting has left behind is not what idling needs.
        many.server().evict();
        return new Both(report, none, many);
      } catch (Exception e) {
        many.close();
        throw e;
      }
    } catch (Exception e) {
      none.close();
      throw e;
    }
  }

  private final class Both implements Watched {
    private final Report report;
    private final IdleConsumers none;
    private final IdleConsumers many;
    private final List<IdleConsumers> both;

    Both(Report report, IdleConsumers none, IdleConsumers many) {
      this.report = report;
      this.none = none;
      this.many = many;
      both = List.of(none, many);
    }

    @Override
    public void begin() {
      both.forEach(each -> each.server().begin());
    }

    @Override
    public void look() throws SQLException {
      for (IdleConsumers each : both) {
        each.server().look();
      }
    }

    @Override
    public void end() {
      both.forEach(IdleConsumers::end);
    }

    @Override
    public void tell() {
      many.check();
      double idling = none.server().statementsPerSecond();
      for (IdleConsumers each : both) {
        boolean judged = each == many;
        count(
            each,
            "connections",
            "connections",
            each.server().connections(),
            judged ? Target.atMost(MOST_CONNECTIONS) : null);
        count(
            each,
            "statements",
            "statements/s",
            each.server().statementsPerSecond(),
            judged ? Target.atMost(idling + SWEEP) : null);
        report.setting(name() + ", " + each.name() + ": " + each.server().mostFrequent());
      }
      count(many, "threads", "more threads", many.threads() - none.threads(), null);
    }

    private void count(
        IdleConsumers consumers, String what, String unit, double value, @Nullable Target target) {
      report.counted(name() + "." + what, consumers.name(), unit, value, target);
    }

    @Override
    public void close() {
      both.forEach(IdleConsumers::close);
    }
  }
}
