package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The disk of the server's log is full while everybody works: the server ends its processes, cannot
 * recover until there is room, and, if it gave up, is started again.
 */
public final class DiskPart implements Part {
  private static final int CLIENTS = 3;
  private static final Duration WORK = Duration.ofSeconds(4);
  private static final Duration LIMIT = Await.LIMIT;
  private static final Duration FULL = Duration.ofSeconds(2);
  private static final Duration CALM = Duration.ofSeconds(8);

  @Override
  public String name() {
    return "disk";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(20);
  }

  @Override
  public String summary() {
    return "no room is left for the server's log: it stops, and comes back once there is";
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    Map<String, String> small = new HashMap<>(Ledger.SERVER_SETTINGS);
    small.put("max_wal_size", "64MB");
    small.put("min_wal_size", "32MB");
    try (SmallDisk disk = SmallDisk.mount();
        PrivateServer server = PrivateServer.start(small)) {
      server.stopFast();
      disk.take(server.dataDirectory().resolve("pg_wal"));
      server.startAgain();
      try (TestDatabase database = TestDatabase.freshOn(server);
          Stage stage =
              new Staging(settings, name(), CLIENTS)
                  .open(database, client -> Stage.Access.to(server.jdbcUrl()))) {
        Script script = new Script(progress);
        script.work(WORK);
        script.during(
            Fault.DISK_FULL,
            -1,
            "",
            FULL,
            () -> {
              disk.fill();
              Await.until(LIMIT, "the server is in trouble", () -> isInTrouble(server, database));
            },
            () -> {
              disk.free();
              awaitServer(server, database);
            });
        script.work(CALM);
        return stage.conclude(name(), Checks.all(MixedRun.BACK), script.happened(), "", progress);
      }
    }
  }

  /** Asks for room until there is none. */
  private static boolean isInTrouble(PrivateServer server, TestDatabase database) {
    try {
      database.execute(
          "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000)), pg_switch_wal()");
      return false;
    } catch (IllegalStateException e) {
      // It has ended, or tries to recover, again and again.
      return !server.isRunning() || server.log().contains("No space left on device");
    }
  }

  /** It comes back by itself, unless it has given up. */
  private static void awaitServer(PrivateServer server, TestDatabase database) {
    Await.until(
        LIMIT,
        server::log,
        () -> {
          if (!server.isRunning()) {
            server.startAgain();
          }
          return database.takesConnections();
        });
  }
}
