package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.doctor.Doctor;
import dev.pgkeeper.doctor.DoctorOptions;
import dev.pgkeeper.doctor.Severity;
import dev.pgkeeper.testing.TestDatabase;
import org.junit.jupiter.api.Test;

/** Servers such as Aurora tell nobody where their log and their control file are. */
class ManagedServerTest {

  @Test
  void everythingWorksWhereTheServerDoesNotTellItsTimeline() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      String owner = database.roleName("owner");
      String schema = "managed";
      database.execute(
          "REVOKE EXECUTE ON FUNCTION pg_walfile_name(pg_lsn), pg_current_wal_lsn(), pg_control_system() FROM PUBLIC");
      database.execute("CREATE ROLE " + owner + " LOGIN PASSWORD 'secret'");
      database.execute(
          "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "
              + owner
              + "', current_database()); END $$");
      try (AutoCloseable role =
              () -> {
                database.execute("DROP OWNED BY " + owner + " CASCADE");
                database.execute("DROP ROLE " + owner);
              };
          HikariDataSource source = new HikariDataSource(pool(database, owner))) {
        Keeper.migrate(source, schema);
        KeeperOptions options = KeeperOptions.defaults().withSchema(schema);
        try (Keeper one = Keeper.connect(source, options);
            Keeper other = Keeper.connect(source, options)) {
          for (EveryRecipe recipe : EveryRecipe.values()) {
            recipe.use(new EveryRecipe.Stage(one, other, source));
          }
        }
        assertThat(
                database.queryString(
                    "SELECT concat(timeline IS NULL, system_id IS NULL, first > 0) FROM managed.epoch"))
            .isEqualTo("ttt");
        assertThat(Doctor.examine(source, DoctorOptions.defaults().withSchema(schema)).findings())
            .anySatisfy(
                finding -> {
                  assertThat(finding.name()).isEqualTo("timeline");
                  assertThat(finding.severity()).isEqualTo(Severity.UNKNOWN);
                  assertThat(finding.advice()).contains("Aurora", "GRANT EXECUTE ON FUNCTION");
                });
      }
    }
  }

  private static HikariConfig pool(TestDatabase database, String user) {
    HikariConfig pool = new HikariConfig();
    pool.setJdbcUrl(database.urlOfNobody());
    pool.setUsername(user);
    pool.setPassword("secret");
    pool.setMinimumIdle(0);
    return pool;
  }
}
