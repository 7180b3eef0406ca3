package dev.pgkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Logins;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A stranger may connect and do nothing else: PostgreSQL lets it take any advisory lock, and shows
 * it which are taken. Sessions end in time all the same, and new ones are opened. What a stranger
 * has is told apart from what a client has that only looks like it.
 */
class StrangersTest {
  /** So long that nothing here happens because a lease is over. */
  private static final String LEASE_MS = "3600000";

  private static PrivateServer server;
  private static TestDatabase database;
  private static Logins logins;

  private final List<Connection> opened = new ArrayList<>();

  @BeforeAll
  static void start() {
    server = PrivateServer.start(Map.of("max_prepared_transactions", "5"));
    database = TestDatabase.freshOn(server);
    SessionLog.of(database).putEpochBack();
    logins = Logins.ofEveryKind(database);
  }

  @AfterAll
  static void stop() {
    database.close();
    server.close();
  }

  @AfterEach
  void closeConnections() throws SQLException {
    for (Connection connection : opened) {
      connection.close();
    }
  }

  private Connection as(String login) throws SQLException {
    Connection connection = logins.connect(login);
    opened.add(connection);
    return connection;
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql.replace("${schema}", database.schema()))) {
      row.next();
      return row.getLong(1);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql.replace("${schema}", database.schema()));
    }
  }

  /** On a connection of its own, as a client opens it. */
  private static long openSession(Connection connection) throws SQLException {
    return number(
        connection,
        "SELECT ${schema}.session_open(" + LEASE_MS + ", 300, true, 'client', 'here', 1)");
  }

  /** What a stranger sees of the advisory locks of a backend. */
  private static long keySeen(Connection stranger, long backend) throws SQLException {
    return number(
        stranger,
        "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = "
            + backend);
  }

  private static long backend(Connection connection) throws SQLException {
    return number(connection, "SELECT pg_backend_pid()");
  }

  private static void awaitEnd(long session) {
    Await.until(
        "the session is ended",
        () -> {
          database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
          return database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + session)
              == 0;
        });
  }

  private static boolean hasAdvisoryLock(long backend) {
    return database.queryLong(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = "
                + backend)
        > 0;
  }

  private static CompletableFuture<Void> later(Connection connection, String sql) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            execute(connection, sql);
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /** The holder is killed, and its lock goes on to who waits for it, in the time of a grace. */
  @Test
  void aStrangerWhoTakesTheLockOfADeadClientsConnectionDoesNotKeepItAlive() throws Exception {
    Connection client = logins.connect("application");
    long session = openSession(client);
    long token =
        number(
            client,
            "SELECT (outcome).number FROM ${schema}.request_join("
                + session
                + ", 1, 1, '/strangers/lock', 'mutex', 1, 'lock', false, NULL, '', 7)");
    Connection stranger = as("nobody");
    long key = keySeen(stranger, backend(client));
    CompletableFuture<Void> taken = later(stranger, "SELECT pg_advisory_lock_shared(" + key + ")");
    KeeperOptions options = database.keeperOptions().withSweep(Duration.ofMillis(500));
    try (Keeper other = Keeper.connect(logins.dataSource("application"), options)) {
      CompletableFuture<Held> waiting = other.lock("/strangers/lock").acquireAsync();
      client.close();
      try (Held held = waiting.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        assertThat(held.token()).isGreaterThan(token);
      }
      taken.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  /** It saw the key while the client had it, for as long as a transaction lasted. */
  @Test
  void aStrangerWhoTakesTheLockThatCreatorsShareKeepsNoSessionFromEnding() throws Exception {
    for (boolean shared : new boolean[] {true, false}) {
      Connection client = logins.connect("application");
      long session = openSession(client);
      Connection stranger = as("nobody");
      long key = ownerKeySeen(stranger, session);
      execute(stranger, "SELECT pg_advisory_lock" + (shared ? "_shared(" : "(") + key + ")");
      client.close();
      awaitEnd(session);
      assertThat(hasAdvisoryLock(backend(stranger))).isTrue();
    }
  }

  /** A transaction of the session's that owns something; while it lasts, pg_locks shows the key. */
  private long ownerKeySeen(Connection stranger, long session) throws SQLException {
    Connection creator = as("application");
    creator.setAutoCommit(false);
    execute(
        creator,
        "SELECT ${schema}.create('/strangers-e-', '', 'ephemeral', true, " + session + ")");
    long key = keySeen(stranger, backend(creator));
    creator.commit();
    return key;
  }

  @Test
  void aStrangersPreparedTransactionKeepsNoSessionFromEnding() throws SQLException {
    Connection client = logins.connect("application");
    long session = openSession(client);
    Connection stranger = as("nobody");
    long key = ownerKeySeen(stranger, session);
    stranger.setAutoCommit(false);
    execute(stranger, "SELECT pg_advisory_xact_lock_shared(" + key + ")");
    execute(stranger, "PREPARE TRANSACTION 'a stranger''s'");
    stranger.setAutoCommit(true);
    client.close();
    awaitEnd(session);
    execute(stranger, "ROLLBACK PREPARED 'a stranger''s'");
  }

  /** Who may write is waited for, also where only the role that it has become may. */
  @Test
  void aClientsTransactionIsWaitedForWhateverItsLoginIs() throws SQLException {
    for (String login : List.of("application", "becoming", "prepared")) {
      Connection client = logins.connect("application");
      long session = openSession(client);
      if (login.equals("becoming")) {
        logins.create(login);
        database.execute("ALTER ROLE %s NOINHERIT".formatted(logins.role(login)));
        database.execute(
            "GRANT %s TO %s".formatted(logins.role("application"), logins.role(login)));
      }
      Connection creator = as(login.equals("prepared") ? "application" : login);
      execute(creator, "SET ROLE " + logins.role("application"));
      creator.setAutoCommit(false);
      execute(creator, "SET LOCAL ${schema}.rings = off");
      execute(creator, "SELECT ${schema}.create('/kept-', '', 'ephemeral', true, " + session + ")");
      if (login.equals("prepared")) {
        execute(creator, "PREPARE TRANSACTION 'a client''s'");
      }
      client.close();
      Await.until(
          "its time is over",
          () -> {
            database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
            return database.queryLong(
                    "SELECT count(*) FROM ${schema}.session WHERE suspected < clock_timestamp() - interval '1 s' AND id = "
                        + session)
                == 1;
          });
      database.execute("CALL ${schema}.reap(100, NULL, NULL, NULL)");
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + session))
          .as(login)
          .isOne();
      if (login.equals("prepared")) {
        creator.setAutoCommit(true);
        execute(creator, "COMMIT PREPARED 'a client''s'");
      } else {
        creator.commit();
      }
      awaitEnd(session);
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.node WHERE owner = " + session))
          .as("left behind by " + login)
          .isZero();
    }
  }

  /**
   * From the moment that its time is over: so nothing is left behind of it, whoever has which lock.
   */
  @Test
  void nothingIsCreatedForASessionWhoseTimeIsOver() throws SQLException {
    Connection client = logins.connect("application");
    long session = openSession(client);
    database.execute(
        "UPDATE ${schema}.session SET suspected = clock_timestamp() - interval '1 hour' WHERE id = "
            + session);
    Connection other = as("application");
    for (String call :
        List.of(
            "SELECT (code = 'session_expired')::integer FROM ${schema}.create('/over-', '', 'ephemeral', true, %d)",
            "SELECT ((outcome).code = 'session_expired')::integer FROM ${schema}.request_join(%d, 1, 1, '/over/l', 'mutex', 1, 'lock', false, NULL, '', 7)",
            "SELECT ((outcome).code = 'session_expired')::integer FROM ${schema}.request_join(%d, 1, 2, '/over/s', 'semaphore', 3, '1', false, NULL, '', 7)")) {
      assertThat(number(other, call.formatted(session))).as(call).isOne();
    }
    client.close();
  }

  @Test
  void aStrangerWhoHasTheLockOfCreatorsKeepsThemWaitingTwoSecondsAndNoLonger() throws Exception {
    Connection client = as("application");
    long session = openSession(client);
    Connection stranger = as("nobody");
    execute(stranger, "SELECT pg_advisory_lock(" + ownerKeySeen(stranger, session) + ")");
    Connection creator = as("application");
    creator.setAutoCommit(false);
    assertThat(
            number(
                creator,
                "SELECT (code = 'ok')::integer FROM ${schema}.create('/kept-out-', '', 'ephemeral', true, "
                    + session
                    + ")"))
        .isOne();
    CompletableFuture<Void> ending =
        later(as("application"), "SELECT ${schema}.session_end(" + session + ")");
    client.close();
    execute(stranger, "SELECT pg_advisory_unlock_all()");
    Await.until(
        "the end waits for the creator",
        () -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
    creator.commit();
    ending.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.node WHERE owner = " + session))
        .isZero();
  }

  /** What it had taken of a queue goes back a little later then. */
  @Test
  void aStrangerWhoTakesTheLocksOfAQueueKeepsNoConsumersSessionFromEnding() throws Exception {
    database.execute("SELECT ${schema}.queue_create('strange')");
    database.execute(
        "SELECT ${schema}.enqueue('strange', 'a', in_key => 'k'), ${schema}.enqueue('strange', 'b')");
    Connection client = logins.connect("application");
    long session = openSession(client);
    assertThat(
            number(
                client,
                "SELECT cardinality(messages) FROM ${schema}.take("
                    + session
                    + ", 1, 'strange', 2, NULL, false, NULL, NULL, NULL, false, false)"))
        .isEqualTo(2);
    Connection stranger = as("nobody");
    for (String what :
        List.of(
            "_idle_key(k, 'strange')",
            "_message_key_key(k, q.id, 'k')",
            "_lane_key(k, q.id, 0::smallint)")) {
      long key =
          database.queryLong(
              "SELECT ${schema}."
                  + what
                  + " FROM ${schema}.secret k, ${schema}.queue q WHERE q.name = 'strange'");
      execute(stranger, "SELECT pg_advisory_lock(" + key + ")");
    }
    client.close();
    awaitEnd(session);
    execute(stranger, "SELECT pg_advisory_unlock_all()");
    Await.until(
        "both wait again",
        () -> {
          database.execute("SELECT ${schema}.queue_tidy('{strange}')");
          return database.queryLong(
                  "SELECT count(*) FROM ${schema}.message m JOIN ${schema}.queue q ON q.id = m.queue WHERE q.name = 'strange'")
              == 2;
        });
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.claim")).isZero();
  }

  /** It may be waited behind, whatever a stranger has. */
  @Test
  void aStrangerWhoHasTheLockOfAHoldersSessionKeepsNobodyFromJoiningTheLine() throws Exception {
    Connection client = as("application");
    long holder = openSession(client);
    Connection other = as("application");
    long waiter = openSession(other);
    String join =
        "SELECT (outcome).granted::integer FROM ${schema}.request_join(%d, 1, 1, '/behind', 'mutex', 1, 'lock', false, NULL, '', 7)";
    assertThat(number(client, join.formatted(holder))).isOne();
    Connection stranger = as("nobody");
    execute(stranger, "SELECT pg_advisory_lock(" + ownerKeySeen(stranger, holder) + ")");
    assertThat(number(other, join.formatted(waiter))).isZero();
    execute(stranger, "SELECT pg_advisory_unlock_all()");
    execute(client, "SELECT ${schema}.session_end(" + holder + ")");
    execute(other, "SELECT ${schema}.session_end(" + waiter + ")");
  }

  /** PostgreSQL shows a transaction the sessions that there were when it first looked. */
  @Test
  void aStrangerWhoComesLaterIsToldApartAsWell() throws Exception {
    Connection client = as("application");
    long session = openSession(client);
    long key = ownerKeySeen(as("nobody"), session);
    Connection creator = as("application");
    creator.setAutoCommit(false);
    number(creator, "SELECT count(*) FROM pg_stat_activity");
    Connection later = as("nobody");
    execute(later, "SELECT pg_advisory_lock(" + key + ")");
    assertThat(
            number(
                creator,
                "SELECT (code = 'ok')::integer FROM ${schema}.create('/later-', '', 'ephemeral', true, "
                    + session
                    + ")"))
        .isOne();
    creator.commit();
    execute(later, "SELECT pg_advisory_unlock_all()");
    execute(client, "SELECT ${schema}.session_end(" + session + ")");
  }

  /** PostgreSQL lets nobody share a lock that somebody else waits to have alone. */
  @Test
  void aStrangerWhoWaitsForTheLockOfCreatorsKeepsThemWaitingNoLonger() throws Exception {
    Connection client = as("application");
    long session = openSession(client);
    database.execute("SELECT ${schema}.create('/waits/first', in_parents => true)");
    database.execute("SELECT ${schema}.create('/goes-on/first', in_parents => true)");
    Connection one = as("application");
    one.setAutoCommit(false);
    execute(one, "SELECT ${schema}.create('/waits/e-', '', 'ephemeral', true, " + session + ")");
    Connection stranger = as("nobody");
    CompletableFuture<Void> taken =
        later(stranger, "SELECT pg_advisory_lock(" + keySeen(stranger, backend(one)) + ")");
    Await.until(
        "the stranger waits",
        () -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1);
    assertThat(
            number(
                as("application"),
                "SELECT (outcome).granted::integer FROM ${schema}.request_join("
                    + session
                    + ", 1, 1, '/goes-on/lock', 'mutex', 1, 'lock', false, NULL, '', 7)"))
        .isOne();
    assertThat(taken).isNotDone();
    one.rollback();
    taken.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    execute(stranger, "SELECT pg_advisory_unlock_all()");
    execute(client, "SELECT ${schema}.session_end(" + session + ")");
  }

  /** While one of these is kept by a client's transaction. */
  @Test
  void whoCannotBeEndedYetKeepsNoOtherSessionWaitingToBeEnded() throws SQLException {
    long kept = openSession(as("application"));
    long other = openSession(as("application"));
    Connection creator = as("application");
    creator.setAutoCommit(false);
    execute(creator, "SELECT ${schema}.create('/busy-', '', 'ephemeral', true, " + kept + ")");
    database.execute(
        "UPDATE ${schema}.session SET direct = false, renewed = '-infinity' WHERE id IN (%d, %d)"
            .formatted(kept, other));
    Await.until(
        "the other one is ended, one being judged at a time",
        () -> {
          database.execute("CALL ${schema}.reap(1, NULL, NULL, NULL)");
          return database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + other)
              == 0;
        });
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + kept))
        .isOne();
    creator.commit();
    awaitEnd(kept);
  }

  /** A session whose time is not over is ended with its lock, or not at all. */
  @Test
  void anOperatorIsToldWhichStrangerKeepsASessionFromBeingEnded() throws SQLException {
    long session = openSession(as("application"));
    Connection stranger = as("nobody");
    execute(stranger, "SELECT pg_advisory_lock_shared(" + ownerKeySeen(stranger, session) + ")");
    assertThatThrownBy(
            () ->
                execute(
                    as("operator"), "SELECT ${schema}.end_session(" + session + ", 'stranger')"))
        .hasMessageContaining(
            "the role \"%s\" has the lock of session %d, and no right to it",
            logins.role("nobody"), session)
        .hasMessageContaining("pg_terminate_backend(" + backend(stranger) + ")");
    execute(stranger, "SELECT pg_advisory_unlock_all()");
    execute(as("operator"), "SELECT ${schema}.end_session(" + session + ", 'stranger')");
  }

  /** It takes a sequence back, or on to its end: what operators did is numbered without one. */
  @Test
  void anApplicationThatSpoilsTheNumbersKeepsNoOperatorFromBeingNoted() throws SQLException {
    database.execute("SELECT ${schema}.job_register('spoilt', 'daily', clock_timestamp())");
    Connection operator = as("operator");
    String pause = "SELECT ${schema}.pause_job('spoilt', 'why')";
    execute(operator, pause);
    long last = database.queryLong("SELECT ${schema}._last_zxid()");
    for (long number : new long[] {1, Long.MAX_VALUE}) {
      execute(as("application"), "SELECT setval('${schema}.zxid', " + number + ")");
      execute(operator, pause);
      execute(operator, pause);
    }
    database.execute("SELECT setval('${schema}.zxid', " + last + ")");
    assertThat(
            database.queryLong(
                "SELECT count(DISTINCT number) FROM ${schema}.operations WHERE target = 'spoilt'"))
        .isEqualTo(5);
  }

  /** Keys of before, which anybody could work out, and all that are seen now. */
  @Test
  void whateverAnInspectorTakesNewSessionsAreOpenedAndSomebodyReaps() throws Exception {
    Connection inspector = as("inspector");
    long next = database.queryLong("SELECT ${schema}._next_zxid()");
    execute(
        inspector,
        "SELECT count(pg_try_advisory_lock(hashtextextended('${schema}.live.' || i, 0))) FROM generate_series("
            + next
            + ", "
            + (next + 10_000)
            + ") AS i");
    execute(
        inspector,
        "SELECT pg_try_advisory_lock(hashtextextended('${schema}.' || k || '.0', 0)) FROM unnest('{reaper,epoch}'::text[]) AS k");
    Connection client = logins.connect("application");
    long session = openSession(client);
    client.close();
    try (Keeper keeper = Keeper.connect(database.dataSource(), database.keeperOptions())) {
      Await.until(
          "its pings reap",
          () ->
              database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + session)
                  == 0);
      assertThat(keeper.session().isHeld()).isTrue();
    }
  }

  /**
   * The queue of notifications is the whole cluster's, and whoever may connect to any database of
   * it can fill it. Rings are only hints: nothing that has to go on fails for want of one.
   */
  @Test
  void whoFillsTheQueueOfNotificationsKeepsNothingFromGoingOn() throws Exception {
    assumeThat(PrivateServer.major()).as("the server's major").isGreaterThanOrEqualTo(17);
    try (PrivateServer small =
            PrivateServer.start(
                Map.of("max_notify_queue_pages", "64", "max_prepared_transactions", "5"));
        TestDatabase crowded = TestDatabase.freshOn(small);
        Logins strangers = new Logins(crowded)) {
      SessionLog.of(crowded).putEpochBack();
      strangers.create("nobody");
      try (Keeper waits =
              Keeper.connect(
                  crowded.dataSource(), crowded.keeperOptions().withSweep(Duration.ofMillis(100)));
          Connection listens = strangers.connect("nobody");
          Connection fills = strangers.connect("nobody")) {
        long gone =
            crowded.queryLong(
                "SELECT ${schema}.session_open(" + LEASE_MS + ", 300, false, 'gone', 'here', 1)");
        crowded.execute(
            "SELECT ${schema}.request_join(%d, 1, 1, '/full', 'mutex', 1, 'lock', false, NULL, '', 7)"
                .formatted(gone));
        CompletableFuture<Held> next = waits.lock("/full").acquireAsync();
        Await.until(
            "it waits",
            () ->
                crowded.queryLong(
                        "SELECT coalesce(sum(cardinality(waiting)), 0) FROM ${schema}.gathering")
                    > 0);
        execute(listens, "LISTEN x");
        listens.setAutoCommit(false);
        execute(listens, "SELECT 1");
        assertThatThrownBy(
                () -> {
                  while (true) {
                    execute(
                        fills,
                        "SELECT pg_notify('x', repeat('A', 7900) || g || '-' || clock_timestamp()) FROM generate_series(1, 20) g");
                  }
                })
            .hasMessageContaining("too many notifications");
        crowded.execute("UPDATE ${schema}.session SET renewed = 'epoch' WHERE id = " + gone);
        crowded.execute("CALL ${schema}.reap()");
        assertThat(crowded.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + gone))
            .as("sessions whose time is over")
            .isZero();
        assertThat(next.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).isHeld()).isTrue();
        try (Keeper late = Keeper.connect(crowded.plainDataSource(), crowded.keeperOptions())) {
          assertThat(late.health(Duration.ofSeconds(5)).listens()).isTrue();
          late.tree().sync();
        }
        listens.rollback();
      }
    }
  }
}
