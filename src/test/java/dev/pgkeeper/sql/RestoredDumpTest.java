package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.RestoredDump;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the operations guide says to do after a dump was restored into the cluster it is from. */
class RestoredDumpTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @Test
  void numbersThatWereGivenOutAfterTheDumpDoNotComeAgain() throws Exception {
    long dumped = number("/before");
    long lost = 0;
    for (int i = 0; i < 10; i++) {
      lost = number("/after-" + i);
    }
    database.execute("SELECT setval('${schema}.zxid', " + dumped + ")");
    assertThat(number("/unsafe")).as("the server cannot know").isLessThanOrEqualTo(lost);

    assertThat(Files.readString(Path.of("docs/operations.md"))).contains(RestoredDump.NEW_EPOCH);
    database.execute(RestoredDump.newEpoch(database.schema()));
    assertThat(number("/safe")).isGreaterThan(lost);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.epochs WHERE current")).isOne();
  }

  /**
   * The dump is from before the client gave its lock back, and that was so long ago that the client
   * does not know of it any more.
   */
  @Test
  void aLockThatIsHeldAgainByAClientWhichGaveItBackIsGivenBackAgain() throws Exception {
    try (Keeper keeper = database.keeper();
        Keeper other = database.keeper()) {
      Held held = keeper.lock("/lock").acquire();
      Held later = keeper.lock("/other").acquire();
      held.release();
      database.execute(
          "UPDATE ${schema}.parent SET holder = %d, token = %d WHERE path = '/lock'"
              .formatted(keeper.sessionId(), held.token() - 1));
      database.execute(RestoredDump.newEpoch(database.schema()));
      database.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
              + " AND query LIKE '%${schema}%'");
      Await.until(
          LIMIT,
          "the lock is free",
          () -> {
            Optional<Held> got = other.lock("/lock").tryAcquire();
            got.ifPresent(Held::release);
            return got.isPresent();
          });
      assertThat(later.isHeld()).as("what it had is not taken from it").isTrue();
    }
  }

  /** Of a change that is made on a connection of its own. */
  private static long number(String path) {
    database.queryString("SELECT code FROM ${schema}.create('" + path + "', '')");
    return database.queryLong("SELECT czxid FROM ${schema}.nodes WHERE path = '" + path + "'");
  }
}
