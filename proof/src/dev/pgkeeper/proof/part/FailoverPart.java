package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.failover.FailoverTable;
import dev.pgkeeper.proof.failover.Trial;
import dev.pgkeeper.proof.failover.Way;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Who acts after an owner or its server is lost in each of the ways there are, how long that takes
 * with a timeout of 30 s, and whether the former owner is refused. How long it took is told, not
 * judged.
 */
public final class FailoverPart implements Part {
  private static final int TIMES = 5;

  /** Each of them takes a lease. */
  private static final int TIMES_LONG = 3;

  @Override
  public String name() {
    return "failover";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of();
  }

  @Override
  public String summary() {
    return "an owner with a timeout of 30 s, or its server, is lost: who acts next, and when";
  }

  @Override
  public boolean isOnlyByName() {
    return true;
  }

  /** Leases end one after the other. */
  @Override
  public Duration limit(Settings settings) {
    return Part.super.limit(settings).multipliedBy(4);
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    List<Trial> trials = new ArrayList<>();
    List<Callable<List<Trial>>> longOnes = new ArrayList<>();
    for (Way way : Way.values()) {
      if (way.isLong()) {
        longOnes.add(() -> repeat(way, TIMES_LONG, progress));
      } else {
        trials.addAll(repeat(way, TIMES, progress));
      }
    }
    // They wait for a lease most of the time: all at once.
    ExecutorService threads = Executors.newFixedThreadPool(longOnes.size());
    try {
      for (Future<List<Trial>> each : threads.invokeAll(longOnes)) {
        trials.addAll(each.get());
      }
    } finally {
      threads.shutdownNow();
    }
    Files.createDirectories(settings.output());
    Path table = settings.output().resolve(name() + ".md");
    Files.writeString(table, FailoverTable.markdown(trials));
    return new Result(
        Arrays.stream(Way.values()).map(way -> verdict(way, trials)).toList(),
        List.of("How long each took is in " + table),
        null);
  }

  private static List<Trial> repeat(Way way, int times, Progress progress) throws Exception {
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      try (FailoverStage stage = new FailoverStage(way)) {
        Trial trial = stage.strike();
        progress.say(String.format(Locale.ROOT, "  %.3f s: %s", trial.seconds(), way.text()));
        trials.add(trial);
      }
    }
    return trials;
  }

  private Verdict verdict(Way way, List<Trial> trials) {
    List<Trial> its = trials.stream().filter(trial -> trial.way() == way).toList();
    List<String> violations = its.stream().flatMap(trial -> trial.violations().stream()).toList();
    return new Verdict(
        name(), way.promise(), scenarios(), new Finding(its.size(), "times", violations), false);
  }
}
