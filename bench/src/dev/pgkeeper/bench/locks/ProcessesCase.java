package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Series;
import dev.pgkeeper.testing.ChildProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Locks acquired and released by 1 to 64 processes with a session each: a lock of its own each, or
 * all the same one. All processes are there all the time; in each round every number of them takes
 * its turn.
 */
public final class ProcessesCase implements Case {
  private static final List<Integer> COUNTS = List.of(1, 4, 16, 64);
  private static final List<Integer> COUNTS_QUICK = List.of(1, 4, 16);

  /** Longer than other rounds: processes do not begin at the same moment. */
  private static final int ROUNDS_IN_ONE = 4;

  private static final Duration START_LIMIT = Duration.ofMinutes(3);
  private static final Duration ROUND_LIMIT = Duration.ofMinutes(1);

  /** What the processes do at once. */
  private record Work(String caseName, String subject, boolean isOneLock) {
    String lock(int process) {
      return isOneLock ? "contended" : "own-" + process;
    }
  }

  private static final List<Work> WORKS =
      List.of(
          new Work("scaling.processes.distinct", Subjects.PGKEEPER, false),
          new Work("scaling.processes.distinct", Subjects.JDBC, false),
          new Work("scaling.processes.one-lock", Subjects.PGKEEPER, true));

  private record Turn(Work work, int processes) {
    String subject() {
      return work.subject + ", " + processes + (processes == 1 ? " process" : " processes");
    }
  }

  @Override
  public String name() {
    return "scaling.processes";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    List<Integer> counts = lab.isQuick() ? COUNTS_QUICK : COUNTS;
    List<ChildProcess> processes = new ArrayList<>();
    try (Subjects subjects = new Subjects(lab, report)) {
      String[] arguments = {
        Subjects.PGKEEPER, subjects.address(Subjects.PGKEEPER),
        Subjects.JDBC, subjects.address(Subjects.JDBC)
      };
      for (int i = 0; i < counts.get(counts.size() - 1); i++) {
        processes.add(
            ChildProcess.start(
                List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
                LockingProcess.class,
                arguments));
      }
      for (ChildProcess process : processes) {
        process.awaitLine("ready", START_LIMIT);
      }
      tell(report, counts, measure(lab, counts, processes));
    } finally {
      processes.forEach(ChildProcess::close);
    }
  }

  private static Map<Turn, Series> measure(
      Lab lab, List<Integer> counts, List<ChildProcess> processes) throws InterruptedException {
    long millis = lab.pace().round().toMillis() * ROUNDS_IN_ONE;
    Map<Turn, List<Double>> rates = new LinkedHashMap<>();
    for (int round = -lab.pace().warmups(); round < lab.pace().rounds(); round++) {
      for (Work work : WORKS) {
        for (int count : counts) {
          double rate = together(work, processes.subList(0, count), millis);
          if (round >= 0) {
            rates.computeIfAbsent(new Turn(work, count), turn -> new ArrayList<>()).add(rate);
          }
        }
      }
    }
    Map<Turn, Series> series = new LinkedHashMap<>();
    rates.forEach((turn, values) -> series.put(turn, Series.of(values)));
    return series;
  }

  /** Pairs a second, all together. */
  private static double together(Work work, List<ChildProcess> processes, long millis)
      throws InterruptedException {
    for (int i = 0; i < processes.size(); i++) {
      processes.get(i).send(work.subject + " " + work.lock(i) + " " + millis);
    }
    double rate = 0;
    for (ChildProcess process : processes) {
      rate += Double.parseDouble(process.awaitLine("done ", ROUND_LIMIT));
    }
    return rate;
  }

  private static void tell(Report report, List<Integer> counts, Map<Turn, Series> results) {
    results.forEach(
        (turn, rates) ->
            report.figure(
                Figure.ofRounds(
                    turn.work.caseName, turn.subject(), turn.processes, "locks/s", rates)));
    for (Work work : WORKS) {
      for (int count : counts) {
        compare(report, results, new Turn(work, count), new Turn(work, 1));
        if (work.subject.equals(Subjects.PGKEEPER)) {
          compare(
              report,
              results,
              new Turn(work, count),
              new Turn(new Work(work.caseName, Subjects.JDBC, false), count));
        }
      }
    }
  }

  private static void compare(Report report, Map<Turn, Series> results, Turn of, Turn to) {
    Series other = results.get(to);
    if (other != null && !of.equals(to)) {
      report.comparison(
          Comparison.ofRounds(
              of.work.caseName,
              of.processes,
              of.subject(),
              to.subject(),
              results.get(of).ratioTo(other),
              null));
    }
  }
}
