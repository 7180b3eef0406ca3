package dev.pgkeeper.bench;

import java.io.PrintStream;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes the results as they come and hands them to the chosen forms; what is no result goes to the
 * log.
 */
public final class Report {
  private final List<ReportFormat> formats;
  private final PrintStream log;
  private final Set<String> settings = new LinkedHashSet<>();
  private final Set<String> skipped = new LinkedHashSet<>();
  private double measuredSeconds;
  private double othersSeconds;
  private int failures;
  private int met;
  private int missed;
  private int notJudged;

  Report(PrintStream log, ReportFormat... formats) {
    this.formats = List.of(formats);
    this.log = log;
  }

  public synchronized void figure(Figure figure) {
    formats.forEach(format -> format.figure(figure));
  }

  public synchronized void comparison(Comparison comparison) {
    if (comparison.target() != null) {
      Boolean isMet = comparison.met();
      if (isMet == null) {
        notJudged++;
      } else if (isMet) {
        met++;
      } else {
        missed++;
      }
    }
    formats.forEach(format -> format.comparison(comparison));
  }

  /**
   * What a reader has to know of the machine, a server or a case to judge the results; told once.
   */
  public synchronized void setting(String text) {
    if (settings.add(text)) {
      log.println("bench: " + text);
      formats.forEach(format -> format.setting(text));
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
    formats.forEach(format -> format.setting(caseName + ": " + subject + " failed: " + e));
  }

  /** Something that was counted, and its limit if it has one. */
  public synchronized void counted(
      String caseName, String subject, String unit, double value, @Nullable Target limit) {
    Figure figure = Figure.counted(caseName, subject, 1, unit, value);
    figure(figure);
    if (limit != null) {
      comparison(Comparison.limit(figure, limit));
    }
  }

  /** What a case does. */
  interface Attempt {
    void run() throws Exception;
  }

  /** Returns whether it went well; what went wrong is reported, and others go on. */
  boolean attempt(Case of, Attempt attempt) throws InterruptedException {
    try {
      attempt.run();
      return true;
    } catch (InterruptedException e) {
      throw e;
    } catch (Unavailable e) {
      skipped(of.name(), String.valueOf(e.getMessage()));
    } catch (Exception e) {
      failed(of.name(), "the case", e);
    } catch (AssertionError e) {
      // What the tests' tools say when something did not happen in time.
      failed(of.name(), "the case", new IllegalStateException(e));
    }
    return false;
  }

  /** One round, for those who watch it run. */
  synchronized void progress(
      String caseName, int threads, String subject, boolean counts, Round round) {
    measuredSeconds += round.cpu().at();
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
    setting(
        "Targets: %d met, %d missed, %d not judged because the rounds disagree too much"
            .formatted(met, missed, notJudged));
    formats.forEach(ReportFormat::end);
    return failures == 0;
  }
}
