package dev.pgkeeper.cli;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.cache.Setting;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** A database in which there is something of everything, and who may look at it. */
final class KnownState implements AutoCloseable {

  final TestDatabase database = TestDatabase.fresh();
  final Keeper orders = keeper("orders");
  final Keeper mails = keeper("mails");
  private final String inspector = database.roleName("inspector");

  KnownState() throws Exception {
    database.execute("CREATE ROLE " + inspector + " LOGIN PASSWORD 'secret'");
    database.execute("CALL ${schema}.grant_inspector('" + inspector + "')");
    try (Held past = orders.lock("/locks/past").acquire()) {
      past.ensureHeld();
    }
    orders.lock("/locks/a").acquire();
    orders.lock("/locks-other").acquire();
    mails.lock("/locks/a").acquireAsync();
    stand(orders, "ada");
    await("leaders", 1);
    stand(mails, "bob");
    await("candidates", 2);
    await("lock_waiters", 1);
    fill(orders.queue("mails", Codec.text()));
    orders.jobs().once("report", "2026-11-21", connection -> {});
    orders.tree().watch("/watched", WatchMode.PERSISTENT, event -> {});
    orders.tree().create("/services", bytes(""));
    orders.tree().create("/services/web", bytes("payload"), CreateMode.EPHEMERAL);
    orders.settings("/config").set(Setting.text("colour", "red"), "green");
    database.execute("SELECT ${schema}.pause_queue('mails', 'a test')");
  }

  private Keeper keeper(String name) {
    return Keeper.connect(database.dataSource(), database.keeperOptions().withClientName(name));
  }

  private static void stand(Keeper keeper, String identity) {
    keeper
        .election("/leader")
        .withIdentity(identity)
        .run(leadership -> new CountDownLatch(1).await());
  }

  /** One claimed, one dead, one that waits. */
  private static void fill(MessageQueue<String> queue) {
    queue.enqueueAll(List.of("first", "second", "third"));
    queue.take().orElseThrow();
    queue.take().orElseThrow().bury("not wanted");
  }

  private void await(String view, int rows) {
    Await.until(
        rows + " in " + view,
        () -> database.queryLong("SELECT count(*) FROM ${schema}." + view) == rows);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Runs a command as somebody who may look and do nothing else. */
  Ran asInspector(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--schema", database.schema(), "--user", inspector));
    return Ran.here(
        Map.of("PGKEEPER_URL", urlWithoutRole(), "PGPASSWORD", "secret"),
        all.toArray(String[]::new));
  }

  private String urlWithoutRole() {
    return database.urlOfNobody();
  }

  @Override
  public void close() {
    orders.close();
    mails.close();
    database.execute("DROP OWNED BY " + inspector);
    database.execute("DROP ROLE " + inspector);
    database.close();
  }
}
