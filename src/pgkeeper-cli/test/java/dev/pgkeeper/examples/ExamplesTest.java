package dev.pgkeeper.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** Each example does what it says, in a database of its own, as a reader would run it. */
class ExamplesTest {

  private static final TestDatabase server = TestDatabase.unmigrated();
  private static final String migrated = "examples_" + server.schema();

  private final String database = migrated + "_copy";
  private final String url = server.urlOf(database);

  /** Each example migrates its database if nobody did: one migration serves them all. */
  @BeforeAll
  static void migrateOnce() {
    server.execute("CREATE DATABASE " + migrated);
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(server.urlOf(migrated));
    Keeper.migrate(source);
  }

  @AfterAll
  static void dropMigrated() {
    server.execute("DROP DATABASE " + migrated);
    server.close();
  }

  @BeforeEach
  void createDatabase() {
    server.execute("CREATE DATABASE " + database + " TEMPLATE " + migrated);
  }

  @AfterEach
  void dropDatabase() {
    server.execute("DROP DATABASE " + database + " WITH (FORCE)");
  }

  @Test
  void theFirstStepsBeginWithNothingEndWellAndLeaveNoNodeBehind() throws Exception {
    dropDatabase();
    server.execute("CREATE DATABASE " + database);
    try (ChildProcess firstSteps = ChildProcess.start(Class.forName("FirstSteps"), url)) {
      assertThat(firstSteps.awaitLine("[")).isEqualTo("sign, till-0000000001]");
      firstSteps.awaitLine("paid");
      assertThat(firstSteps.awaitExit()).isZero();
    }
    assertThat(query("SELECT string_agg(path, ' ') FROM pgkeeper.nodes")).isEqualTo("/");
    assertThat(query("SELECT count(*) FROM orders")).isEqualTo("1");
  }

  @Test
  void atAGlanceALockAJobAndALeaderDoTheirWorkOnce() throws Exception {
    Class<?> atAGlance = Class.forName("AtAGlance");
    for (int run = 1; run <= 2; run++) {
      try (ChildProcess process = ChildProcess.start(atAGlance, url)) {
        assertThat(process.awaitExit()).isZero();
      }
    }
    assertThat(query("SELECT string_agg(what, ', ' ORDER BY what) FROM done"))
        .isEqualTo("bills, bills, emails, order O005, order O005");
  }

  @Test
  void aLiveSettingTakesEffectInARunningProcess() throws Exception {
    Class<?> live = Class.forName("LiveSettings");
    try (ChildProcess watcher = ChildProcess.start(live, url, "watch")) {
      watcher.awaitLine("limit: 100");
      try (ChildProcess changer = ChildProcess.start(live, url, "250")) {
        changer.awaitLine("done");
        changer.awaitLine("Ada: 250");
        assertThat(changer.awaitExit()).isZero();
      }
      watcher.awaitLine("limit: 250");
      try (ChildProcess changer = ChildProcess.start(live, url, "300")) {
        changer.awaitLine("the shop is closed");
        assertThat(changer.awaitExit()).isZero();
      }
      query("SELECT pgkeeper.set('/shop/settings/values/limit', 'many')");
      watcher.awaitLine("bad: /shop/settings/values/limit");
      watcher.send("");
      watcher.awaitLine("in the end: 250, open: false");
      assertThat(watcher.awaitExit()).isZero();
    }
  }

  @Test
  void workThatIsRolledBackIsRepeatedAndNoneOfItIsLostOrDoneTwice() throws Exception {
    try (ChildProcess work = ChildProcess.start(Class.forName("RepeatedWork"), url)) {
      assertThat(work.awaitLine("balance: ")).isEqualTo("100");
      assertThat(work.awaitExit()).isZero();
    }
  }

  @Test
  void theMembersSeeEachOtherComeGoAndDie() throws Exception {
    Class<?> members = Class.forName("Members");
    try (ChildProcess ada = ChildProcess.start(members, url, "ada")) {
      ada.awaitLine("members: [ada]");
      try (ChildProcess bob = ChildProcess.start(members, url, "bob")) {
        ada.awaitLine("members: [ada, bob]");
        bob.send("");
        assertThat(bob.awaitExit()).isZero();
        ada.awaitLine("members: [ada]");
      }
      try (ChildProcess eve = ChildProcess.start(members, url, "eve")) {
        ada.awaitLine("members: [ada, eve]");
        eve.kill9();
        ada.awaitLine("members: [ada]");
      }
    }
  }

  @Test
  void theJobsRunOnceWhicheverProcessAsks() throws Exception {
    Class<?> jobs = Class.forName("ScheduledJobs");
    try (ChildProcess one = ChildProcess.start(jobs, url)) {
      assertThat(one.awaitLine("daily-report: ")).isEqualTo("RAN");
      one.awaitLine("heartbeat");
      try (ChildProcess two = ChildProcess.start(jobs, url)) {
        assertThat(two.awaitLine("daily-report: ")).isEqualTo("DONE_BEFORE");
        one.send("");
        assertThat(one.awaitExit()).isZero();
        two.awaitLine("heartbeat");
        two.send("");
        assertThat(two.awaitExit()).isZero();
      }
    }
    assertThat(
            query(
                "SELECT string_agg(concat_ws(' ', job, schedule, last_state), ', ' ORDER BY job) FROM pgkeeper.jobs"))
        .isEqualTo(
            "daily-report done, heartbeat every PT1S done, nightly cron 0 3 * * * Europe/Berlin, sync done");
  }

  @Test
  void anOrderIsShippedOnceWhoeverTries() throws Exception {
    Class<?> orderLock = Class.forName("OrderLock");
    try (ChildProcess first = ChildProcess.start(orderLock, url);
        ChildProcess second = ChildProcess.start(orderLock, url)) {
      List<String> said = List.of(first.awaitLine("order 17, label "), second.awaitLine("order"));
      assertThat(first.awaitExit()).isZero();
      assertThat(second.awaitExit()).isZero();
      assertThat(said).filteredOn(line -> line.endsWith(": shipped")).hasSize(1);
      assertThat(said).filteredOn(line -> line.endsWith(": was shipped before")).hasSize(1);
    }
  }

  @Test
  void everyOrderHasItsInvoiceAndItsReminder() throws Exception {
    Class<?> taskQueue = Class.forName("TaskQueue");
    for (int run = 1; run <= 2; run++) {
      try (ChildProcess process = ChildProcess.start(taskQueue, url)) {
        assertThat(process.awaitLine("invoices waiting: ")).isEqualTo("0");
        if (run == 1) {
          process.awaitLine("reminder: O005");
        }
        assertThat(process.awaitExit()).isZero();
      }
    }
    assertThat(query("SELECT count(*) FROM ordered")).isEqualTo("2");
    assertThat(query("SELECT count(*) FROM invoice")).isEqualTo("2");
    assertThat(query("SELECT dead FROM pgkeeper.queues WHERE queue = 'invoices'")).isEqualTo("0");
  }

  @Test
  void whatIsSetAgainstCuratorRuns() throws Exception {
    try (ChildProcess program = ChildProcess.start(Class.forName("ComingFromCurator"), url)) {
      assertThat(program.awaitLine("orders: ")).isEqualTo("3");
      assertThat(program.awaitLine("task: ")).isEqualTo("O005");
      assertThat(program.awaitLine("mail: ")).isEqualTo("25");
      program.awaitLine("all of it");
      assertThat(program.awaitExit()).isZero();
    }
  }

  @Test
  void aStoppedProcessKeepsItsLockForAWhileAndIsRefusedAfterLong() throws Exception {
    try (ChildProcess story = ChildProcess.start(Class.forName("LongPause"), url)) {
      story.awaitLine("  ada wrote");
      story.awaitLine("* Bob has it, with the larger token ");
      assertThat(story.awaitLine("  ada was refused: ")).contains("/reports/monthly");
      assertThat(story.awaitLine("* What is there: ")).isEqualTo("ada, bob");
      assertThat(story.awaitExit()).isZero();
    }
  }

  @Test
  void whoseNetworkIsCutLosesTheLockAndKnowsItFirst() throws Exception {
    try (ChildProcess cut = ChildProcess.start(Class.forName("CutNetwork"), url)) {
      cut.awaitLine("Ada is told: JEOPARDY");
      assertThat(cut.awaitLine("Bob holds the lock; does Ada believe she does? "))
          .isEqualTo("false");
      assertThat(cut.awaitLine("Bob's token is larger: ")).isEqualTo("true");
      cut.awaitLine("Ada's write is refused");
      assertThat(cut.awaitExit()).isZero();
    }
  }

  @Test
  void workThatTakesLongKeepsItsLockAndItsMessage() throws Exception {
    try (ChildProcess work = ChildProcess.start(Class.forName("LongWork"), url)) {
      work.awaitLine("lock still held: true, taken by another: false");
      assertThat(work.awaitLine("converting holidays.mp4, attempt ")).isEqualTo("1");
      assertThat(work.awaitLine("films left: ")).isEqualTo("0");
      assertThat(work.awaitExit()).isZero();
    }
  }

  @Test
  void anOrderThatFailsLeavesNeitherARowNorAMessage() throws Exception {
    try (ChildProcess order = ChildProcess.start(Class.forName("TransactionalOrder"), url)) {
      order.awaitLine("O001 failed: ");
      assertThat(order.awaitLine("orders: ")).isEqualTo("O002");
      assertThat(order.awaitLine("for the warehouse: ")).isEqualTo("O002");
      assertThat(order.awaitExit()).isZero();
    }
    assertThat(query("SELECT ready FROM pgkeeper.queues WHERE queue = 'warehouse'")).isEqualTo("1");
  }

  @Test
  void oneLeadsAndTheNextOneWhenThatLeavesOrIsKilled() throws Exception {
    Class<?> election = Class.forName("LeaderElection");
    try (ChildProcess ada = ChildProcess.start(election, url, "ada")) {
      ada.awaitLine("ada leads, ");
      try (ChildProcess bob = ChildProcess.start(election, url, "bob")) {
        awaitCandidates(2);
        ada.send("");
        ada.awaitLine("ada leads no more");
        bob.awaitLine("bob leads, ");
        assertThat(ada.awaitExit()).isZero();
        try (ChildProcess eve = ChildProcess.start(election, url, "eve")) {
          awaitCandidates(2);
          bob.kill9();
          eve.awaitLine("eve leads, ");
        }
      }
    }
  }

  @Test
  void aMeasuredClientSaysThatItIsReadyAndWhatItWasGranted() throws Exception {
    try (ChildProcess client = ChildProcess.start(Class.forName("MeasuredClient"), url)) {
      client.awaitLine("ready: true");
      client.awaitLine("holds /reports/daily");
      client.awaitLine("grants: 1.0");
    }
  }

  @Test
  void threeWorkersBeginTogetherAndGoOnTogether() throws Exception {
    Class<?> barrier = Class.forName("BarrierOfThree");
    try (ChildProcess ada = ChildProcess.start(barrier, url, "ada");
        ChildProcess bob = ChildProcess.start(barrier, url, "bob")) {
      ada.awaitLine("ada is ready");
      bob.awaitLine("bob is ready");
      Await.until(
          "two wait",
          () ->
              query("SELECT count(*) FROM pgkeeper.nodes WHERE path LIKE '/load/workers/%'")
                  .equals("2"));
      assertThat(ada.takeLines()).isEmpty();
      try (ChildProcess eve = ChildProcess.start(barrier, url, "eve")) {
        ada.awaitLine("ada loads");
        bob.awaitLine("bob loads");
        eve.awaitLine("eve loads");
        assertThat(ada.awaitLine("ada goes on: ")).isEqualTo("3 parts");
        assertThat(bob.awaitLine("bob goes on: ")).isEqualTo("3 parts");
        assertThat(eve.awaitLine("eve goes on: ")).isEqualTo("3 parts");
        assertThat(eve.awaitExit()).isZero();
      }
    }
  }

  @Test
  void callsGoToTheInstancesInTurnAndNotToOneThatDied() throws Exception {
    Class<?> discovery = Class.forName("ServiceDiscovery");
    try (ChildProcess one = ChildProcess.start(discovery, url, "8081")) {
      one.awaitLine("instances: [8081]");
      try (ChildProcess two = ChildProcess.start(discovery, url, "8082")) {
        one.awaitLine("instances: [8081, 8082]");
        List<String> called = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          one.send("");
          called.add(one.awaitLine("call goes to localhost:"));
        }
        assertThat(called.subList(0, 2)).containsExactlyInAnyOrder("8081", "8082");
        assertThat(called.subList(2, 4)).isEqualTo(called.subList(0, 2));
        two.kill9();
        one.awaitLine("instances: [8081]");
      }
      one.send("quit");
      assertThat(one.awaitExit()).isZero();
    }
  }

  @Test
  void theShardsAreSharedOutAndTakenOverFromWhoeverIsKilled() throws Exception {
    Class<?> shards = Class.forName("SharedShards");
    try (ChildProcess ada = ChildProcess.start(shards, url, "ada")) {
      for (int i = 0; i < 6; i++) {
        ada.awaitLine("begins ");
      }
      try (ChildProcess bob = ChildProcess.start(shards, url, "bob")) {
        List<String> moved = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          moved.add(bob.awaitLine("begins "));
        }
        bob.kill9();
        List<String> back = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          back.add(ada.awaitLine("begins "));
        }
        assertThat(back).containsExactlyInAnyOrderElementsOf(moved);
      }
      ada.send("");
      ada.awaitLine("ada ends with 6");
      assertThat(ada.awaitExit()).isZero();
    }
  }

  private void awaitCandidates(int number) {
    Await.until(
        number + " candidates",
        () -> query("SELECT count(*) FROM pgkeeper.candidates").equals("" + number));
  }

  private String query(String sql) {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
