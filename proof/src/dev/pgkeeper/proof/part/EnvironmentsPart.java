package dev.pgkeeper.proof.part;

import dev.pgkeeper.environment.Environment;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Clients in every environment: each one that is killed is followed by one in the next environment,
 * so that each works beside three others, and dies. Meanwhile connections are terminated, and the
 * server is killed. The defaults of the server, and of the database, come last, for all that are
 * there.
 */
public final class EnvironmentsPart implements Part {
  private static final int CLIENTS = 4;
  private static final Duration BETWEEN = Duration.ofMillis(1500);
  private static final Duration CALM = Duration.ofSeconds(8);

  /** The part kills the server each time it has replaced so many clients. */
  private static final int CLIENTS_A_KILL = 9;

  private static final Duration DOWN = Duration.ofMillis(500);

  @Override
  public String name() {
    return "environments";
  }

  @Override
  public List<Integer> scenarios() {
    return List.of(1, 2, 3, 4, 8, 9, 10, 14, 15);
  }

  @Override
  public String summary() {
    return "clients in every environment: isolation, autocommit, read-only pools, limits of roles, JIT";
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.freshOn(server)) {
      ClientRoles roles = new ClientRoles(database);
      roles.keepTheWorksOwn();
      List<Environment> environments = new ArrayList<>();
      List<String> last = new ArrayList<>();
      for (Environment environment : known()) {
        List<String> arranged = roles.arranged(environment);
        if (arranged.stream().anyMatch(sql -> sql.startsWith("ALTER DATABASE"))) {
          last.addAll(arranged);
        } else {
          arranged.forEach(database::execute);
          environments.add(environment);
        }
      }
      Collections.shuffle(environments, settings.random(name()));
      progress.say(environments.size() + " environments of clients, " + last.size() + " of all");
      try (Stage stage =
          new Staging(settings, name(), CLIENTS)
              .environments(client -> of(client, environments).name())
              .open(database, client -> Stage.Access.to(server.jdbcUrl()))) {
        Script script = new Script(progress);
        for (int next = CLIENTS; next < environments.size(); next++) {
          script.work(BETWEEN);
          replace(script, stage, next % CLIENTS, environments.get(next).name());
          script.work(BETWEEN);
          terminate(script, stage, database, (next + 1) % CLIENTS);
          if (next % CLIENTS_A_KILL == 0) {
            script.during(Fault.SERVER_KILLED, -1, "", DOWN, server::kill9, server::startAgain);
          }
        }
        for (String level : List.of("repeatable read", "serializable", "read committed")) {
          script.work(BETWEEN);
          roles.changeUnderAll(script, level);
          script.work(BETWEEN);
        }
        for (String setting : last) {
          script.once(Fault.DEFAULT_CHANGED, -1, setting, () -> database.execute(setting));
          for (int client = 0; client < CLIENTS; client++) {
            script.work(BETWEEN);
            replace(script, stage, client, setting);
          }
        }
        script.work(CALM);
        return stage.conclude(name(), Checks.all(MixedRun.BACK), script.happened(), "", progress);
      }
    }
  }

  private static void replace(Script script, Stage stage, int client, String then)
      throws Exception {
    script.once(Fault.CLIENT_KILLED, client, then, () -> stage.fleet().replace(client));
  }

  private static void terminate(Script script, Stage stage, TestDatabase database, int client)
      throws Exception {
    script.once(
        Fault.POOL_TERMINATED,
        client,
        "",
        () ->
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '"
                    + stage.fleet().name(client)
                    + "'"));
  }

  /** The environment of a process, whose name is its place and how many it has been there. */
  private static Environment of(String client, List<Environment> environments) {
    String[] parts = client.substring(1).split("\\.");
    int turn = Integer.parseInt(parts[0]) + CLIENTS * (Integer.parseInt(parts[1]) - 1);
    return environments.get(turn % environments.size());
  }

  private static List<Environment> known() {
    int major = PrivateServer.major();
    return List.of(Environment.values()).stream().filter(each -> each.isKnownTo(major)).toList();
  }
}
