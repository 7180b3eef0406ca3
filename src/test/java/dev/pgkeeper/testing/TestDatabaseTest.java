package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;

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
  void aFreshDatabaseHasASchemaOfItsOwnThatGoesWithIt() {
    TestDatabase database = TestDatabase.fresh();
    String count = "SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'";
    assertThat(database.queryLong(count)).isEqualTo(1);
    database.close();
    assertThat(database.queryLong(count)).isZero();
  }
}
