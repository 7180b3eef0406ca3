package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.client.Pace;
import dev.pgkeeper.proof.growth.Growth;
import dev.pgkeeper.proof.growth.GrowthTable;
import dev.pgkeeper.proof.growth.Kept;
import dev.pgkeeper.proof.growth.Looks;
import dev.pgkeeper.proof.growth.Measure;
import dev.pgkeeper.proof.growth.Series;
import dev.pgkeeper.proof.growth.ServerLooks;
import dev.pgkeeper.proof.history.History;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The mixed work at a pace that can be kept up, for as long as is wanted, with a look at everything
 * that is in use sixty times: once a minute in an hour.
 */
public final class EndurancePart implements Part {
  private static final int LOOKS = 60;

  /** The four of them and their server then take less than half a core. */
  private static final int SLOWNESS = 24;

  /** With faults forty seconds apart the server crashes every few minutes. */
  private static final int CALMER = 32;

  /** One on either side of the network: in processes that are always young no leak is seen. */
  private static final Set<Integer> SPARED = Set.of(0, MixedRun.BEHIND_THE_NETWORK);

  private static final int HISTORY_PART = 10;

  @Override
  public String name() {
    return "endurance";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of();
  }

  @Override
  public String summary() {
    return "the mixed work for long, at a slower pace: nothing may grow";
  }

  @Override
  public boolean isOnlyByName() {
    return true;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Duration period = settings.duration().dividedBy(LOOKS);
    MixedRun run =
        new MixedRun(
            name(),
            settings,
            new Pace(SLOWNESS, period),
            CALMER,
            SPARED,
            (server, database) -> {
              Path file =
                  Files.createDirectories(settings.histories(name())).resolve(ServerLooks.SERVER);
              Housekeeping keeping =
                  Housekeeping.begin(database, settings.duration().dividedBy(HISTORY_PART));
              ServerLooks looks = ServerLooks.begin(server, database, file, period);
              return () -> {
                looks.close();
                keeping.close();
              };
            });
    Result mixed = run.run(progress);
    List<Series> seen = seen(settings.histories(name()), period);
    List<Verdict> verdicts = new ArrayList<>(mixed.verdicts());
    verdicts.addAll(verdicts(seen));
    Path table = settings.output().resolve(name() + ".md");
    Files.writeString(table, GrowthTable.markdown(seen, period));
    List<String> notes = new ArrayList<>(mixed.notes());
    notes.add("What was seen by the minute is in " + table);
    return new Result(verdicts, notes, mixed.evidence(), seen);
  }

  private static List<Series> seen(Path histories, Duration period) throws IOException {
    return Looks.read(History.in(histories).said("look"), period, LOOKS);
  }

  private List<Verdict> verdicts(List<Series> seen) {
    Predicate<Series> client = series -> series.of().startsWith("client");
    Predicate<Series> server = series -> series.of().equals(ServerLooks.SERVER);
    Predicate<Series> kept = Kept::isOf;
    // There is one each time that a tick is over.
    Predicate<Series> runs =
        series -> series.of().equals(Kept.JOB_RUN.table()) && series.measure() == Measure.KEPT_ROWS;
    return List.of(
        verdict(
            "no client that goes on grows: heap, threads, files, connections",
            seen,
            client.and(Series::isWhole),
            false),
        verdict(
            "the server does not grow: connections, memory, notification queue, log",
            seen,
            server,
            false),
        verdict(
            "no table grows: rows, dead rows, size, without what is kept on purpose",
            seen,
            client.or(server).or(kept).negate(),
            false),
        verdict("the runs of a job, which are kept for good, are seen to grow", seen, runs, true));
  }

  private Verdict verdict(
      String promise, List<Series> seen, Predicate<Series> which, boolean isControl) {
    List<Series> some = seen.stream().filter(which).toList();
    long looks =
        some.stream()
            .flatMap(series -> series.values().stream())
            .filter(value -> !Double.isNaN(value))
            .count();
    return new Verdict(
        name(),
        promise,
        scenarios(),
        new Finding(looks, "looks", Growth.violations(some)),
        isControl);
  }
}
