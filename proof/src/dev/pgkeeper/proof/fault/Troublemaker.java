package dev.pgkeeper.proof.fault;

import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Makes faults, one after the other as planned, and writes down when they were. */
public final class Troublemaker {
  private static final Duration LATENCY = Duration.ofMillis(60);

  private static final Duration GLANCE = Duration.ofMillis(50);

  /** As many requests pass as each of the fates in which something is lost, times this. */
  private static final int PASSING = 25;

  private final PrivateServer server;
  private final TestDatabase database;
  private final TcpProxy network;
  private final Fleet fleet;
  private final Random random;
  private final Consumer<Happened> told;
  private final List<Happened> happened = new CopyOnWriteArrayList<>();

  /** What ends a fault. */
  @FunctionalInterface
  private interface End {
    void mend() throws Exception;
  }

  public Troublemaker(
      PrivateServer server,
      TestDatabase database,
      TcpProxy network,
      Fleet fleet,
      Random random,
      Consumer<Happened> told) {
    this.server = server;
    this.database = database;
    this.network = network;
    this.fleet = fleet;
    this.random = random;
    this.told = told;
  }

  /** Makes the faults of this plan, and returns when the last one is over. */
  public void carryOut(Plan plan) throws Exception {
    long began = System.nanoTime();
    for (Plan.Planned planned : plan.faults()) {
      Await.pause(
          Duration.ofNanos(Math.max(0, began + planned.at().toNanos() - System.nanoTime())));
      make(planned);
    }
  }

  public List<Happened> happened() {
    return List.copyOf(happened);
  }

  private void make(Plan.Planned planned) throws Exception {
    Fault fault = planned.fault();
    int client = Fault.at(Fault.Place.CLIENT).contains(fault) ? planned.client() : -1;
    long from = Client.nowMicros();
    End end = begin(fault, client, planned.length());
    if (!planned.length().isZero()) {
      Await.pause(planned.length());
    }
    end.mend();
    Happened done = new Happened(fault, client, from, Client.nowMicros());
    happened.add(done);
    told.accept(done);
  }

  private End begin(Fault fault, int client, Duration length) throws Exception {
    switch (fault) {
      case CLIENT_KILLED -> fleet.replace(client);
      case CLIENT_STOPPED_FOR_LONG, CLIENT_STOPPED_SHORTLY -> {
        fleet.pause(client);
        return () -> fleet.resume(client);
      }
      case SESSION_TERMINATED ->
          backends(client, "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")
              .forEach(pid -> PrivateServer.signal("TERM", pid));
      case POOL_TERMINATED ->
          backends(client, "true").forEach(pid -> PrivateServer.signal("TERM", pid));
      case BACKENDS_STOPPED -> {
        List<Long> stopped = backends(client, "true");
        stopped.forEach(pid -> PrivateServer.signal("STOP", pid));
        return () -> stopped.forEach(pid -> PrivateServer.signal("CONT", pid));
      }
      case POOL_EXHAUSTED -> fleet.send(client, "exhaust " + length.toMillis());
      case THREADS_BLOCKED -> fleet.send(client, "starve " + length.toMillis());
      case REPLIES_LOST -> {
        List<Fate> fates = TcpProxy.mix(PASSING * Fate.values().length);
        long before = met();
        network.decideBy(() -> fates.get(random.nextInt(fates.size())));
        return () -> {
          // On a slow machine few requests are made in a time.
          long began = System.nanoTime();
          while (met() == before && System.nanoTime() - began < Await.LIMIT.toNanos()) {
            Await.pause(GLANCE);
          }
          network.decideBy(() -> Fate.PASSES);
        };
      }
      case TO_SERVER_STALLED -> {
        network.stallToServer();
        return network::mend;
      }
      case TO_CLIENT_STALLED -> {
        network.stallToClient();
        return network::mend;
      }
      case CUT -> {
        network.cut();
        return network::mend;
      }
      case RESET -> network.resetAll();
      case HALF_OPEN -> {
        network.leaveHalfOpen();
        return network::mend;
      }
      case LATENCY -> {
        network.delay(LATENCY);
        return network::mend;
      }
      case SERVER_KILLED -> {
        server.kill9();
        return server::startAgain;
      }
      case SERVER_STOPPED_AT_ONCE -> {
        server.stopImmediate();
        return server::startAgain;
      }
      case SERVER_STOPPED_FAST -> {
        server.stopFast();
        return server::startAgain;
      }
      case SERVER_FROZEN -> {
        server.freeze();
        return server::resume;
      }
      case BACKEND_KILLED -> {
        backends(0, "true").stream()
            .findFirst()
            .ifPresent(pid -> PrivateServer.signal("KILL", pid));
        return this::awaitServer;
      }
      case ROWS_HELD -> {
        Connection holder = holdRows();
        return holder::close;
      }
      default -> throw new IllegalArgumentException(fault.name());
    }
    return () -> {};
  }

  /** The server processes of this client; none while the server is away. */
  private List<Long> backends(int client, String which) {
    List<Long> found = new ArrayList<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        var rows =
            statement.executeQuery(
                "SELECT pid FROM pg_stat_activity WHERE application_name = '%s' AND %s"
                    .formatted(fleet.name(client), which))) {
      while (rows.next()) {
        found.add(rows.getLong(1));
      }
    } catch (SQLException e) {
      // Another fault is under way: there is nobody that this one could meet.
    }
    return found;
  }

  private Connection holdRows() throws SQLException {
    Connection connection = database.connect();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "SELECT FROM %s.gathering WHERE path IN ('/lock/0', '/resource') ORDER BY path FOR UPDATE"
              .formatted(database.schema()));
    }
    return connection;
  }

  /** How many requests did not simply pass. */
  private long met() {
    return network.fates().entrySet().stream()
        .filter(each -> each.getKey() != Fate.PASSES)
        .mapToLong(each -> each.getValue().longValue())
        .sum();
  }

  private void awaitServer() {
    Await.until("the server takes connections again", database::takesConnections);
  }
}
