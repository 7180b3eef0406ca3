package dev.pgkeeper.proof.part;

import com.zaxxer.hikari.HikariConfig;
import dev.pgkeeper.environment.Environment;
import dev.pgkeeper.proof.client.ClientProcess;
import dev.pgkeeper.proof.fault.Fault;
import dev.pgkeeper.testing.TestDatabase;
import java.util.List;

/** Who clients in environments connect as, and what the server's defaults are for them. */
final class ClientRoles {
  private final TestDatabase database;

  ClientRoles(TestDatabase database) {
    this.database = database;
  }

  /** The work's own SQL is READ COMMITTED wherever its keepers are. */
  void keepTheWorksOwn() {
    database.execute("ALTER ROLE postgres SET default_transaction_isolation = 'read committed'");
  }

  /**
   * Creates the role of this environment, which may do all that the work's own SQL does in
   * transactions of the library's, and returns the SQL that arranges the rest.
   */
  List<String> arranged(Environment environment) {
    String role = ClientProcess.roleOf(environment);
    database.execute("CREATE ROLE " + role + " LOGIN SUPERUSER");
    HikariConfig unused = new HikariConfig();
    unused.setJdbcUrl("");
    return environment.arrange(unused, role, database.queryString("SELECT current_database()"));
  }

  /**
   * Changes the level of connections that have been asked for theirs: the server reads its settings
   * again.
   */
  void changeUnderAll(Script script, String level) throws Exception {
    script.once(
        Fault.DEFAULT_CHANGED,
        -1,
        level,
        () -> {
          database.execute(
              "ALTER SYSTEM SET default_transaction_isolation = '%s'".formatted(level));
          database.execute("SELECT pg_reload_conf()");
        });
  }
}
