package dev.pgkeeper.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each example does what it says, in a database of its own, as a reader would run it. */
class ExamplesTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final TestDatabase server = TestDatabase.unmigrated();
  private final String database = "examples_" + server.schema();
  private final String url = server.jdbcUrl().replaceFirst("/[^/?]+(\\?|$)", "/" + database + "$1");

  @BeforeEach
  void createDatabase() {
    server.execute("CREATE DATABASE " + database);
  }

  @AfterEach
  void dropDatabase() {
    server.execute("DROP DATABASE " + database + " WITH (FORCE)");
    server.close();
  }

  @Test
  void theFirstStepsEndWellAndLeaveNoNodeBehind() throws Exception {
    try (ChildProcess firstSteps = ChildProcess.start(Class.forName("FirstSteps"), url)) {
      assertThat(firstSteps.awaitLine("[", LIMIT)).isEqualTo("sign, till-0000000001]");
      firstSteps.awaitLine("paid", LIMIT);
      assertThat(firstSteps.awaitExit(LIMIT)).isZero();
    }
    assertThat(query("SELECT string_agg(path, ' ') FROM pgkeeper.nodes")).isEqualTo("/");
    assertThat(query("SELECT count(*) FROM orders")).isEqualTo("1");
  }

  @Test
  void atAGlanceALockAJobAndALeaderDoTheirWorkOnce() throws Exception {
    Class<?> atAGlance = Class.forName("AtAGlance");
    for (int run = 1; run <= 2; run++) {
      try (ChildProcess process = ChildProcess.start(atAGlance, url)) {
        assertThat(process.awaitExit(LIMIT)).isZero();
      }
    }
    assertThat(query("SELECT string_agg(what, ', ' ORDER BY what) FROM done"))
        .isEqualTo("bills, bills, emails, order O005, order O005");
  }

  @Test
  void aLiveConfigurationTakesEffectInARunningProcess() throws Exception {
    Class<?> live = Class.forName("LiveConfiguration");
    try (ChildProcess watcher = ChildProcess.start(live, url, "watch")) {
      watcher.awaitLine("limit: 100", LIMIT);
      try (ChildProcess changer = ChildProcess.start(live, url, "250")) {
        changer.awaitLine("done", LIMIT);
        changer.awaitLine("Ada: 250", LIMIT);
        assertThat(changer.awaitExit(LIMIT)).isZero();
      }
      watcher.awaitLine("limit: 250", LIMIT);
      try (ChildProcess changer = ChildProcess.start(live, url, "300")) {
        changer.awaitLine("the shop is closed", LIMIT);
        assertThat(changer.awaitExit(LIMIT)).isZero();
      }
      query("SELECT pgkeeper.set('/shop/settings/values/limit', 'many')");
      watcher.awaitLine("bad: /shop/settings/values/limit", LIMIT);
      watcher.send("");
      watcher.awaitLine("in the end: 250, open: false", LIMIT);
      assertThat(watcher.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void workThatIsRolledBackIsRepeatedAndNoneOfItIsLostOrDoneTwice() throws Exception {
    try (ChildProcess work = ChildProcess.start(Class.forName("RepeatedWork"), url)) {
      assertThat(work.awaitLine("balance: ", LIMIT)).isEqualTo("100");
      assertThat(work.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void theMembersSeeEachOtherComeGoAndDie() throws Exception {
    Class<?> members = Class.forName("Members");
    try (ChildProcess ada = ChildProcess.start(members, url, "ada")) {
      ada.awaitLine("members: [ada]", LIMIT);
      try (ChildProcess bob = ChildProcess.start(members, url, "bob")) {
        ada.awaitLine("members: [ada, bob]", LIMIT);
        bob.send("");
        assertThat(bob.awaitExit(LIMIT)).isZero();
        ada.awaitLine("members: [ada]", LIMIT);
      }
      try (ChildProcess eve = ChildProcess.start(members, url, "eve")) {
        ada.awaitLine("members: [ada, eve]", LIMIT);
        eve.kill9();
        ada.awaitLine("members: [ada]", LIMIT);
      }
    }
  }

  @Test
  void theJobsRunOnceWhicheverProcessAsks() throws Exception {
    Class<?> jobs = Class.forName("ScheduledJobs");
    try (ChildProcess one = ChildProcess.start(jobs, url)) {
      assertThat(one.awaitLine("daily-report: ", LIMIT)).isEqualTo("RAN");
      one.awaitLine("heartbeat", LIMIT);
      try (ChildProcess two = ChildProcess.start(jobs, url)) {
        assertThat(two.awaitLine("daily-report: ", LIMIT)).isEqualTo("DONE_BEFORE");
        one.send("");
        assertThat(one.awaitExit(LIMIT)).isZero();
        two.awaitLine("heartbeat", LIMIT);
        two.send("");
        assertThat(two.awaitExit(LIMIT)).isZero();
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
      List<String> said =
          List.of(first.awaitLine("order 17, label ", LIMIT), second.awaitLine("order", LIMIT));
      assertThat(first.awaitExit(LIMIT)).isZero();
      assertThat(second.awaitExit(LIMIT)).isZero();
      assertThat(said).filteredOn(line -> line.endsWith(": shipped")).hasSize(1);
      assertThat(said).filteredOn(line -> line.endsWith(": was shipped before")).hasSize(1);
    }
  }

  @Test
  void everyOrderHasItsInvoiceAndItsReminder() throws Exception {
    Class<?> taskQueue = Class.forName("TaskQueue");
    for (int run = 1; run <= 2; run++) {
      try (ChildProcess process = ChildProcess.start(taskQueue, url)) {
        assertThat(process.awaitLine("invoices waiting: ", LIMIT)).isEqualTo("0");
        if (run == 1) {
          process.awaitLine("reminder: O005", LIMIT);
        }
        assertThat(process.awaitExit(LIMIT)).isZero();
      }
    }
    assertThat(query("SELECT count(*) FROM ordered")).isEqualTo("2");
    assertThat(query("SELECT count(*) FROM invoice")).isEqualTo("2");
    assertThat(query("SELECT dead FROM pgkeeper.queues WHERE queue = 'invoices'")).isEqualTo("0");
  }

  @Test
  void whatIsSetAgainstCuratorRuns() throws Exception {
    try (ChildProcess program = ChildProcess.start(Class.forName("ComingFromCurator"), url)) {
      assertThat(program.awaitLine("orders: ", LIMIT)).isEqualTo("3");
      assertThat(program.awaitLine("task: ", LIMIT)).isEqualTo("O005");
      assertThat(program.awaitLine("mail: ", LIMIT)).isEqualTo("25");
      program.awaitLine("all of it", LIMIT);
      assertThat(program.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void aStoppedProcessKeepsItsLockForAWhileAndIsRefusedAfterLong() throws Exception {
    try (ChildProcess story = ChildProcess.start(Class.forName("LongPause"), url)) {
      story.awaitLine("  ada wrote", LIMIT);
      story.awaitLine("* Bob has it, with the larger token ", LIMIT);
      assertThat(story.awaitLine("  ada was refused: ", LIMIT)).contains("/reports/monthly");
      assertThat(story.awaitLine("* What is there: ", LIMIT)).isEqualTo("ada, bob");
      assertThat(story.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void whoseNetworkIsCutLosesTheLockAndKnowsItFirst() throws Exception {
    try (ChildProcess cut = ChildProcess.start(Class.forName("CutNetwork"), url)) {
      cut.awaitLine("Ada is told: JEOPARDY", LIMIT);
      assertThat(cut.awaitLine("Bob holds the lock; does Ada believe she does? ", LIMIT))
          .isEqualTo("false");
      assertThat(cut.awaitLine("Bob's token is larger: ", LIMIT)).isEqualTo("true");
      cut.awaitLine("Ada's write is refused", LIMIT);
      assertThat(cut.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void workThatTakesLongKeepsItsLockAndItsMessage() throws Exception {
    try (ChildProcess work = ChildProcess.start(Class.forName("LongWork"), url)) {
      work.awaitLine("lock still held: true, taken by another: false", LIMIT);
      assertThat(work.awaitLine("converting holidays.mp4, attempt ", LIMIT)).isEqualTo("1");
      assertThat(work.awaitLine("films left: ", LIMIT)).isEqualTo("0");
      assertThat(work.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void anOrderThatFailsLeavesNeitherARowNorAMessage() throws Exception {
    try (ChildProcess order = ChildProcess.start(Class.forName("TransactionalOrder"), url)) {
      order.awaitLine("O001 failed: ", LIMIT);
      assertThat(order.awaitLine("orders: ", LIMIT)).isEqualTo("O002");
      assertThat(order.awaitLine("for the warehouse: ", LIMIT)).isEqualTo("O002");
      assertThat(order.awaitExit(LIMIT)).isZero();
    }
    assertThat(query("SELECT ready FROM pgkeeper.queues WHERE queue = 'warehouse'")).isEqualTo("1");
  }

  @Test
  void oneLeadsAndTheNextOneWhenThatLeavesOrIsKilled() throws Exception {
    Class<?> election = Class.forName("LeaderElection");
    try (ChildProcess ada = ChildProcess.start(election, url, "ada")) {
      ada.awaitLine("ada leads, ", LIMIT);
      try (ChildProcess bob = ChildProcess.start(election, url, "bob")) {
        awaitCandidates(2);
        ada.send("");
        ada.awaitLine("ada leads no more", LIMIT);
        bob.awaitLine("bob leads, ", LIMIT);
        assertThat(ada.awaitExit(LIMIT)).isZero();
        try (ChildProcess eve = ChildProcess.start(election, url, "eve")) {
          awaitCandidates(2);
          bob.kill9();
          eve.awaitLine("eve leads, ", LIMIT);
        }
      }
    }
  }

  @Test
  void aMeasuredClientSaysThatItIsReadyAndWhatItWasGranted() throws Exception {
    try (ChildProcess client = ChildProcess.start(Class.forName("MeasuredClient"), url)) {
      client.awaitLine("ready: true", LIMIT);
      client.awaitLine("holds /reports/daily", LIMIT);
      client.awaitLine("grants: 1.0", LIMIT);
    }
  }

  @Test
  void threeWorkersBeginTogetherAndGoOnTogether() throws Exception {
    Class<?> barrier = Class.forName("BarrierOfThree");
    try (ChildProcess ada = ChildProcess.start(barrier, url, "ada");
        ChildProcess bob = ChildProcess.start(barrier, url, "bob")) {
      ada.awaitLine("ada is ready", LIMIT);
      bob.awaitLine("bob is ready", LIMIT);
      Await.until(
          LIMIT,
          "two wait",
          () ->
              query("SELECT count(*) FROM pgkeeper.nodes WHERE path LIKE '/load/workers/%'")
                  .equals("2"));
      assertThat(ada.takeLines()).isEmpty();
      try (ChildProcess eve = ChildProcess.start(barrier, url, "eve")) {
        ada.awaitLine("ada loads", LIMIT);
        bob.awaitLine("bob loads", LIMIT);
        eve.awaitLine("eve loads", LIMIT);
        assertThat(ada.awaitLine("ada goes on: ", LIMIT)).isEqualTo("3 parts");
        assertThat(bob.awaitLine("bob goes on: ", LIMIT)).isEqualTo("3 parts");
        assertThat(eve.awaitLine("eve goes on: ", LIMIT)).isEqualTo("3 parts");
        assertThat(eve.awaitExit(LIMIT)).isZero();
      }
    }
  }

  @Test
  void callsGoToTheInstancesInTurnAndNotToOneThatDied() throws Exception {
    Class<?> discovery = Class.forName("ServiceDiscovery");
    try (ChildProcess one = ChildProcess.start(discovery, url, "8081")) {
      one.awaitLine("instances: [8081]", LIMIT);
      try (ChildProcess two = ChildProcess.start(discovery, url, "8082")) {
        one.awaitLine("instances: [8081, 8082]", LIMIT);
        List<String> called = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          one.send("");
          called.add(one.awaitLine("call goes to localhost:", LIMIT));
        }
        assertThat(called.subList(0, 2)).containsExactlyInAnyOrder("8081", "8082");
        assertThat(called.subList(2, 4)).isEqualTo(called.subList(0, 2));
        two.kill9();
        one.awaitLine("instances: [8081]", LIMIT);
      }
      one.send("quit");
      assertThat(one.awaitExit(LIMIT)).isZero();
    }
  }

  @Test
  void theShardsAreSharedOutAndTakenOverFromWhoeverIsKilled() throws Exception {
    Class<?> shards = Class.forName("SharedShards");
    try (ChildProcess ada = ChildProcess.start(shards, url, "ada")) {
      for (int i = 0; i < 6; i++) {
        ada.awaitLine("begins ", LIMIT);
      }
      try (ChildProcess bob = ChildProcess.start(shards, url, "bob")) {
        List<String> moved = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          moved.add(bob.awaitLine("begins ", LIMIT));
        }
        bob.kill9();
        List<String> back = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          back.add(ada.awaitLine("begins ", LIMIT));
        }
        assertThat(back).containsExactlyInAnyOrderElementsOf(moved);
      }
      ada.send("");
      ada.awaitLine("ada ends with 6", LIMIT);
      assertThat(ada.awaitExit(LIMIT)).isZero();
    }
  }

  private void awaitCandidates(int number) {
    Await.until(
        LIMIT,
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
