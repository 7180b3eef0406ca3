package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.LossChecks;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.RestoredDump;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;

/**
 * The database is dumped while everybody works, and lost later: with all that was done since, and
 * that clients were told of. They come back to what is restored.
 */
public final class RestorePart implements Part {
  private static final int CLIENTS = 3;
  private static final Duration WORK = Duration.ofSeconds(4);

  /** For longer than clients remember what they gave back last. */
  private static final Duration LOST = Duration.ofSeconds(12);

  private static final Duration CALM = Duration.ofSeconds(10);

  /** Some locks are held all the while. */
  private static final String MODE = Stage.PROTECTED + ",keeps";

  /** Where the dump goes. */
  enum Kind {
    ELSEWHERE(
        "restore",
        "the server is lost, a dump of it restored into another one: losses are told, tokens do not repeat"),
    IN_PLACE(
        "restore-in-place",
        "a dump is restored into the cluster that it is from, with the step that the guide asks for: the same"),
    /** The step of the guide is left out, and clients do not care what they are told. */
    UNPROTECTED(
        "restore-control",
        "a dump is restored without that step, and nobody listens: both have to be found");

    private final String name;
    private final String summary;

    Kind(String name, String summary) {
      this.name = name;
      this.summary = summary;
    }
  }

  private final Kind kind;

  RestorePart(Kind kind) {
    this.kind = kind;
  }

  @Override
  public String name() {
    return kind.name;
  }

  /** None has a number: it is a set-up that they leave out. */
  @Override
  public List<Integer> scenarios() {
    return List.of();
  }

  @Override
  public String summary() {
    return kind.summary;
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Dump.check(settings.server());
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS)) {
      if (kind != Kind.ELSEWHERE) {
        return run(settings, progress, server, server);
      }
      try (PrivateServer other = PrivateServer.start(Ledger.SERVER_SETTINGS)) {
        Dump.takeAway(other);
        return run(settings, progress, server, other);
      }
    }
  }

  private Result run(
      Settings settings, Progress progress, PrivateServer server, PrivateServer target)
      throws Exception {
    TestDatabase database = TestDatabase.freshOn(server);
    TestDatabase left = database.on(target);
    String step = kind == Kind.IN_PLACE ? RestoredDump.newEpoch(database.schema()) : "";
    try (Stage stage =
        new Staging(settings, name(), CLIENTS)
            .mode(kind == Kind.UNPROTECTED ? MODE + ",deaf" : MODE)
            .open(database, client -> Stage.Access.to(url(server, target)))) {
      Script script = new Script(progress);
      script.work(WORK);
      try (Dump dump = Dump.of(server)) {
        progress.say("  dumped; what is done from now on will be lost");
        script.work(LOST);
        script.once(
            Fault.RESTORED,
            -1,
            "",
            () -> {
              if (target == server) {
                Dump.takeAway(server);
              } else {
                server.kill9();
              }
              dump.restoreInto(target, step);
            });
      }
      script.work(CALM);
      if (kind == Kind.UNPROTECTED) {
        stage.workUntil(
            script.happened(),
            left,
            evidence -> LossChecks.growth().finds(evidence) && LossChecks.told().finds(evidence));
        return stage.concludeControl(
            name(), List.of(LossChecks.growth(), LossChecks.told()), script.happened(), "", left);
      }
      stage.workUntil(script.happened(), left, LossChecks::areBack);
      return stage.conclude(
          name(), LossChecks.all(MixedRun.BACK), script.happened(), "", progress, left);
    } finally {
      database.abandon();
      left.abandon();
    }
  }

  /** Clients go to the other one once the first one is gone. */
  private static String url(PrivateServer server, PrivateServer target) {
    return server == target
        ? server.jdbcUrl()
        : "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres?user=postgres&hostRecheckSeconds=1"
            .formatted(server.port(), target.port());
  }
}
