package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.Comparison;
import dev.pgkeeper.bench.Figure;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.PatientCase;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.Unavailable;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a lock whose holder is cut off or paused, and how long the peers take: what takes
 * as long as a lease and is not measured in milliseconds, all at the same time.
 */
final class SlowFailoverCase implements PatientCase {
  private static final Duration PAUSE = Duration.ofSeconds(20);

  private static final List<String> PEERS =
      List.of(Subjects.CURATOR, Subjects.REDISSON, Subjects.REDISSON_FAIR, Subjects.JETCD);

  @Override
  public String name() {
    return FailoverTrial.CASE + ".slow";
  }

  @Override
  public Watched start(Lab lab, Report report) throws Exception {
    Subjects subjects = new Subjects(lab, report);
    String url = subjects.address(Subjects.PGKEEPER);
    List<Callable<@Nullable Void>> trials = new ArrayList<>();
    trials.add(
        () -> {
          cutOff(url, report);
          return null;
        });
    trials.add(
        () -> {
          pause(url, report);
          return null;
        });
    if (lab.isQuick()) {
      report.setting(FailoverTrial.CASE + ": in the quick form without the peers");
    } else {
      peers(subjects, report, trials);
    }
    return new Trials(subjects, trials);
  }

  private static void peers(Subjects subjects, Report report, List<Callable<@Nullable Void>> trials)
      throws Exception {
    for (String peer : PEERS) {
      try {
        String address = subjects.address(peer);
        trials.add(() -> peer(report, "closed", peer, address, FailoverTrial::closed));
        trials.add(() -> peer(report, "killed", peer, address, ChildProcess::kill9));
      } catch (Unavailable e) {
        report.skipped(peer, String.valueOf(e.getMessage()));
      }
    }
  }

  private static @Nullable Void peer(
      Report report, String what, String peer, String address, FailoverTrial.Blow blow)
      throws Exception {
    try {
      FailoverTrial.tell(
          report, what, peer, List.of(FailoverTrial.seconds(peer, address, blow)), null);
    } catch (TimeoutException e) {
      report.setting(
          FailoverTrial.CASE
              + "."
              + what
              + ": nobody followed "
              + peer
              + " within "
              + FailoverTrial.LIMIT);
    }
    return null;
  }

  /** The holder's network passes nothing any more, and nobody is told. */
  private static void cutOff(String url, Report report) throws Exception {
    try (TcpProxy network = TcpProxy.before(url);
        FailoverTrial trial = new FailoverTrial(Subjects.PGKEEPER, network.through(url), url)) {
      long began = System.nanoTime();
      network.stallToServer();
      network.stallToClient();
      trial.holder.awaitLine("lost", FailoverTrial.LIMIT);
      double believed = (System.nanoTime() - began) / 1e9;
      double taken = (trial.next() - began) / 1e9;
      FailoverTrial.tell(report, "cut", Subjects.PGKEEPER, List.of(taken), null);
      FailoverTrial.tell(report, "cut.belief", Subjects.PGKEEPER, List.of(believed), null);
      report.comparison(
          new Comparison(
              FailoverTrial.CASE + ".cut",
              1,
              "the holder's belief",
              "the next acquire",
              believed / taken,
              Target.atMost(1),
              null));
    }
  }

  /** The holder stops in its tracks for less than the timeout, and goes on. */
  private static void pause(String url, Report report) throws Exception {
    try (FailoverTrial trial = new FailoverTrial(Subjects.PGKEEPER, url, url)) {
      trial.holder.stop();
      boolean kept = trial.waitsFor(PAUSE);
      trial.holder.cont();
      trial.holder.send("believe");
      kept &= Boolean.parseBoolean(trial.holder.awaitLine("believes ", FailoverTrial.START_LIMIT));
      kept &= trial.waitsFor(FailoverTrial.UNTIL_WAITING);
      FailoverTrial.closed(trial.holder);
      trial.next();
      Figure figure =
          Figure.counted(
              FailoverTrial.CASE + ".paused",
              Subjects.PGKEEPER,
              1,
              "kept it (1 = yes)",
              kept ? 1 : 0);
      report.figure(figure);
      report.comparison(Comparison.limit(figure, Target.atLeast(1)));
    }
  }

  private static final class Trials implements Watched {
    private final Subjects subjects;
    private final ExecutorService threads;
    private final List<Future<@Nullable Void>> running = new ArrayList<>();

    Trials(Subjects subjects, List<Callable<@Nullable Void>> trials) {
      this.subjects = subjects;
      threads = Executors.newFixedThreadPool(trials.size());
      trials.forEach(trial -> running.add(threads.submit(trial)));
    }

    @Override
    public void tell() throws Exception {
      for (Future<@Nullable Void> each : running) {
        each.get();
      }
    }

    @Override
    public void close() throws Exception {
      threads.shutdownNow();
      subjects.close();
    }
  }
}
