package dev.pgkeeper.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Several subjects doing the same work, side by side: A B C, A B C, A B C. What disturbs the
 * machine for a while disturbs them all, and a ratio is taken between neighbours in time.
 */
public final class Contest {
  private final String caseName;
  private final int threads;
  private final Measure measure;
  private final Map<String, Opening<? extends Workload>> entrants = new LinkedHashMap<>();
  private final List<Expectation> expectations = new ArrayList<>();
  private final Map<String, Target> tails = new LinkedHashMap<>();
  private final Map<String, Target> heights = new LinkedHashMap<>();

  private int warmUps = 1;

  private record Expectation(String of, String ratioTo, @Nullable Target target) {}

  private static final class Running {
    final String name;
    final Workload workload;
    final List<Worker> workers = new ArrayList<>();
    final List<Round> rounds = new ArrayList<>();
    boolean failed;

    Running(String name, Workload workload) {
      this.name = name;
      this.workload = workload;
    }
  }

  public Contest(String caseName, int threads, Measure measure) {
    this.caseName = caseName;
    this.threads = threads;
    this.measure = measure;
  }

  public Contest entrant(String subject, Opening<? extends Workload> opening) {
    entrants.put(subject, opening);
    return this;
  }

  /**
   * For work of which a round has little: so many times the rounds to warm up, else it is the
   * compilers that are measured.
   */
  public Contest warmedUp(int times) {
    warmUps = times;
    return this;
  }

  /**
   * Tells how one entrant's result stands to another's; without a target that is for information
   * only.
   */
  public Contest compare(String of, String ratioTo, @Nullable Target target) {
    expectations.add(new Expectation(of, ratioTo, target));
    return this;
  }

  /** Tells how much longer than the median one step in a hundred of an entrant takes. */
  public Contest tail(String of, Target target) {
    tails.put(of, target);
    return this;
  }

  /** Tells how an entrant's result stands to a figure that was promised, whatever others do. */
  public Contest reach(String of, Target target) {
    heights.put(of, target);
    return this;
  }

  /**
   * Runs all rounds and reports. An entrant that fails is reported as such and drops out; the
   * others go on.
   */
  public void run(Lab lab, Report report) throws InterruptedException {
    Pace pace = lab.pace();
    List<Running> running = new ArrayList<>();
    try {
      for (Map.Entry<String, Opening<? extends Workload>> entrant : entrants.entrySet()) {
        open(entrant.getKey(), entrant.getValue(), running, report);
      }
      for (int round = -pace.warmups() * warmUps; round < pace.rounds(); round++) {
        for (Running entrant : running) {
          if (!entrant.failed) {
            turn(entrant, lab, round >= 0, report);
          }
        }
      }
      tell(running.stream().filter(entrant -> !entrant.failed).toList(), report);
    } finally {
      for (Running entrant : running) {
        close(entrant, report);
      }
    }
  }

  private void open(
      String name, Opening<? extends Workload> opening, List<Running> running, Report report)
      throws InterruptedException {
    try {
      Running entrant = new Running(name, opening.open());
      running.add(entrant);
      for (int thread = 0; thread < threads; thread++) {
        entrant.workers.add(entrant.workload.worker(thread));
      }
    } catch (Unavailable e) {
      report.skipped(name, e.getMessage());
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      running.forEach(entrant -> entrant.failed |= entrant.name.equals(name));
      report.failed(caseName, name, e);
    }
  }

  private void turn(Running entrant, Lab lab, boolean counts, Report report)
      throws InterruptedException {
    try {
      entrant.workload.before();
      Round round =
          new Turn(entrant.workers, lab.pace().round(), lab.cpu())
              .run(entrant.workload.unitsPerStep());
      if (counts) {
        entrant.rounds.add(round);
      }
      report.progress(caseName, threads, entrant.name, counts, round);
      entrant.workload.after();
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      entrant.failed = true;
      report.failed(caseName, entrant.name, e);
    }
  }

  private void tell(List<Running> finished, Report report) {
    Map<String, Series> results = new LinkedHashMap<>();
    for (Running entrant : finished) {
      Series series = Series.of(entrant.rounds, measure);
      results.put(entrant.name, series);
      Histogram latencies = new Histogram();
      entrant.rounds.forEach(round -> latencies.add(round.latencies()));
      double units = entrant.rounds.stream().mapToLong(Round::units).sum();
      report.figure(
          new Figure(
              caseName,
              entrant.name,
              threads,
              measure.unit(),
              series.median(),
              latencies.percentile(50) / 1e6,
              latencies.percentile(99) / 1e6,
              series.spread(),
              entrant.rounds.stream().mapToDouble(round -> round.cpu().client()).sum()
                  / units
                  * 1e6,
              entrant.rounds.stream().mapToDouble(round -> round.cpu().server()).sum()
                  / units
                  * 1e6));
      Target tail = tails.get(entrant.name);
      if (tail != null) {
        report.comparison(
            new Comparison(
                caseName + ".p99",
                threads,
                entrant.name,
                "its p50",
                latencies.percentile(99) / latencies.percentile(50),
                tail,
                null));
      }
      Target height = heights.get(entrant.name);
      if (height != null) {
        report.comparison(
            Comparison.ofRounds(
                caseName, threads, entrant.name, "1 " + measure.unit(), series, height));
      }
    }
    for (Expectation expectation : expectations) {
      Series of = results.get(expectation.of());
      Series to = results.get(expectation.ratioTo());
      if (of != null && to != null) {
        report.comparison(
            Comparison.ofRounds(
                caseName,
                threads,
                expectation.of(),
                expectation.ratioTo(),
                of.ratioTo(to),
                expectation.target()));
      }
    }
  }

  private void close(Running entrant, Report report) throws InterruptedException {
    try {
      entrant.workload.close();
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      report.failed(caseName, entrant.name, e);
    }
  }
}
