package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client costs that holds ten thousand locks, and one in which a thousand wait: connections,
 * threads and statements, beside a client that does nothing. All are watched at the same time, each
 * in front of a server of its own.
 */
final class HeldCase implements Case {
  private static final int HELD = 10_000;
  private static final int WAITING = 1000;

  /** A look at all that is waited for every five seconds, and what falls on the window's edges. */
  private static final double SWEEP = 0.5;

  @Override
  public String name() {
    return "locks.held";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    Duration window = Duration.ofSeconds(lab.isQuick() ? 15 : 30);
    List<WaitingProcess> processes = new ArrayList<>();
    try {
      start("idle", processes);
      WaitingProcess holding = start(HELD + " held", processes);
      holding.hold(HELD);
      WaitingProcess waiting = start(WAITING + " waiting", processes);
      waiting.await(WAITING);
      processes.forEach(process -> process.server().begin());
      long began = System.nanoTime();
      while (System.nanoTime() - began < window.toNanos()) {
        Thread.sleep(1000);
        for (WaitingProcess process : processes) {
          process.server().look();
        }
      }
      processes.forEach(process -> process.server().end());
      waiting.check();
      tell(report, processes);
    } finally {
      processes.forEach(WaitingProcess::close);
    }
  }

  private static WaitingProcess start(String name, List<WaitingProcess> processes)
      throws Exception {
    WaitingProcess process = new WaitingProcess(name);
    processes.add(process);
    return process;
  }

  private void tell(Report report, List<WaitingProcess> processes) {
    WaitingProcess idle = processes.get(0);
    for (WaitingProcess process : processes) {
      boolean busy = process != idle;
      count(
          report,
          process,
          "connections",
          "connections",
          process.server().connections(),
          busy ? Target.atMost(2) : null);
      if (busy) {
        count(report, process, "threads", "more threads", process.threads(), Target.atMost(20));
      }
      count(
          report,
          process,
          "statements",
          "statements/s",
          process.server().statementsPerSecond(),
          busy ? Target.atMost(idle.server().statementsPerSecond() + SWEEP) : null);
      report.setting(name() + ", " + process.name() + ": " + process.server().mostFrequent());
    }
  }

  private void count(
      Report report,
      WaitingProcess process,
      String what,
      String unit,
      double value,
      @Nullable Target target) {
    Figure figure = Figure.counted(name() + "." + what, process.name(), 1, unit, value);
    report.figure(figure);
    if (target != null) {
      report.comparison(Comparison.limit(figure, target));
    }
  }
}
