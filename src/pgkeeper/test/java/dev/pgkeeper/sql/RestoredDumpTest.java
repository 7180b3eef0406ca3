package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.RestoredDump;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the operations guide says to do after a dump was restored into the cluster it is from. */
class RestoredDumpTest {

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
    beginNewEpoch(database);
    assertThat(number("/safe")).isGreaterThan(lost);
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.epochs WHERE current")).isOne();
  }

  /** No dump knows of the epochs that began after it. */
  @Test
  void numbersThatWereGivenOutAfterTheSameDumpWasRestoredBeforeDoNotComeAgain() {
    try (TestDatabase twice = TestDatabase.fresh()) {
      twice.execute("UPDATE ${schema}.epoch SET first = first - 3600 * 1000000::bigint");
      twice.execute("CREATE TABLE ${schema}.dumped AS SELECT * FROM ${schema}.epoch");
      restore(twice);
      long last = twice.queryLong("SELECT max(${schema}._next_zxid()) FROM generate_series(1, 5)");
      restore(twice);
      assertThat(twice.queryLong("SELECT ${schema}._next_zxid()")).isGreaterThan(last);
    }
  }

  private static void restore(TestDatabase database) {
    database.execute("DELETE FROM ${schema}.epoch");
    database.execute("INSERT INTO ${schema}.epoch SELECT * FROM ${schema}.dumped");
    database.execute("SELECT setval('${schema}.zxid', first) FROM ${schema}.dumped");
    beginNewEpoch(database);
  }

  private static void beginNewEpoch(TestDatabase database) {
    database.execute(RestoredDump.newEpoch(database.schema()));
    database.reconnect();
  }

  @Test
  void numbersGrowAlsoWhereTheClockIsBehindThem() {
    try (TestDatabase ahead = TestDatabase.fresh()) {
      ahead.execute("UPDATE ${schema}.epoch SET first = first + (1::bigint << 42)");
      ahead.execute("SELECT setval('${schema}.zxid', first) FROM ${schema}.epoch");
      long lost =
          ahead.queryLong("SELECT max(${schema}._next_zxid()) FROM generate_series(1, 100)");
      ahead.execute("SELECT setval('${schema}.zxid', first) FROM ${schema}.epoch");
      beginNewEpoch(ahead);
      assertThat(ahead.queryLong("SELECT ${schema}._next_zxid()")).isGreaterThan(lost);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "       , 5000000000, 5000000000, the very first",
    "1000000, 5000000000, 5000000000, the clock",
    "5000000000, 5067108863, 5067108864, a minute later if the clock has hardly moved",
    "5000000000,  800000000, 5067108864, nor does a clock of another server that is behind",
    "5000000000,  700000000, 1104511627776, thirteen days later if the clock was set back",
  })
  void anEpochBegins(Long last, long clock, long first, String where) {
    assertThat(database.queryLong("SELECT ${schema}._next_epoch(%s, %d)".formatted(last, clock)))
        .as(where)
        .isEqualTo(first);
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
          "UPDATE ${schema}.gathering SET holder = %d, token = %d WHERE path = '/lock'"
              .formatted(keeper.session().id(), held.token() - 1));
      database.execute(RestoredDump.newEpoch(database.schema()));
      database.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
              + " AND query LIKE '%${schema}%'");
      Await.until(
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
