package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Check;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.check.LossChecks;
import dev.pgkeeper.proof.client.Pace;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;

/**
 * The primary is killed while everybody works, and its standby promoted: a synchronous one, so that
 * nothing is lost, or an asynchronous one that had fallen behind, so that much is.
 */
public final class PromotionPart implements Part {
  private static final int CLIENTS = 3;
  private static final String STANDBY = "second";
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration WORK = Duration.ofSeconds(4);

  /** For so long the standby is away before the primary is lost. */
  private static final Duration BEHIND = Duration.ofMillis(1500);

  private static final Duration CALM = Duration.ofSeconds(8);

  /** How the standby stands to its primary. */
  enum Kind {
    ASYNCHRONOUS(
        "promotion-async",
        "the primary is killed, an asynchronous standby that is behind promoted: losses are told, tokens do not repeat"),
    SYNCHRONOUS(
        "promotion-sync",
        "the primary is killed, its synchronous standby promoted: everything holds"),
    /** The numbers are not raised past those that can have been lost. */
    UNPROTECTED(
        "promotion-control",
        "the asynchronous one without what keeps tokens from repeating: they have to be found to repeat");

    private final String name;
    private final String summary;

    Kind(String name, String summary) {
      this.name = name;
      this.summary = summary;
    }
  }

  private final Kind kind;
  private final boolean isSynchronous;

  PromotionPart(Kind kind) {
    this.kind = kind;
    this.isSynchronous = kind == Kind.SYNCHRONOUS;
  }

  @Override
  public String name() {
    return kind.name;
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(19);
  }

  @Override
  public String summary() {
    return kind.summary;
  }

  @Override
  public boolean isQuick() {
    return kind == Kind.ASYNCHRONOUS;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    try (PrivateServer primary = PrivateServer.start(Ledger.SERVER_SETTINGS);
        PrivateServer standby = PrivateServer.standbyOf(primary, STANDBY)) {
      TestDatabase database = TestDatabase.freshOn(primary);
      if (isSynchronous) {
        database.execute("ALTER SYSTEM SET synchronous_standby_names = '" + STANDBY + "'");
        database.execute("SELECT pg_reload_conf()");
      }
      awaitStandby(database);
      TestDatabase left = database.on(standby);
      try (Stage stage =
          Stage.open(
              database,
              settings.output().resolve(name()),
              CLIENTS,
              Stage.PROTECTED,
              Stage.SWEEP,
              Pace.BRISK,
              settings.random(name()),
              () -> {
                if (kind == Kind.UNPROTECTED) {
                  database.execute(Unprotected.SAME_NUMBERS);
                }
              },
              client -> Stage.Access.to(eitherOf(primary, standby)))) {
        Script script = new Script(progress);
        script.work(WORK);
        if (!isSynchronous) {
          standby.stopFast();
          script.work(BEHIND);
        }
        script.once(
            Fault.PRIMARY_LOST,
            -1,
            "",
            () -> {
              primary.kill9();
              if (!isSynchronous) {
                standby.startAgain();
              }
              promote(left, standby);
            });
        script.work(CALM);
        if (kind == Kind.UNPROTECTED) {
          return new Result(
              Stage.judge(
                  name(), List.of(LossChecks.growth()), stage.end(script.happened(), left), true),
              List.of(),
              null);
        }
        return stage.conclude(name(), checks(), script.happened(), "", progress, left);
      } finally {
        database.abandon();
        left.abandon();
      }
    }
  }

  private List<Check> checks() {
    return isSynchronous ? Checks.all(MixedRun.BACK) : LossChecks.all(MixedRun.BACK);
  }

  private static String eitherOf(PrivateServer primary, PrivateServer standby) {
    return "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres?user=postgres&targetServerType=primary&hostRecheckSeconds=1"
        .formatted(primary.port(), standby.port());
  }

  private void awaitStandby(TestDatabase database) {
    String wanted = isSynchronous ? "sync" : "async";
    Await.until(
        LIMIT,
        "the standby is " + wanted,
        () ->
            database
                .queryString(
                    "SELECT coalesce(string_agg(sync_state, ' '), 'none') FROM pg_stat_replication WHERE state = 'streaming'")
                .equals(wanted));
  }

  private static void promote(TestDatabase left, PrivateServer standby) {
    left.execute("SELECT pg_promote(true, 30)");
    // What it replicates to is a setting of the primary's data, and nobody is there any more.
    left.execute("ALTER SYSTEM RESET synchronous_standby_names");
    left.execute("SELECT pg_reload_conf()");
    Await.until(
        LIMIT,
        standby::log,
        () -> left.queryString("SELECT pg_is_in_recovery()::text").equals("false"));
  }
}
