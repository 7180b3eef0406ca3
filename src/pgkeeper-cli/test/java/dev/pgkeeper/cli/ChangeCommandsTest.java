package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What operators change, and messages. */
class ChangeCommandsTest {

  private static TestDatabase database;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = database.keeper();
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  private static Ran run(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--url", database.jdbcUrl(), "--schema", database.schema()));
    return Ran.here(Map.of(), all.toArray(String[]::new));
  }

  private static String done(String... arguments) {
    Ran ran = run(arguments);
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    return ran.out();
  }

  private static void failed(Ran ran, String... parts) {
    assertThat(ran.err()).contains(parts).hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  private static String lastReason(String function) {
    return database.queryString(
        "SELECT why FROM ${schema}.operations WHERE what = '"
            + function
            + "' ORDER BY number DESC LIMIT 1");
  }

  @Test
  void endingASessionTakesAllThatItOwned() {
    Keeper doomed = database.keeper();
    doomed.lock("/doomed").acquireAsync().join();
    String session = "" + doomed.session().id();
    assertThat(done("session", "end", session, "--why", "it hangs")).isEqualTo("ended\n");
    assertThat(lastReason("end_session")).isEqualTo("it hangs");
    assertThat(done("locks", "/doomed")).isEqualTo("no locks\n");
    failed(run("session", "end", session, "--why", "again"), "no session " + session);
    doomed.close();
  }

  @Test
  void breakingALockTakesItAway() throws Exception {
    Held held = keeper.lock("/broken").acquire();
    failed(
        run("lock", "break", "/broken", "--why", "stuck", "--token", "" + (held.token() + 1)),
        "nobody holds /broken with token");
    assertThat(done("lock", "break", "/broken", "--why", "stuck", "--json"))
        .isEqualTo("{\"function\": \"break_lock\", \"result\": 1}\n");
    assertThat(lastReason("break_lock")).isEqualTo("stuck");
    assertThat(done("locks", "/broken")).isEqualTo("no locks\n");
    failed(run("lock", "break", "/nothing", "--why", "x"), "/nothing", "locks");
  }

  @Test
  void aLeadershipIsMovedToACandidate() {
    for (String identity : List.of("ada", "bob", "eve")) {
      keeper
          .election("/election")
          .withIdentity(identity)
          .run(leadership -> new CountDownLatch(1).await());
      Await.until(identity, () -> done("candidates", "/election").contains(identity));
    }
    assertThat(done("leader", "move", "/election", "eve", "--why", "she is nearer"))
        .matches("leads now, with token \\d+\n");
    assertThat(done("leaders", "/election")).contains("eve").doesNotContain("ada", "bob");
    failed(run("leader", "move", "/election", "zoe", "--why", "x"), "'zoe'");
  }

  @Test
  void aQueueIsPausedAndResumed() {
    keeper.queue("halted", Codec.text()).enqueue("x");
    assertThat(done("queue", "pause", "halted", "--why", "full")).isEqualTo("paused\n");
    assertThat(done("queue", "pause", "halted", "--why", "full")).isEqualTo("was paused before\n");
    failed(run("queue", "pop", "halted"), "no message in the queue halted");
    assertThat(done("queue", "resume", "halted", "--why", "empty")).isEqualTo("resumed\n");
    assertThat(done("queue", "resume", "halted", "--why", "empty")).isEqualTo("was not paused\n");
    assertThat(done("queue", "pop", "halted")).isEqualTo("x");
    failed(run("queue", "pause", "absent", "--why", "x"), "absent");
  }

  @Test
  void deadLettersWaitAgainOrGo() {
    MessageQueue<String> queue = keeper.queue("dead", Codec.text());
    List<Long> ids = queue.enqueueAll(List.of("a", "b", "c"));
    ids.forEach(id -> queue.take().orElseThrow().bury("not wanted"));
    assertThat(done("queue", "redrive", "dead", "--why", "x", "--older", "1h"))
        .isEqualTo("dead letters that wait again: 0\n");
    assertThat(done("queue", "redrive", "dead", "--why", "x", "--id", "" + ids.get(1)))
        .isEqualTo("dead letters that wait again: 1\n");
    assertThat(done("queue", "pop", "dead")).isEqualTo("b");
    assertThat(done("queue", "discard", "dead", "--why", "x", "--id", "" + ids.get(2), "--json"))
        .isEqualTo("{\"function\": \"discard_dead_letters\", \"result\": 1}\n");
    assertThat(done("queue", "redrive", "dead", "--why", "x"))
        .isEqualTo("dead letters that wait again: 1\n");
    assertThat(done("queue", "purge", "dead", "--why", "x")).isEqualTo("messages deleted: 1\n");
  }

  @Test
  void aJobIsPausedResumedAndTriggered() {
    keeper.jobs().once("nightly", "1", connection -> {});
    assertThat(done("job", "pause", "nightly", "--why", "x")).isEqualTo("paused\n");
    assertThat(done("job", "pause", "nightly", "--why", "x")).isEqualTo("was paused before\n");
    assertThat(done("job", "trigger", "nightly", "--why", "now"))
        .matches("asked for; its tick is \\S+\n");
    assertThat(done("runs", "nightly")).contains("requested");
    assertThat(done("job", "resume", "nightly", "--why", "x")).isEqualTo("resumed\n");
    failed(run("job", "pause", "absent", "--why", "x"), "absent");
  }

  @Test
  void howMuchHistoryIsKeptIsSaid() {
    assertThat(done("keep-history", "--keep", "7d", "--why", "less")).isEqualTo("done\n");
    assertThat(lastReason("configure_history")).isEqualTo("less");
    done("keep-history", "--enabled", "false", "--most-rows", "500", "--why", "none");
    assertThat(
            database.queryString(
                "SELECT concat_ws(' ', enabled, keep = interval '7 days', most_rows) FROM"
                    + " ${schema}.history_settings"))
        .isEqualTo("f t 500");
    done("keep-history", "--enabled", "true", "--why", "again");
    failed(run("keep-history", "--keep", "0s", "--why", "x"), "some time");
  }

  @Test
  void whatIsOldIsPruned() {
    assertThat(done("prune", "history", "--older", "1000d", "--why", "x"))
        .isEqualTo("rows deleted: 0\n");
    assertThat(lastReason("prune")).isEqualTo("x");
    failed(run("prune", "everything", "--older", "1d", "--why", "x"), "'everything'");
  }

  @Test
  void whoIsNoOperatorIsToldWhatIsMissing() {
    String role = database.roleName("nobody");
    database.execute("CREATE ROLE " + role + " LOGIN PASSWORD 'secret'");
    database.execute("CALL ${schema}.grant_inspector('" + role + "')");
    try {
      String url = database.urlOfNobody();
      Ran ran =
          Ran.here(
              Map.of("PGPASSWORD", "secret"),
              ("session end 1 --why x --url " + url + " --user " + role + " --schema ")
                  .concat(database.schema())
                  .split(" "));
      failed(ran, "permission denied", "grant_operator");
    } finally {
      database.execute("DROP OWNED BY " + role);
      database.execute("DROP ROLE " + role);
    }
  }

  @Test
  void aMessageGoesThroughAsItIs() {
    String id = done("queue", "push", "through", "two words").strip();
    assertThat(done("queue", "push", "through", "next", "--dedup", "k", "--json"))
        .matches("\\{\"queue\": \"through\", \"id\": \\d+, \"duplicate\": false}\n");
    assertThat(done("queue", "push", "through", "next", "--dedup", "k"))
        .matches("\\d+ was there before\n");
    assertThat(done("queue", "peek", "through"))
        .matches(
            "(?s) *id  attempt  key  priority  enqueued +bytes  data\n"
                + id
                + " +1  -  +0  \\S+ +9  two words\n.* 4  next\n");
    assertThat(done("queue", "pop", "through")).isEqualTo("two words");
    assertThat(done("queue", "pop", "through", "--json"))
        .matches("\\{\"id\": \\d+, \"attempt\": 1, .*\"data\": \"next\"}\n");
    failed(run("queue", "pop", "through"), "there is no message in the queue through");
    assertThat(done("queue", "peek", "through")).isEqualTo("no messages that could be taken now\n");
    assertThat(done("queue", "peek", "through", "--json")).isEqualTo("[]\n");
    assertThat(database.queryLong("SELECT claimed FROM ${schema}.queues WHERE queue = 'through'"))
        .as("what was popped is acked")
        .isZero();
  }

  @Test
  void aMessageCarriesWhatItIsGiven() {
    done("queue push given x --priority 7 --key k --header a=b --header c=d --ttl 1h".split(" "));
    assertThat(done("queue", "peek", "given", "--json"))
        .contains(
            "\"key\": \"k\", \"priority\": 7,",
            "\"headers\": {\"a\": \"b\", \"c\": \"d\"}, \"data\": \"x\"}");
    done("queue", "push", "later", "x", "--delay", "1h");
    assertThat(database.queryLong("SELECT delayed FROM ${schema}.queues WHERE queue = 'later'"))
        .isEqualTo(1);
  }

  @Test
  void aQueueThatIsNotThereIsNotMadeByLooking() {
    failed(run("queue", "pop", "absent"), "there is no queue \"absent\"; check the spelling");
    failed(run("queue", "peek", "absent"), "there is no queue \"absent\"; check the spelling");
    assertThat(done("queues", "absent")).isEqualTo("no queues\n");
  }
}
