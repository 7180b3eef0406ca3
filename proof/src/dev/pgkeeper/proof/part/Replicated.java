package dev.pgkeeper.proof.part;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.Map;

/** A primary with a standby that can take its place. */
final class Replicated implements AutoCloseable {
  private static final String STANDBY = "second";
  private static final Duration LIMIT = Await.LIMIT;

  private final PrivateServer primary;
  private final PrivateServer standby;
  private final TestDatabase before;
  private final TestDatabase after;

  private Replicated(PrivateServer primary, PrivateServer standby) {
    this.primary = primary;
    this.standby = standby;
    this.before = TestDatabase.freshOn(primary);
    this.after = before.on(standby);
  }

  static Replicated start(Map<String, String> settings, boolean isSynchronous) {
    PrivateServer primary = PrivateServer.start(settings);
    try {
      PrivateServer standby = PrivateServer.standbyOf(primary, STANDBY);
      try {
        Replicated both = new Replicated(primary, standby);
        both.replicate(isSynchronous);
        return both;
      } catch (RuntimeException | Error e) {
        standby.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      primary.close();
      throw e;
    }
  }

  private void replicate(boolean isSynchronous) {
    if (isSynchronous) {
      before.execute("ALTER SYSTEM SET synchronous_standby_names = '" + STANDBY + "'");
      before.execute("SELECT pg_reload_conf()");
    }
    String wanted = isSynchronous ? "sync" : "async";
    Await.until(
        LIMIT,
        "the standby is " + wanted,
        () ->
            before
                .queryString(
                    "SELECT coalesce(string_agg(sync_state, ' '), 'none') FROM pg_stat_replication WHERE state = 'streaming'")
                .equals(wanted));
  }

  PrivateServer primary() {
    return primary;
  }

  PrivateServer standby() {
    return standby;
  }

  /** The database on the primary. */
  TestDatabase before() {
    return before;
  }

  /** The same on the standby, once it is promoted. */
  TestDatabase after() {
    return after;
  }

  /** Leads to the one of both that takes writes. */
  String url() {
    return "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres?user=postgres&targetServerType=primary&hostRecheckSeconds=1"
        .formatted(primary.port(), standby.port());
  }

  /** Returns once the standby takes writes. */
  void promote() {
    after.execute("SELECT pg_promote(true, 120)");
    // What it replicates to is a setting of the primary's data, and nobody is there any more.
    after.execute("ALTER SYSTEM RESET synchronous_standby_names");
    after.execute("SELECT pg_reload_conf()");
    Await.until(
        LIMIT,
        standby::log,
        () -> after.queryString("SELECT pg_is_in_recovery()::text").equals("false"));
  }

  @Override
  public void close() {
    before.abandon();
    after.abandon();
    standby.close();
    primary.close();
  }
}
