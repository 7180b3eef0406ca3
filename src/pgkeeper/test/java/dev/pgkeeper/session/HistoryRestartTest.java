package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What the history tells (R__07_history.sql) where the server was killed, with releases that were
 * not flushed.
 */
class HistoryRestartTest {

  private static PrivateServer server;

  @BeforeAll
  static void open() {
    server = PrivateServer.start();
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @Test
  void whoHeldBeforeARestartIsToldAfterIt() {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper keeper = connect(database, "holder")) {
      Held held = acquire(keeper, "/held");
      acquire(keeper, "/released").release();
      flush(database);
      String before = database.queryString("SELECT clock_timestamp()");
      restart(keeper);
      assertThat(heldAt(database, "/held", before)).isEqualTo("holder");
      assertThat(heldAt(database, "/held", database.queryString("SELECT clock_timestamp()")))
          .isEqualTo("holder");
      assertThat(
              database.queryString(
                  "SELECT string_agg(h.client, ', ') FROM ${schema}.history r,"
                      + " LATERAL ${schema}.held_at(r.path, r.since) h WHERE r.path = '/released'"))
          .isEqualTo("holder");
      held.release();
    }
  }

  @Test
  void releasesThatTheServerForgotLeaveNoTwoHoldsAtOnce() throws Exception {
    try (TestDatabase database = TestDatabase.freshOn(server);
        Keeper one = connect(database, "one");
        Keeper two = connect(database, "two")) {
      int forgotten = 0;
      for (int round = 0; round < 4; round++) {
        Held first = acquire(one, "/contended");
        CompletableFuture<Held> waits = two.lock("/contended").acquireAsync();
        Await.until("one waits", () -> !one.lock("/contended").waiters().isEmpty());
        flush(database);
        first.release();
        server.kill9();
        server.startAgain();
        Await.until("both are back", () -> isBack(one) && isBack(two));
        if (heldAt(database, "/contended", "now").contains("one")) {
          forgotten++;
        }
        // It was told of its grant by a ring, which may be all that the restart left of it.
        Await.until("two holds", () -> heldAt(database, "/contended", "now").equals("two"));
        waits.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).release();
      }
      Await.until(
          "nobody holds", () -> database.queryLong("SELECT count(*) FROM ${schema}.holds") == 0);
      System.out.println("HistoryRestartTest: " + forgotten + " releases were forgotten at first");
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.history")).isEqualTo(8);
      assertThat(
              database.queryLong(
                  "SELECT count(*) FROM ${schema}.history a JOIN ${schema}.history b ON a.token < b.token AND a.until > b.since"))
          .as("overlapping")
          .isZero();
      assertThat(
              database.queryLong(
                  "SELECT count(*) FROM ${schema}.history r WHERE (SELECT count(*) FROM ${schema}.held_at(r.path, r.since)) <> 1"))
          .as("not held by one alone when granted")
          .isZero();
    }
  }

  private static Keeper connect(TestDatabase database, String name) {
    return Keeper.connect(
        database.plainDataSource(),
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withClientName(name)
            .withSweep(Duration.ofSeconds(1)));
  }

  private static Held acquire(Keeper keeper, String path) {
    try {
      return keeper.lock(path).acquire(Await.LIMIT);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isBack(Keeper keeper) {
    return keeper.state() == SessionState.HELD && keeper.session().isHeld();
  }

  private static void restart(Keeper keeper) {
    server.kill9();
    server.startAgain();
    Await.until("it is back", () -> isBack(keeper));
  }

  /** A commit that is flushed, and all before it. */
  private static void flush(TestDatabase database) {
    database.execute("SELECT pg_logical_emit_message(true, 'test', '')");
  }

  private static String heldAt(TestDatabase database, String path, String moment) {
    return String.valueOf(
        database.queryString(
            "SELECT string_agg(client, ', ' ORDER BY token) FROM ${schema}.held_at('%s', '%s')"
                .formatted(path, moment)));
  }
}
