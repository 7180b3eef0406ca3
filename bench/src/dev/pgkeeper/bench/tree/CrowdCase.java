package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Case;
import dev.pgkeeper.bench.Contest;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Measure;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Target;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.tree.WatchMode;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * From a set to another client's callback while a thousand other sessions hold ten thousand watches
 * on other paths.
 *
 * <p>Some of the thousand are keepers with a listening connection, as many as a server of common
 * size lets in; the server wakes each of them for every ring. The others are rows with a long
 * lease, made by the functions that a keeper calls: they are looked through by every set, and
 * nobody is behind them.
 */
final class CrowdCase implements Case {
  private static final int SESSIONS = 1000;
  private static final int WATCHES_EACH = 10;

  @Override
  public String name() {
    return "tree.callback.crowd";
  }

  @Override
  public void run(Lab lab, Report report) throws Exception {
    String mute = SESSIONS + " other sessions, none listening";
    int listening = lab.isQuick() ? 50 : 200;
    String crowded = SESSIONS + " other sessions, " + listening + " listening";
    new Contest(name(), 1, Measure.latency())
        .entrant("alone", () -> new Callback(new PgkeeperSignals(url(lab, report, "alone")), false))
        .entrant(mute, () -> crowd(url(lab, report, "mute_crowd"), 0))
        .entrant(crowded, () -> crowd(url(lab, report, "crowd"), listening))
        .compare(mute, "alone", null)
        .compare(crowded, "alone", Target.atMost(1.3))
        .run(lab, report);
  }

  /** Each has a database of its own: the listeners of one are not woken by the others. */
  private static String url(Lab lab, Report report, String name) throws Exception {
    return Postgres.of(lab, report).createMigrated(name);
  }

  private static Callback crowd(String url, int listening) throws SQLException {
    return new Callback(new Crowded(new PgkeeperSignals(url), url, listening), false);
  }

  /** The same two clients, with the crowd around them for as long as they are open. */
  private static final class Crowded implements Signals {
    private final Signals signals;
    private final HikariDataSource pool;
    private final List<Keeper> keepers = new ArrayList<>();

    Crowded(Signals signals, String url, int listening) throws SQLException {
      this.signals = signals;
      this.pool = Postgres.pool(url, 4);
      for (int i = 0; i < listening; i++) {
        Keeper keeper = Keeper.connect(pool);
        keepers.add(keeper);
        for (int watch = 0; watch < WATCHES_EACH; watch++) {
          keeper.tree().watch("/other-" + i + "/" + watch, WatchMode.PERSISTENT, event -> {});
        }
      }
      Postgres.execute(
          url,
          """
          SELECT pgkeeper.watch_again(
              pgkeeper.session_open(86400000, 2000, false, 'crowd', 'nowhere', i),
              ARRAY(SELECT '/other-' || i || '/' || watch FROM generate_series(0, %d) AS watch),
              array_fill('p'::text, ARRAY[%d]))
            FROM generate_series(%d, %d) AS i
          """
              .formatted(WATCHES_EACH - 1, WATCHES_EACH, listening, SESSIONS - 1),
          "ANALYZE");
      long watches = Long.parseLong(Postgres.query(url, "SELECT count(*) FROM pgkeeper.watch"));
      if (watches < SESSIONS * WATCHES_EACH) {
        throw new IllegalStateException("Only " + watches + " watches were registered");
      }
    }

    @Override
    public void set() throws Exception {
      signals.set();
    }

    @Override
    public void watch(Runnable told) throws Exception {
      signals.watch(told);
    }

    @Override
    public void watchOnce(Runnable told) throws Exception {
      signals.watchOnce(told);
    }

    @Override
    public void close() throws Exception {
      keepers.forEach(Keeper::close);
      pool.close();
      signals.close();
    }
  }
}
