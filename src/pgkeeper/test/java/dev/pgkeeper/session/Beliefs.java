package dev.pgkeeper.session;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Asks every client all the time whether it holds its session, beside a reaper that never rests.
 * Later it compares the answers with the moments at which the database ended the sessions.
 */
final class Beliefs implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final Duration GRACE = Duration.ofMillis(300);

  private final TestDatabase database;
  private final SessionLog log;
  private final long aheadMicros;
  private final List<Supplier<@Nullable Session>> clients = new CopyOnWriteArrayList<>();
  private final Map<Long, Long> lastBelievedMicros = new ConcurrentHashMap<>();
  private final CompletableFuture<Boolean> observer;
  private final CompletableFuture<Boolean> reaper;
  private volatile boolean stopped;

  Beliefs(TestDatabase database) throws SQLException {
    this.database = database;
    log = SessionLog.of(database);
    log.putEpochBack();
    aheadMicros = databaseClockAheadMicros();
    observer = Futures.onThread(this::observe);
    reaper = Futures.onThread(this::reap);
  }

  /** A client whose session ends soon after this network fails. */
  static Keeper connect(TestDatabase database, TcpProxy network, boolean leaseOnly) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(network.through(database.jdbcUrl()));
    source.setSocketTimeout(1);
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withTimeout(TIMEOUT)
            .withGrace(GRACE)
            .withOperationTimeout(Duration.ofSeconds(5));
    return Insist.on(() -> Keeper.connect(source, leaseOnly ? options.withLeaseOnly() : options));
  }

  /** Asks this client too, about the session that it has then, if it has one. */
  void askAlso(Supplier<@Nullable Session> client) {
    clients.add(client);
  }

  /** Whether the client of this session was seen to hold it. */
  boolean wasBelievedIn(long session) {
    return lastBelievedMicros.containsKey(session);
  }

  /** What the database has of this session, and who keeps it, for whoever has to find out why. */
  String seenOf(long session) {
    return database.queryString(
        "SELECT concat_ws(E'\\n', (SELECT s::text FROM ${schema}.session s WHERE id = "
            + session
            + "), (SELECT string_agg(concat_ws(' ', pid, state, wait_event_type, wait_event,"
            + " pg_blocking_pids(pid), query), E'\\n') FROM pg_stat_activity WHERE query LIKE '%${schema}%'))");
  }

  /** Whether the database ended this session. */
  boolean hasEnded(long session) {
    return log.endedAtMicros(session) != 0;
  }

  /** Returns how many sessions ended that their clients were seen to hold. */
  long ended() {
    return lastBelievedMicros.keySet().stream().filter(this::hasEnded).count();
  }

  /** Whether it stopped by a failure of its own, which {@link #close} throws. */
  boolean hasFailed() {
    return observer.isCompletedExceptionally() || reaper.isCompletedExceptionally();
  }

  /** Returns one text for each client that held a session which the database had ended. */
  List<String> violations() {
    List<String> violations = new ArrayList<>();
    lastBelievedMicros.forEach(
        (session, believed) -> {
          long ended = log.endedAtMicros(session);
          if (ended != 0 && believed >= ended) {
            violations.add(
                "session %d ended at %d, and its client held it at %d"
                    .formatted(session, ended, believed));
          }
        });
    return violations;
  }

  private boolean observe() {
    while (!stopped) {
      for (Supplier<@Nullable Session> client : clients) {
        Session session = client.get();
        if (session != null) {
          long asked = nowMicros() + aheadMicros;
          if (session.isHeld()) {
            lastBelievedMicros.put(session.id(), asked);
          }
        }
      }
      Await.pause(Duration.ofMillis(1));
    }
    return true;
  }

  private boolean reap() throws SQLException {
    try (Connection connection = database.connect();
        CallableStatement call =
            connection.prepareCall("CALL " + database.schema() + ".reap(100, NULL, NULL, NULL)")) {
      while (!stopped) {
        call.execute();
        Await.pause(Duration.ofMillis(5));
      }
    }
    return true;
  }

  /** Returns by how much the clock of the database is ahead, at least. */
  private long databaseClockAheadMicros() throws SQLException {
    long least = Long.MIN_VALUE;
    try (Connection connection = database.connect()) {
      for (int i = 0; i < 20; i++) {
        try (Statement statement = connection.createStatement();
            ResultSet row =
                statement.executeQuery(
                    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")) {
          row.next();
          least = Math.max(least, row.getLong(1) - nowMicros());
        }
      }
    }
    return least;
  }

  private static long nowMicros() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
  }

  /** Ends both threads. */
  @Override
  public void close() throws Exception {
    stopped = true;
    Futures.soon(observer);
    Futures.soon(reaper);
  }
}
