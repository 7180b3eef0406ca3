package dev.pgkeeper.environment;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * How pools, drivers, roles and databases are set up where applications run. None of it may break a
 * promise: every recipe is used in each.
 */
public enum Environment {
  PLAIN(made -> {}),

  POOL_REPEATABLE_READ(made -> made.pool().setTransactionIsolation("TRANSACTION_REPEATABLE_READ")),
  POOL_SERIALIZABLE(made -> made.pool().setTransactionIsolation("TRANSACTION_SERIALIZABLE")),
  POOL_WITHOUT_AUTOCOMMIT(made -> made.pool().setAutoCommit(false)),
  POOL_READ_ONLY(made -> made.pool().setReadOnly(true)),
  POOL_OF_EVERYTHING(
      made -> {
        made.pool().setAutoCommit(false);
        made.pool().setReadOnly(true);
        made.pool().setTransactionIsolation("TRANSACTION_SERIALIZABLE");
      }),
  POOL_OF_ONE(made -> made.pool().setMaximumPoolSize(1)),

  URL_SIMPLE_QUERIES(made -> made.url("preferQueryMode=simple")),
  URL_WITHOUT_PREPARED_STATEMENTS(made -> made.url("prepareThreshold=0")),
  URL_PREPARED_AT_ONCE(made -> made.url("prepareThreshold=-1")),
  URL_REWRITTEN_BATCHES(made -> made.url("reWriteBatchedInserts=true")),
  URL_OTHER_SCHEMA(made -> made.url("currentSchema=somewhere_else")),
  URL_READ_ONLY(made -> made.url("readOnly=true&readOnlyMode=always")),
  URL_SAVEPOINTS(made -> made.url("autosave=always")),
  URL_UNTYPED_STRINGS(made -> made.url("stringtype=unspecified")),

  ROLE_REPEATABLE_READ(made -> made.role("default_transaction_isolation", "'repeatable read'")),
  ROLE_SERIALIZABLE(made -> made.role("default_transaction_isolation", "serializable")),
  ROLE_STATEMENT_TIMEOUT(made -> made.role("statement_timeout", "'5s'")),
  ROLE_LOCK_TIMEOUT(made -> made.role("lock_timeout", "'100ms'")),
  ROLE_IDLE_TIMEOUT(made -> made.role("idle_in_transaction_session_timeout", "'5s'")),
  ROLE_TRANSACTION_TIMEOUT(
      17,
      made -> {
        made.role("transaction_timeout", "'5s'");
        made.role("idle_session_timeout", "'5s'");
      }),
  ROLE_WITHOUT_SEARCH_PATH(made -> made.role("search_path", "''")),
  ROLE_CUSTOM_PLANS(made -> made.role("plan_cache_mode", "force_custom_plan")),
  ROLE_GENERIC_PLANS(made -> made.role("plan_cache_mode", "force_generic_plan")),
  ROLE_JIT(
      made -> {
        made.role("jit", "on");
        made.role("jit_above_cost", "100000");
      }),
  ROLE_LOCAL_TIME(
      made -> {
        made.role("timezone", "'Asia/Kathmandu'");
        made.role("datestyle", "'German'");
        made.role("intervalstyle", "'sql_standard'");
        made.role("extra_float_digits", "-3");
        made.role("bytea_output", "escape");
        made.role("standard_conforming_strings", "on");
      }),

  DATABASE_REPEATABLE_READ(
      made -> made.database("default_transaction_isolation", "'repeatable read'")),
  DATABASE_DEFERRABLE(made -> made.database("default_transaction_deferrable", "on"));

  private final int since;
  private final Consumer<Made> arrangement;

  Environment(Consumer<Made> arrangement) {
    this(14, arrangement);
  }

  /**
   * @param since the major version of PostgreSQL that has it
   */
  Environment(int since, Consumer<Made> arrangement) {
    this.since = since;
    this.arrangement = arrangement;
  }

  /** Whether a server of this major version knows it. */
  public boolean isKnownTo(int major) {
    return major >= since;
  }

  /** A pool with its URL, and what is set in the database for it. */
  private record Made(HikariConfig pool, String role, String database, List<String> settings) {
    void url(String parameters) {
      String url = pool.getJdbcUrl();
      pool.setJdbcUrl(url + (url.contains("?") ? "&" : "?") + parameters);
    }

    void role(String name, String value) {
      settings.add("ALTER ROLE " + role + " SET " + name + " = " + value);
    }

    void database(String name, String value) {
      settings.add("ALTER DATABASE " + database + " SET " + name + " = " + value);
    }
  }

  /**
   * Arranges a pool so, which has its URL already, and returns the SQL that arranges the role of
   * its connections.
   */
  public List<String> arrange(HikariConfig pool, String role, String database) {
    List<String> settings = new ArrayList<>();
    arrangement.accept(new Made(pool, role, database, settings));
    return settings;
  }

  /**
   * A pool of an application with a role of its own in this environment; {@link #remove} ends it.
   */
  public HikariDataSource pool(TestDatabase database) {
    String role = role(database);
    database.execute("CREATE ROLE " + role + " LOGIN PASSWORD 'secret'");
    database.execute("CALL ${schema}.grant_application('" + role + "')");
    HikariConfig pool = new HikariConfig();
    pool.setJdbcUrl(database.urlOfNobody());
    pool.setMaximumPoolSize(8);
    pool.setMinimumIdle(0);
    pool.setUsername(role);
    pool.setPassword("secret");
    arrange(pool, role, database.queryString("SELECT current_database()"))
        .forEach(database::execute);
    return new HikariDataSource(pool);
  }

  private static String role(TestDatabase database) {
    return database.roleName("application");
  }

  /** Removes what a database's pool was made with, once that is closed. */
  public static void remove(TestDatabase database) {
    database.execute("DROP OWNED BY " + role(database));
    database.execute("DROP ROLE " + role(database));
  }
}
