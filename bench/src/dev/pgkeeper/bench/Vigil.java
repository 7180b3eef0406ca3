package dev.pgkeeper.bench;

import dev.pgkeeper.bench.PatientCase.Watched;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Cases that are started together, watched at the same time, and told one after the other. */
final class Vigil {
  private static final Duration WINDOW = Duration.ofSeconds(30);
  private static final Duration WINDOW_QUICK = Duration.ofSeconds(20);

  /** A keeper's threads end when they have had nothing to do for five seconds. */
  private static final Duration UNTIL_SETTLED = Duration.ofSeconds(6);

  private static final Duration GLANCE = Duration.ofSeconds(1);

  private final List<? extends PatientCase> cases;
  private final Duration untilSettled;
  private final Duration window;

  Vigil(List<? extends PatientCase> cases, Lab lab) {
    this(cases, UNTIL_SETTLED, lab.isQuick() ? WINDOW_QUICK : WINDOW);
  }

  Vigil(List<? extends PatientCase> cases, Duration untilSettled, Duration window) {
    this.cases = cases;
    this.untilSettled = untilSettled;
    this.window = window;
  }

  /** A case that fails is reported as such and drops out; the others go on. */
  void keep(Lab lab, Report report) throws InterruptedException {
    Map<PatientCase, Watched> watched = new LinkedHashMap<>();
    try {
      start(watched, lab, report);
      Thread.sleep(untilSettled.toMillis());
      each(watched, report, Watched::begin);
      long end = System.nanoTime() + window.toNanos();
      while (System.nanoTime() < end) {
        Thread.sleep(Math.min(GLANCE.toMillis(), window.toMillis()));
        each(watched, report, Watched::look);
      }
      each(watched, report, Watched::end);
      each(watched, report, Watched::tell);
    } finally {
      for (Map.Entry<PatientCase, Watched> each : watched.entrySet()) {
        report.attempt(each.getKey(), each.getValue()::close);
      }
    }
  }

  private void start(Map<PatientCase, Watched> watched, Lab lab, Report report)
      throws InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(cases.size());
    try {
      Map<PatientCase, Future<Watched>> starting = new LinkedHashMap<>();
      for (PatientCase each : cases) {
        starting.put(each, threads.submit(() -> each.start(lab, report)));
      }
      for (Map.Entry<PatientCase, Future<Watched>> each : starting.entrySet()) {
        report.attempt(each.getKey(), () -> watched.put(each.getKey(), outcome(each.getValue())));
      }
    } finally {
      threads.shutdown();
    }
  }

  private static Watched outcome(Future<Watched> start) throws Exception {
    try {
      return start.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  private interface Stage {
    void of(Watched watched) throws Exception;
  }

  private static void each(Map<PatientCase, Watched> watched, Report report, Stage stage)
      throws InterruptedException {
    for (Map.Entry<PatientCase, Watched> each : new ArrayList<>(watched.entrySet())) {
      if (!report.attempt(each.getKey(), () -> stage.of(each.getValue()))) {
        watched.remove(each.getKey());
        report.attempt(each.getKey(), each.getValue()::close);
      }
    }
  }
}
