package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Takes the results as they come and hands them to the chosen form; what is no result goes to the
 * log.
 */
public final class Report {
  private final ReportFormat format;
  private final PrintStream log;
  private final Set<String> settings = new LinkedHashSet<>();
  private final Set<String> skipped = new LinkedHashSet<>();
  private double measuredSeconds;
  private double othersSeconds;
  private int failures;
  private int targets;
  private int missed;

  Report(ReportFormat format, PrintStream log) {
    this.format = format;
    this.log = log;
  }

  public synchronized void figure(Figure figure) {
    format.figure(figure);
  }

  public synchronized void comparison(Comparison comparison) {
    Boolean met = comparison.met();
    if (met != null) {
      targets++;
      missed += met ? 0 : 1;
    }
    format.comparison(comparison);
  }

  /**
   * What a reader has to know of the machine, a server or a case to judge the results; told once.
   */
  public synchronized void setting(String text) {
    if (settings.add(text)) {
      log.println("bench: " + text);
      format.setting(text);
    }
  }

  /** A subject that cannot be had here; told once. */
  public synchronized void skipped(String subject, String reason) {
    if (skipped.add(subject)) {
      setting(subject + " is skipped: " + reason);
    }
  }

  public synchronized void failed(String caseName, String subject, Exception e) {
    failures++;
    log.println("bench: " + caseName + ": " + subject + " failed");
    e.printStackTrace(log);
    format.setting(caseName + ": " + subject + " failed: " + e);
  }

  /** One round, for those who watch it run. */
  synchronized void progress(
      String caseName, int threads, String subject, boolean counts, Round round) {
    measuredSeconds += round.seconds();
    othersSeconds += round.cpu().others();
    log.printf(
        Locale.ROOT,
        "bench: %s, %d threads, %s%s: %s/s, p50 %s ms, p99 %s ms, CPU us each: client %s, server %s%n",
        caseName,
        threads,
        subject,
        counts ? "" : " (warm-up)",
        Numbers.plain(round.units() / round.seconds()),
        Numbers.plain(round.latencies().percentile(50) / 1e6),
        Numbers.plain(round.latencies().percentile(99) / 1e6),
        Numbers.plain(round.cpu().client() * 1e6 / round.units()),
        Numbers.plain(round.cpu().server() * 1e6 / round.units()));
  }

  /**
   * Prints what is left. Returns whether nothing failed; a target that is missed is a result, not a
   * failure.
   */
  synchronized boolean end() {
    if (othersSeconds > 0) {
      setting(
          "While this was measured, others had "
              + Numbers.percent(othersSeconds / (measuredSeconds * CpuClock.CORES))
              + " of this machine's processors");
    }
    format.end();
    log.println("bench: " + (targets - missed) + " of " + targets + " targets met");
    return failures == 0;
  }
}
