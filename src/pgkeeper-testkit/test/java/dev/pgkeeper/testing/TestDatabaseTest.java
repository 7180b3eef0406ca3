package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.migration.Migrations;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class TestDatabaseTest {

  @Test
  void theServerOfTheTestsIsAsDurableAsAServerInProduction() {
    try (TestDatabase database = TestDatabase.fresh()) {
      for (String setting : new String[] {"fsync", "synchronous_commit", "full_page_writes"}) {
        assertThat(database.queryString("SHOW " + setting)).as(setting).isEqualTo("on");
      }
      assertThat(database.queryLong("SELECT current_setting('max_connections')::int"))
          .isGreaterThanOrEqualTo(100);
    }
  }

  @Test
  void theServerOfTheTestsIsOfTheMajorVersionThatWasAskedFor() {
    Assumptions.assumeTrue(!TestServer.isGiven(), "a server was given by its URL");
    try (TestDatabase database = TestDatabase.unmigrated()) {
      assertThat(database.queryLong("SELECT current_setting('server_version_num')::int / 10000"))
          .isEqualTo(Long.getLong("pgkeeper.test.postgres.major", 18));
    }
  }

  @Test
  void aFreshDatabaseHasASchemaOfThisVersionAndGoesAsAWhole() {
    try (TestDatabase other = TestDatabase.unmigrated()) {
      TestDatabase fresh = TestDatabase.fresh();
      String name = fresh.queryString("SELECT current_database()");
      String count = "SELECT count(*) FROM pg_database WHERE datname = '" + name + "'";
      assertThat(fresh.queryLong("SELECT max(version::int) FROM ${schema}.migration_history"))
          .isEqualTo(Migrations.latest());
      assertThat(other.queryLong(count)).isEqualTo(1);
      fresh.close();
      assertThat(other.queryLong(count)).isZero();
    }
  }

  @Test
  void aKeptConnectionIsReplacedOnceItsServerProcessIsGone() {
    try (TestDatabase database = TestDatabase.fresh();
        TestDatabase other = TestDatabase.fresh()) {
      long pid = database.queryLong("SELECT pg_backend_pid()");
      assertThat(database.queryLong("SELECT pg_backend_pid()")).isEqualTo(pid);
      other.execute("SELECT pg_terminate_backend(" + pid + ", 60000)");
      assertThat(database.queryLong("SELECT pg_backend_pid()")).isNotEqualTo(pid);
    }
  }

  @Test
  void aConnectionThatIsLeftInATransactionIsNotKept() {
    try (TestDatabase database = TestDatabase.fresh()) {
      database.execute("BEGIN; CREATE TABLE ${schema}.forgotten ()");
      assertThat(database.queryLong("SELECT count(*) FROM pg_tables WHERE tablename = 'forgotten'"))
          .isZero();
    }
  }
}
