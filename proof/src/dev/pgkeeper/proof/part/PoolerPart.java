package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import dev.pgkeeper.testing.PgBouncer;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;

/**
 * PgBouncer in transaction mode between clients and server: two clients with a connection of their
 * own past it, two that have none and poll.
 */
public final class PoolerPart implements Part {
  private static final int CLIENTS = 4;

  /** The first of those who poll. */
  private static final int POLLING = 2;

  private static final Duration BETWEEN = Duration.ofSeconds(3);
  private static final Duration CALM = Duration.ofSeconds(8);

  /** Connections to the server that the clients share; fewer than they have threads. */
  private static final int POOL = 16;

  @Override
  public String name() {
    return "pooler";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1, 2, 3, 4, 8, 9, 10, 14, 15);
  }

  @Override
  public String summary() {
    return "PgBouncer in transaction mode: with a connection past it, and with nothing but polling";
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    if (!PgBouncer.isInstalled()) {
      throw new Unavailable("there is no pgbouncer on this machine: apt-get install pgbouncer");
    }
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server);
        PgBouncer bouncer = PgBouncer.start(server, "transaction", POOL);
        Stage stage =
            new Staging(settings, name(), CLIENTS)
                .open(
                    database,
                    client ->
                        new Stage.Access(
                            bouncer.jdbcUrl() + "&prepareThreshold=0",
                            client < POLLING ? server.jdbcUrl() : ClientSettings.NONE,
                            Surroundings.NONE))) {
      Script script = new Script(progress);
      for (int client : new int[] {POLLING, 0}) {
        script.work(BETWEEN);
        script.once(Fault.CLIENT_KILLED, client, "", () -> stage.fleet().replace(client));
        script.work(BETWEEN);
        script.during(
            Fault.CLIENT_STOPPED_FOR_LONG,
            client + 1,
            "",
            Stage.TIMEOUT.multipliedBy(2),
            () -> stage.fleet().pause(client + 1),
            () -> stage.fleet().resume(client + 1));
        script.once(
            Fault.POOL_TERMINATED,
            -1,
            "those of the pooler",
            () ->
                database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                        + " AND pid <> pg_backend_pid()"));
      }
      script.work(CALM);
      return stage.conclude(name(), Checks.all(MixedRun.BACK), script.happened(), "", progress);
    }
  }
}
