package dev.pgkeeper.cli.demo;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.election.Election;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Three processes contend for one job; its leader is killed, and the next one paused. */
final class JobChapter {
  private static final List<String> NAMES = List.of("carl", "dora", "emil");

  private JobChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    story.chapter("One job, three processes: one is done once, the other only by whoever leads");
    try (Connection connection = stage.connection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE reports (worker text, number bigint)");
      statement.execute("CREATE TABLE runs (id serial, worker text, token bigint)");
    }
    List<Member> workers = NAMES.stream().map(name -> stage.start(DemoWorker.class, name)).toList();
    once(stage, workers);
    List<Member> line = line(stage, workers);
    lock(stage);
    Member zombie = kill(stage, line.get(0), line.get(1));
    pause(stage, zombie, line.get(2));
    count(stage);
  }

  /** All ask for the same run, one has it. */
  private static void once(Stage stage, List<Member> workers)
      throws InterruptedException, SQLException {
    List<String> results = new ArrayList<>();
    for (Member worker : workers) {
      results.add(worker.await("once"));
    }
    Story story = stage.story();
    story.call("guard.once(\"" + DemoWorker.DAILY + "\", ...) in each", String.join(", ", results));
    story.check(Collections.frequency(results, "RAN") == 1, "one of them does it");
    String reports = stage.show("SELECT count(*) AS reports FROM reports").get(1).get(0);
    story.check(reports.equals("1"), "its row is there once");
    stage.show("SELECT job, tick, state, attempt, client FROM pgkeeper.job_runs");
  }

  /** Who leads, who follows: in the order in which they stood. */
  private static List<Member> line(Stage stage, List<Member> workers)
      throws InterruptedException, SQLException {
    for (Member worker : workers) {
      worker.await("stands");
    }
    Election election = stage.keeper().election(DemoWorker.JOB);
    Stage.until(() -> election.candidates().size() == workers.size(), "that all stand");
    List<List<String>> candidates = candidates(stage);
    List<Member> line = candidates.stream().skip(1).map(c -> stage.member(c.get(1))).toList();
    line.get(0).await("leads");
    twoRuns(line.get(0));
    List<List<String>> leaders =
        stage.show("SELECT path, identity, token, pid FROM pgkeeper.leaders");
    stage
        .story()
        .check(
            line.size() == 3 && leaders.size() == 2 && leaders.get(1).get(1).equals(name(line)),
            "three stand, and the first leads");
    return line;
  }

  private static String name(List<Member> line) {
    return line.get(0).name();
  }

  private static List<List<String>> candidates(Stage stage) throws SQLException {
    return stage.show(
        "SELECT place, identity, leads, token, session, pid FROM pgkeeper.candidates ORDER BY place");
  }

  /** What this process holds is to be seen too. */
  private static void lock(Stage stage) throws InterruptedException, SQLException {
    Keeper keeper = stage.keeper();
    try (Held held = keeper.lock("/demo/lock").acquire()) {
      List<List<String>> locks =
          stage.show("SELECT path, recipe, token, client, pid FROM pgkeeper.locks");
      stage
          .story()
          .check(
              locks.size() == 2 && locks.get(1).get(2).equals(Long.toString(held.token())),
              "this process holds the only lock");
    }
  }

  private static Member kill(Stage stage, Member leader, Member next) throws InterruptedException {
    Story story = stage.story();
    Moment killed = Moment.now();
    leader.kill9();
    Duration took = tookOver(killed, next);
    story.call(
        "kill -9 " + leader.pid() + " (" + leader.name() + ", who leads)",
        next.name() + " leads after " + Story.text(took));
    KeeperOptions options = KeeperOptions.defaults();
    story.check(took.compareTo(options.grace()) >= 0, "nobody leads before the grace is over");
    story.check(
        took.compareTo(options.timeout()) < 0, "somebody does before the session times out");
    twoRuns(next);
    return next;
  }

  /** The paused leader is between two runs: it has just said so. */
  private static void pause(Stage stage, Member zombie, Member next)
      throws InterruptedException, SQLException {
    Story story = stage.story();
    Moment paused = Moment.now();
    zombie.signal("STOP");
    story.call(
        "kill -STOP " + zombie.pid() + " (" + zombie.name() + ", who leads)",
        next.name() + " leads after " + Story.text(tookOver(paused, next)));
    story.tell(
        "A pause closes no connection: it costs the leadership after the timeout, here "
            + Story.text(DemoWorker.TIMEOUT)
            + " and a third of it.");
    twoRuns(next);
    zombie.signal("CONT");
    String refusal = zombie.await("refused");
    story.call("kill -CONT: " + zombie.name() + " writes its next row", "refused: " + refusal);
    candidates(stage);
  }

  private static void twoRuns(Member leader) throws InterruptedException {
    leader.await("ran");
    leader.await("ran");
  }

  private static Duration tookOver(Moment since, Member next) throws InterruptedException {
    return since.until(Moment.parse(next.await("leads").split(" ", 2)[0]));
  }

  private static void count(Stage stage) throws SQLException {
    List<List<String>> rows =
        stage.show(
            "SELECT worker, token, count(*) AS runs, min(id) AS first, max(id) AS last"
                + " FROM runs GROUP BY worker, token ORDER BY min(id)");
    boolean apart = rows.size() == 4;
    for (int i = 2; i < rows.size(); i++) {
      apart &= number(rows.get(i - 1), 4) < number(rows.get(i), 3);
      apart &= number(rows.get(i - 1), 1) < number(rows.get(i), 1);
    }
    stage.story().tell("No leader wrote after the next one had begun, and the tokens only grow.");
    stage.story().check(apart, "no two led at the same time, as their rows show");
  }

  private static long number(List<String> row, int column) {
    return Long.parseLong(row.get(column));
  }
}
