package dev.pgkeeper.ui;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.queue.Bury;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Something of everything that the page shows. */
final class Scene implements AutoCloseable {
  static final String ORDER = "/locks/orders/4711";
  static final String SECRET = "a payload that nobody is to see";

  final Keeper first;
  final Keeper second;
  final Keeper third;
  final Held held;
  final CompletableFuture<Held> next;
  final CompletableFuture<Held> last;
  final MessageQueue<String> mails;

  private final TestDatabase database;
  private final List<Keeper> keepers = new ArrayList<>();
  private final Candidacy leading;
  private final Candidacy following;

  Scene(TestDatabase database) throws InterruptedException {
    this.database = database;
    first = keeper("orders-1");
    second = keeper("orders-2");
    third = keeper("mailer");
    held = first.lock(ORDER).acquire(Await.LIMIT);
    next = second.lock(ORDER).acquireAsync();
    awaitWaiters(1);
    last = third.lock(ORDER).acquireAsync();
    awaitWaiters(2);
    leading = first.election("/leader").withIdentity("node-1").run(work -> stay());
    Await.until("a leader", () -> second.election("/leader").leader().isPresent());
    following = second.election("/leader").withIdentity("node-2").run(work -> stay());
    Await.until("two candidates", () -> second.election("/leader").candidates().size() == 2);
    plant();
    mails = first.queue("mails", Codec.text());
    fill();
    runJobs();
  }

  private static Object stay() throws InterruptedException {
    Thread.sleep(Duration.ofHours(1).toMillis());
    return "";
  }

  Keeper keeper(String client) {
    Keeper keeper =
        Keeper.connect(database.dataSource(), database.keeperOptions().withClientName(client));
    keepers.add(keeper);
    return keeper;
  }

  private void awaitWaiters(int number) {
    Await.until(number + " who wait", () -> first.lock(ORDER).waiters().size() == number);
  }

  private void plant() {
    first.tree().create("/services", new byte[0], CreateMode.PERSISTENT);
    first.tree().create("/services/mail", new byte[0], CreateMode.PERSISTENT);
    first.tree().create("/services/mail/m-1", SECRET.getBytes(UTF_8), CreateMode.EPHEMERAL);
    first.tree().create("/services/pay", SECRET.getBytes(UTF_8), CreateMode.PERSISTENT);
  }

  private void fill() throws InterruptedException {
    mails.enqueue(SECRET);
    try (MessageConsumer consumer =
        mails.consume(
            ConsumeOptions.defaults(),
            delivery -> {
              throw new Bury("no such address");
            })) {
      Await.until(
          "a dead letter", () -> database.queryLong("SELECT dead FROM ${schema}.queues") == 1);
    }
    mails.enqueueAll(List.of(SECRET, SECRET, SECRET));
  }

  private void runJobs() {
    first.jobs().once("report", "2026-11-19", connection -> {});
    try {
      first
          .jobs()
          .once(
              "report",
              "2026-11-20",
              connection -> {
                throw new IllegalStateException("the printer is out of paper");
              });
    } catch (IllegalStateException e) {
      // that it failed is what the page shows
    }
    second.jobs().once("cleanup", "2026-11-20", connection -> {});
  }

  @Override
  public void close() {
    following.close();
    leading.close();
    keepers.forEach(Keeper::close);
  }
}
