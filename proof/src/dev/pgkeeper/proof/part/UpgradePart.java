package dev.pgkeeper.proof.part;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.migration.OlderSchema;
import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.check.Checks;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.proof.check.Verdict;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.proof.fault.Happened;
import dev.pgkeeper.proof.history.Operation;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The schema is of the version before the newest while everybody works, and is migrated under them,
 * which defines every function and view anew; then one client after the other is replaced.
 *
 * <p>There is no earlier library yet. What clients do here needs nothing of the newest version, so
 * the schema says of itself that it serves the present library, as it would serve the one before.
 */
public final class UpgradePart implements Part {
  private static final int CLIENTS = 3;
  private static final Duration WORK = Duration.ofSeconds(4);
  private static final Duration BETWEEN = Duration.ofSeconds(2);
  private static final Duration CALM = Duration.ofSeconds(6);

  /** A slow machine may take long for the migration; a call that waits for it does not fail. */
  private static final Duration PATIENCE = Await.LIMIT;

  private static final String ROLE = "application";

  private static final String SERVES_THE_PRESENT =
      "CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)"
          + " LANGUAGE sql IMMUTABLE AS 'SELECT %1$d, %1$d'";

  @Override
  public String name() {
    return "upgrade";
  }

  /** None has a number: it is a set-up that they leave out. */
  @Override
  public List<Integer> scenarios() {
    return List.of();
  }

  @Override
  public String summary() {
    return "the schema is migrated from the version before the newest while everybody works, then clients are replaced";
  }

  @Override
  public boolean isQuick() {
    return false;
  }

  @Override
  public Result run(Settings settings, Progress progress) throws Exception {
    int newest = Migrations.latest();
    try (PrivateServer server = PrivateServer.start(Ledger.SERVER_SETTINGS);
        TestDatabase database = TestDatabase.unmigratedOn(server)) {
      OlderSchema.make(database, newest - 1);
      // Those that were let in are given what is new.
      database.execute("CREATE ROLE " + ROLE);
      database.execute("CALL ${schema}.grant_application('" + ROLE + "')");
      List<Verdict> verdicts = new ArrayList<>();
      verdicts.add(
          verdict(
              "a library that needs a newer schema does not start, and says so",
              refusal(database)));
      database.execute(SERVES_THE_PRESENT.formatted(newest));
      try (Stage stage =
          new Staging(settings, name(), CLIENTS)
              .operationTimeout(PATIENCE)
              .open(database, client -> Stage.Access.to(server.jdbcUrl()))) {
        Script script = new Script(progress);
        script.work(WORK);
        script.once(
            Fault.MIGRATED,
            -1,
            "from %d to %d".formatted(newest - 1, newest),
            () -> Migrations.migrate(database.plainDataSource(), database.schema()));
        verdicts.add(
            verdict(
                "what is new is there beside clients that do not know it", useWhatIsNew(database)));
        script.work(BETWEEN);
        long undisturbed = Client.nowMicros();
        for (int client = 0; client < CLIENTS; client++) {
          int replaced = client;
          script.once(Fault.CLIENT_KILLED, client, "", () -> stage.fleet().replace(replaced));
          script.work(BETWEEN);
        }
        script.work(CALM);
        Result result =
            stage.conclude(name(), Checks.all(MixedRun.BACK), script.happened(), "", progress);
        List<Operation> operations =
            result.evidence() == null ? List.of() : result.evidence().history().operations();
        verdicts.add(
            verdict(
                "no operation fails because the schema is migrated",
                failures(operations, undisturbed)));
        verdicts.addAll(result.verdicts());
        return new Result(
            verdicts, List.of(cost(operations, script.happened().get(0))), result.evidence());
      }
    }
  }

  private static Finding refusal(TestDatabase database) {
    List<String> violations = new ArrayList<>();
    try (Keeper keeper = database.keeper()) {
      violations.add("session " + keeper.session().id() + " was opened");
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).contains("older than the")) {
        violations.add(e.getMessage());
      }
    }
    return new Finding(1, "library", violations);
  }

  /** What only the newest version has: a store that refuses an older token. */
  private static Finding useWhatIsNew(TestDatabase database) {
    try (Keeper keeper = database.keeper()) {
      var store = keeper.fencedStore("new");
      store.write("key", 1, new byte[] {1});
      if (store.read("key").isEmpty()) {
        return new Finding(1, "store", List.of("what was written is not there"));
      }
    }
    return new Finding(1, "store", List.of());
  }

  /** Nothing else went wrong until then. */
  private static Finding failures(List<Operation> operations, long until) {
    List<Operation> before =
        operations.stream().filter(operation -> operation.invoked() < until).toList();
    return new Finding(
        before.size(),
        "operations",
        before.stream()
            .filter(
                operation ->
                    operation.completed() < until && operation.result().equals("CONNECTION_LOSS"))
            .map(Operation::toString)
            .toList());
  }

  private static String cost(List<Operation> operations, Happened migration) {
    long slowest =
        operations.stream()
            .filter(
                operation ->
                    operation.isOk()
                        && operation.invoked() < migration.to()
                        && operation.completed() > migration.from())
            .mapToLong(operation -> operation.completed() - operation.invoked())
            .max()
            .orElse(0);
    return "The migration took %d ms; the slowest operation meanwhile took %d ms."
        .formatted((migration.to() - migration.from()) / 1000, slowest / 1000);
  }

  private Verdict verdict(String promise, Finding finding) {
    return new Verdict(name(), promise, scenarios(), finding, false);
  }
}
