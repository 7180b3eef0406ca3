package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Clients in a network of their own, between which and the server packets are dropped: those of one
 * direction, those of the other, and all. Nobody is told, nothing is closed.
 */
public final class NetworkPart implements Part {
  private static final int CLIENTS = 3;

  /** The first that is not in that network, to take over from those who are. */
  private static final int OUTSIDE = 2;

  private static final Duration BETWEEN = Duration.ofSeconds(3);

  /** Past the timeout and the lease. */
  private static final Duration DROPPED = Duration.ofSeconds(5);

  private static final Duration CALM = Duration.ofSeconds(8);

  @Override
  public String name() {
    return "network";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1, 2, 3, 4, 7, 11, 14);
  }

  @Override
  public String summary() {
    return "packets between real network namespaces are dropped, one way and both ways";
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    try (Namespaces network = Namespaces.open()) {
      Map<String, String> listening = new HashMap<>(Ledger.SERVER_SETTINGS);
      listening.put("listen_addresses", "127.0.0.1," + network.serverAddress());
      try (PrivateServer server = PrivateServer.start(listening);
          TestDatabase database = TestDatabase.freshOn(server)) {
        letIn(server, database, network.clientNetwork());
        Stage.Access inside =
            new Stage.Access(
                server.jdbcUrl().replace("127.0.0.1", network.serverAddress()),
                ClientSettings.OF_THE_URL,
                network.surroundings());
        Stage.Access outside = Stage.Access.to(server.jdbcUrl());
        try (Stage stage =
            new Staging(settings, name(), CLIENTS)
                .open(database, client -> client < OUTSIDE ? inside : outside)) {
          Script script = new Script(progress);
          drop(script, network, Fault.PACKETS_FROM_SERVER_DROPPED, network::dropFromServer);
          drop(script, network, Fault.PACKETS_TO_SERVER_DROPPED, network::dropToServer);
          drop(
              script,
              network,
              Fault.PACKETS_DROPPED,
              () -> {
                network.dropFromServer();
                network.dropToServer();
              });
          script.work(CALM);
          return stage.conclude(name(), Checks.all(MixedRun.BACK), script.happened(), "", progress);
        }
      }
    }
  }

  private static void letIn(PrivateServer server, TestDatabase database, String network)
      throws java.io.IOException {
    Files.writeString(
        server.dataDirectory().resolve("pg_hba.conf"),
        "host all all " + network + " trust\n",
        StandardOpenOption.APPEND);
    database.execute("SELECT pg_reload_conf()");
  }

  private static void drop(Script script, Namespaces network, Fault fault, Script.Action dropping)
      throws Exception {
    script.work(BETWEEN);
    script.during(fault, -1, "", DROPPED, dropping, network::letAllPass);
  }
}
