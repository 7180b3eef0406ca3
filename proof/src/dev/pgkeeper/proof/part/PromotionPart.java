package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Check;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.check.LossChecks;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;

/**
 * The primary is killed while everybody works, and its standby promoted: a synchronous one, so that
 * nothing is lost, or an asynchronous one that had fallen behind, so that much is.
 */
public final class PromotionPart implements Part {
  private static final int CLIENTS = 3;
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
    try (Replicated servers = Replicated.start(Ledger.SERVER_SETTINGS, isSynchronous)) {
      TestDatabase database = servers.before();
      TestDatabase left = servers.after();
      try (Stage stage =
          new Staging(settings, name(), CLIENTS)
              .without(
                  () -> {
                    if (kind == Kind.UNPROTECTED) {
                      database.execute(Unprotected.SAME_NUMBERS);
                    }
                  })
              .open(database, client -> Stage.Access.to(servers.url()))) {
        Script script = new Script(progress);
        script.work(WORK);
        if (!isSynchronous) {
          servers.standby().stopFast();
          script.work(BEHIND);
        }
        script.once(
            Fault.PRIMARY_LOST,
            -1,
            "",
            () -> {
              servers.primary().kill9();
              if (!isSynchronous) {
                servers.standby().startAgain();
              }
              servers.promote();
            });
        script.work(CALM);
        if (kind == Kind.UNPROTECTED) {
          stage.workUntil(script.happened(), left, LossChecks.growth()::finds);
          return stage.concludeControl(
              name(), List.of(LossChecks.growth()), script.happened(), "", left);
        }
        stage.workUntil(script.happened(), left, LossChecks::areBack);
        return stage.conclude(name(), checks(), script.happened(), "", progress, left);
      }
    }
  }

  private List<Check> checks() {
    return isSynchronous ? Checks.all(MixedRun.BACK) : LossChecks.all(MixedRun.BACK);
  }
}
