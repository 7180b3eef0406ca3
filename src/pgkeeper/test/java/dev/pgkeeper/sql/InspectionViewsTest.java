package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.cache.Setting;
import dev.pgkeeper.cache.Settings;
import dev.pgkeeper.discovery.Membership;
import dev.pgkeeper.discovery.Registration;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What R__28_registrations_and_settings.sql, and the view of all holds, tell of a known state. */
class InspectionViewsTest {
  private static TestDatabase database;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  /** Not there for the other tests: it would end the sessions that those let run out. */
  private static Keeper shop() {
    return Keeper.connect(database.dataSource(), database.keeperOptions().withClientName("shop"));
  }

  private static String told(String sql) {
    return database.queryString(sql);
  }

  @Test
  void registrationsTellsWhoIsRegisteredWhereAndNotWhoStandsInLineOrComesToAMeeting()
      throws Exception {
    try (Keeper keeper = shop()) {
      keeper.lock("/reg/line").withData(new byte[] {1}).acquire();
      assertThat(
              told(
                  "SELECT (${schema}._meeting_come(%d, '/reg/meeting', 2, 1)).code"
                      .formatted(keeper.session().id())))
          .isEqualTo("ok");
      try (Registration instance =
              keeper
                  .services("/reg/services")
                  .register("mail", ServiceInstance.at("10.0.0.1", 25).withId("i1"));
          Membership member = keeper.group("/reg/group").join("one", new byte[] {1, 2, 3})) {
        assertThat(instance.awaitThere(Await.LIMIT) && member.awaitThere(Await.LIMIT)).isTrue();
        assertThat(
                told(
                    "SELECT string_agg(concat_ws(' ', path, place, name, version, data_length > 2, registered <= updated,"
                        + " session, client, pid, alive), ', ' ORDER BY path)"
                        + " FROM ${schema}.registrations WHERE path LIKE '/reg/%' AND host IS NOT NULL"))
            .isEqualTo(
                "/reg/group/one /reg/group one 0 t t %1$s, /reg/services/mail/i1 /reg/services/mail i1 0 t t %1$s"
                    .formatted(
                        keeper.session().id() + " shop " + ProcessHandle.current().pid() + " t"));
      }
    }
    assertThat(told("SELECT count(*) FROM ${schema}.registrations WHERE path LIKE '/reg/%'"))
        .isEqualTo("0");
  }

  @Test
  void settingsTellWhatWasChangedWhenAndByWhomAndNoValue() {
    Setting<Long> limit = Setting.number("limit", 10);
    Setting<String> name = Setting.text("name", "nobody");
    Setting<String> deleted = Setting.text("deleted", "never");
    try (Keeper keeper = shop();
        Settings settings = keeper.settings("/conf")) {
      settings.set(limit, 20L);
      settings.edit().by("Jörg, the admin").set(limit, 300L).commit();
      settings.set(name, "x");
      settings.edit().delete(name).commit();
      settings.set(name, "by=somebody\nset\nelse");
      settings.set(deleted, "x");
      settings.edit().delete(deleted).commit();
      keeper.tree().create("/conf/values/by-hand", new byte[] {1});
    }
    assertThat(
            told(
                "SELECT string_agg(concat_ws(' ', path, place, key, version, data_length, changes, changed <= clock_timestamp(),"
                    + " changed_by), ', ' ORDER BY path) FROM ${schema}.settings WHERE path LIKE '/conf/values/%'"))
        .isEqualTo(
            "/conf/values/limit /conf limit 1 3 2 t Jörg, the admin, /conf/values/name /conf name 0 20 3 t shop");
  }

  @Test
  void holdsTellsOfEveryKindOfHold() throws Exception {
    SqlClient client = SqlClient.open(database, "holds");
    long lock = client.lock("/holds/lock");
    long permit = client.join("/holds/sem", "semaphore", 2, "2", "60000", "''");
    client.join("/holds/sem", "semaphore", 2, "1", "NULL", "''");
    long leads = client.stand("/holds/leader", "me");
    long run =
        database.queryLong(
            "SELECT token FROM ${schema}.job_claim(%d, 'holds job', 'monday', '1 h')"
                .formatted(client.session()));
    String holds =
        "SELECT string_agg(concat_ws(' ', kind, path, recipe, what, token, client, host, pid, since <= clock_timestamp(),"
            + " ends < clock_timestamp() + interval '2 minutes', ends > clock_timestamp(), alive), ', ' ORDER BY token)"
            + " FROM ${schema}.holds WHERE session = "
            + client.session();
    String told =
        "lock /holds/lock mutex lock %d holds h 1 t f t t, lock /holds/sem semaphore 2 %d holds h 1 t t t t, leadership /holds/leader election me %d holds h 1 t f t t, job holds job job monday %d holds h 1 t f t t"
            .formatted(lock, permit, leads, run);
    assertThat(told(holds)).isEqualTo(told);
    client.outlast("1 s");
    assertThat(told(holds))
        .as("by the clock")
        .isEqualTo(told.replaceAll("h 1 t . t t", "h 1 t t f f"));
  }

  @Test
  void healthTellsHowItAllIsInOneRow() {
    try (TestDatabase own = TestDatabase.fresh()) {
      TestDatabase shared = database;
      database = own;
      try {
        assertThat(
                told(
                    "SELECT concat_ws(' ', server_version = current_setting('server_version'), server_started < clock_timestamp(), standby, protocol,"
                        + " epoch >= 1, timeline >= 1, notification_queue_usage BETWEEN 0 AND 1, dead_rows >= 0, longest_transaction >= interval '0')"
                        + " FROM ${schema}.health"))
            .startsWith(
                "t t f %s t t t t".formatted(told("SELECT version FROM ${schema}.protocol()")));
        String counts =
            "SELECT concat_ws(' ', sessions, sessions_suspected, sessions_over, locks_held, lock_waiters, longest_wait > interval '0', elections, leaderless,"
                + " queues, queues_paused, oldest_message < clock_timestamp(), messages_claimed, jobs, jobs_paused, runs_running, history_rows, history_oldest < clock_timestamp())"
                + " FROM ${schema}.health";
        assertThat(told(counts)).isEqualTo("0 0 0 0 0 0 0 0 0 0 0 0 0 0");
        SqlClient client = SqlClient.open(database, "one");
        SqlClient other = SqlClient.open(database, "two");
        SqlClient.open(database, "over").outlast("1 s");
        database.execute("SELECT ${schema}.session_open(600000, 60000, true, 'suspected', 'h', 1)");
        database.execute(
            "UPDATE ${schema}.session SET suspected = clock_timestamp() WHERE client = 'suspected'");
        client.lock("/h/row");
        other.lock("/h/row");
        client.join("/h/sem", "semaphore", 2, "1", "NULL", "''");
        other.join("/h/sem", "semaphore", 2, "1", "NULL", "''");
        other.join("/h/sem", "semaphore", 2, "1", "NULL", "''");
        client.free("/h/free", client.lock("/h/free"));
        client.stand("/h/leader", "a");
        other.stand("/h/leader", "b");
        long stood = client.stand("/h/leaderless", "c");
        database.execute(
            "UPDATE ${schema}.node SET state = 'w' WHERE path = '"
                + SqlClient.node("/h/leaderless", stood, "candidate")
                + "'");
        database.execute("SELECT ${schema}.queue_create('q'), ${schema}.queue_create('p')");
        database.execute("SELECT ${schema}.pause('p'), ${schema}.enqueue('q', 'x')");
        database.execute("SELECT ${schema}.enqueue('q', 'y')");
        database.execute("SELECT * FROM ${schema}.take_leased('q', 1, '1 h')");
        database.execute("SELECT ${schema}.job_register('j', 'daily', clock_timestamp())");
        database.execute("SELECT ${schema}.job_pause('j')");
        database.queryLong(
            "SELECT token FROM ${schema}.job_claim(%d, 'k', 't')".formatted(client.session()));
        assertThat(told(counts)).isEqualTo("4 1 1 2 2 t 2 1 2 1 t 1 2 1 1 1 t");
      } finally {
        database = shared;
      }
    }
  }

  @Test
  void aViewOfOneThingDoesNotLookAtAllSessions() throws Exception {
    for (String view :
        new String[] {
          "nodes",
          "locks",
          "lock_waiters",
          "candidates",
          "leaders",
          "holds",
          "history",
          "registrations",
          "settings"
        }) {
      assertThat(plan("SELECT * FROM ${schema}." + view + " WHERE path = '/x'"))
          .as(view)
          .doesNotContain("Seq Scan on session", "Seq Scan on node", "Seq Scan on past_hold");
    }
    for (String view : new String[] {"jobs", "job_runs"}) {
      assertThat(plan("SELECT * FROM ${schema}." + view + " WHERE job = 'x'"))
          .as(view)
          .doesNotContain("Seq Scan on session", "Seq Scan on job_run");
    }
    assertThat(plan("SELECT * FROM ${schema}.held_at('/x')"))
        .doesNotContain("Seq Scan on session", "Seq Scan on node", "Seq Scan on past_hold");
  }

  @Test
  void theLastHoldsOfAPathAreReadFromTheIndexInTheirOrder() throws Exception {
    database.execute(
        "INSERT INTO ${schema}.past_hold (path, recipe, what, token, session, since, until, how)"
            + " SELECT '/much', 'mutex', 'lock', i, 1, now() + i * interval '1 s', now() + (i + 1) * interval '1 s', 'released'"
            + " FROM generate_series(1, 10000) i");
    database.execute("ANALYZE ${schema}.past_hold");
    assertThat(
            plan(
                "SELECT * FROM ${schema}.history WHERE path = '/much' ORDER BY until DESC LIMIT 20"))
        .contains("Merge Append", "Index Scan Backward using past_hold_path");
  }

  /** Told by a planner that goes through a whole table only where it has to. */
  private static String plan(String sql) throws Exception {
    StringBuilder plan = new StringBuilder();
    try (var connection = database.connect();
        var statement = connection.createStatement()) {
      statement.execute("SET enable_seqscan = off");
      try (var rows =
          statement.executeQuery("EXPLAIN " + sql.replace("${schema}", database.schema()))) {
        while (rows.next()) {
          plan.append(rows.getString(1)).append('\n');
        }
      }
    }
    return plan.toString();
  }
}
