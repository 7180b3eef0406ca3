package dev.pgkeeper.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Every watcher comes to know the final state, whatever becomes of the rings and of the connections
 * that they travel on. The part {@code races} of the proof loses them at random.
 */
class LostRingTest {
  private static final Duration LONG = Duration.ofMinutes(10);

  private static KeeperOptions options(TestDatabase database, Duration sweep) {
    return database.keeperOptions().withSweep(sweep).withTimeout(LONG).withGrace(LONG);
  }

  private static void loseAllRings(TestDatabase database) {
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.ring(in_path text, in_structural boolean) RETURNS void"
            + " LANGUAGE sql AS ''");
  }

  @Test
  void withEveryRingLostTheFinalStateArrivesWithTheSweep() {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper one = Keeper.connect(database.dataSource(), options(database, SWEEP));
        Keeper other = Keeper.connect(database.dataSource(), options(database, SWEEP))) {
      Mirrors mirrors = new Mirrors(List.of(one, other));
      loseAllRings(database);
      for (String value : List.of("created", "set", "", "created again")) {
        mirrors.changeAll(value);
        mirrors.awaitTruth();
      }
    }
  }

  private static final Duration SWEEP = Duration.ofMillis(200);
  private static final Duration NEVER = Duration.ofDays(1);

  /** What a server that crashed does: the table of registrations is not logged. */
  @Test
  void registrationsThatTheServerLostAreMadeAgainOnceTheConnectionIsBack() {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper one = Keeper.connect(database.dataSource(), options(database, NEVER));
        Keeper other = Keeper.connect(database.dataSource(), options(database, NEVER))) {
      Mirrors mirrors = new Mirrors(List.of(one, other));
      mirrors.changeAll("created");
      mirrors.awaitTruth();
      database.execute("TRUNCATE ${schema}.watch");
      SessionLog.reconnect(database, one);
      SessionLog.reconnect(database, other);
      for (String value : List.of("seen by a look, perhaps", "rung for")) {
        mirrors.changeAll(value);
        mirrors.awaitTruth();
      }
    }
  }

  /** The rings of these changes go to a connection that is broken. */
  @Test
  void changesOfTheTimeInWhichTheConnectionIsAwayAreKnownOnceItIsBack() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        TcpProxy network = TcpProxy.before(database.jdbcUrl());
        Keeper writer = Keeper.connect(database.dataSource(), options(database, NEVER))) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(network.through(database.jdbcUrl()));
      try (Keeper follower =
          Keeper.connect(
              database.dataSource(),
              options(database, NEVER).withListener(source::getConnection))) {
        Mirrors mirrors = new Mirrors(List.of(writer, follower));
        for (String value : List.of("created", "set", "", "created again")) {
          network.cut();
          Await.until("cut off", () -> follower.state() == SessionState.JEOPARDY);
          for (int i = 0; i < Mirrors.PATHS; i++) {
            Mirrors.change(writer.tree(), Mirrors.path(i), value);
          }
          network.mend();
          mirrors.awaitTruth();
          awaitHeld(follower);
        }
        // No watcher is deaf.
        mirrors.changeAll("last");
        mirrors.awaitTruth();
      }
    }
  }

  /** The ring is on its way when the connection ends, or it comes to the next connection. */
  @Test
  void aChangeJustBeforeOrAfterItsWatchersConnectionIsTerminatedIsKnown() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper writer = Keeper.connect(database.dataSource(), options(database, NEVER));
        Keeper follower = Keeper.connect(database.dataSource(), options(database, NEVER));
        Connection connection = database.connect()) {
      Mirrors mirrors = new Mirrors(List.of(writer, follower));
      mirrors.changeAll("before");
      mirrors.awaitTruth();

      Mirrors.change(writer.tree(), Mirrors.path(0), "just before");
      SessionLog.reconnect(database, follower);
      mirrors.awaitTruth();

      assertThat(SessionLog.terminateBackendOf(database, follower.session().id())).isTrue();
      Mirrors.change(writer.tree(), Mirrors.path(1), "just after");
      mirrors.awaitTruth();
      Await.until(
          "connected again",
          () ->
              SessionLog.backendOf(database, follower.session().id()) != 0
                  && follower.session().isHeld());

      connection.setAutoCommit(false);
      writer.tree(connection).set(Mirrors.path(2), Mirrors.bytes("committed after the reconnect"));
      SessionLog.reconnect(database, follower);
      connection.commit();
      mirrors.awaitTruth();
    }
  }

  private static void awaitHeld(Keeper keeper) {
    Await.until("held again", () -> keeper.state() == SessionState.HELD);
  }
}
