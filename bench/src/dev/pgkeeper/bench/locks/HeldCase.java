package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.PatientCase;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client costs that holds ten thousand locks, and one in which a thousand wait: connections,
 * threads and statements, beside a client that does nothing; each in front of a server of its own.
 */
final class HeldCase implements PatientCase {
  private static final int HELD = 10_000;
  private static final int WAITING = 1000;

  /** A look at all that is waited for every five seconds, and what falls on the window's edges. */
  private static final double SWEEP = 0.5;

  private static final int MOST_THREADS = 20;

  @Override
  public String name() {
    return "locks.held";
  }

  @Override
  public Watched start(Lab lab, Report report) throws Exception {
    Processes processes = new Processes(report);
    try {
      processes.add("idle");
      processes.add(HELD + " held").hold(HELD);
      processes.add(WAITING + " waiting").await(WAITING);
      processes.settle();
      return processes;
    } catch (Exception | AssertionError e) {
      processes.close();
      throw e;
    }
  }

  private final class Processes implements Watched {
    private final Report report;
    private final List<WaitingProcess> processes = new ArrayList<>();

    Processes(Report report) {
      this.report = report;
    }

    WaitingProcess add(String name) throws Exception {
      WaitingProcess process = new WaitingProcess(name);
      processes.add(process);
      return process;
    }

    /** What starting has left behind is not what holding and waiting needs. */
    void settle() {
      processes.forEach(process -> process.server().evict());
    }

    @Override
    public void begin() {
      processes.forEach(process -> process.server().begin());
    }

    @Override
    public void look() throws SQLException {
      for (WaitingProcess process : processes) {
        process.server().look();
      }
    }

    @Override
    public void end() {
      processes.forEach(WaitingProcess::end);
    }

    @Override
    public void tell() throws Exception {
      WaitingProcess idle = processes.get(0);
      for (WaitingProcess process : processes) {
        process.check();
        boolean busy = process != idle;
        count(
            process,
            "connections",
            "connections",
            process.server().connections(),
            busy ? Target.atMost(2) : null);
        if (busy) {
          count(
              process,
              "threads",
              "more threads",
              process.threads() - idle.threads(),
              Target.atMost(MOST_THREADS));
        }
        count(
            process,
            "statements",
            "statements/s",
            process.server().statementsPerSecond(),
            busy ? Target.atMost(idle.server().statementsPerSecond() + SWEEP) : null);
        report.setting(name() + ", " + process.name() + ": " + process.server().mostFrequent());
      }
    }

    private void count(
        WaitingProcess process, String what, String unit, double value, @Nullable Target target) {
      report.counted(name() + "." + what, process.name(), unit, value, target);
    }

    @Override
    public void close() {
      processes.forEach(WaitingProcess::close);
    }
  }
}
