package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Settings;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.proof.client.Pace;
import dev.pgkeeper.proof.fault.Fleet;
import dev.pgkeeper.proof.fault.Pulse;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * How a {@link Stage} is set: clients that use everything the library offers and rest as little as
 * in a short run, unless something else is chosen.
 */
final class Staging {
  private final Path histories;
  private final int clients;
  private final String part;
  private Random random;
  private String mode = Stage.PROTECTED;
  private Duration sweep = Stage.SWEEP;
  private Duration operationTimeout = Duration.ofSeconds(6);
  private Pace pace = Pace.BRISK;
  private Runnable protections = () -> {};
  private UnaryOperator<String> environments = name -> ClientSettings.ANY;

  /** So many clients, with a directory and a generator of the part's own. */
  Staging(Settings settings, String part, int clients) {
    this.histories = settings.histories(part);
    this.clients = clients;
    this.part = part;
    this.random = settings.random(part);
  }

  /** Draws from a generator from which more than this is drawn. */
  Staging drawingFrom(Random shared) {
    this.random = shared;
    return this;
  }

  /** What clients do differently, in words of theirs. */
  Staging mode(String mode) {
    this.mode = mode;
    return this;
  }

  /** How often clients look whether they missed something. */
  Staging sweep(Duration sweep) {
    this.sweep = sweep;
    return this;
  }

  /** For how long a call of a client retries while the database is away. */
  Staging operationTimeout(Duration operationTimeout) {
    this.operationTimeout = operationTimeout;
    return this;
  }

  Staging pace(Pace pace) {
    this.pace = pace;
    return this;
  }

  /** In which environment each process lives, by its name. */
  Staging environments(UnaryOperator<String> environments) {
    this.environments = environments;
    return this;
  }

  /** Switches protections of the database off, once all tables are there. */
  Staging without(Runnable protections) {
    this.protections = protections;
    return this;
  }

  /** Returns once the clients work. */
  Stage open(TestDatabase database, IntFunction<Stage.Access> accesses)
      throws IOException, InterruptedException {
    Files.createDirectories(histories);
    Ledger.open(database);
    protections.run();
    Fleet fleet =
        Fleet.start(
            clients,
            (client, name) ->
                new ClientSettings(
                    patient(accesses.apply(client).url()),
                    accesses.apply(client).listener(),
                    database.schema(),
                    name,
                    histories.resolve(name).toString(),
                    random.nextLong(),
                    mode,
                    Stage.TIMEOUT,
                    Stage.GRACE,
                    sweep,
                    operationTimeout,
                    pace,
                    environments.apply(name)),
            client -> accesses.apply(client).surroundings());
    return new Stage(
        database, histories, fleet, Pulse.begin(histories.resolveSibling(part + ".pulse")));
  }

  /** A connection that is half open ends some time, as an application's should. */
  private static String patient(String url) {
    return url + "&socketTimeout=10&connectTimeout=5&tcpKeepAlive=true";
  }
}
