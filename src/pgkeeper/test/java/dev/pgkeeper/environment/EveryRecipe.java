package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.cache.Setting;
import dev.pgkeeper.cache.Settings;
import dev.pgkeeper.discovery.Discovery;
import dev.pgkeeper.discovery.Participation;
import dev.pgkeeper.discovery.PartitionListener;
import dev.pgkeeper.discovery.Registration;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.job.Again;
import dev.pgkeeper.job.RunResult;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.Topic;
import dev.pgkeeper.shared.Counter;
import dev.pgkeeper.shared.DoubleBarrier;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import javax.sql.DataSource;

/** What each recipe promises, once, with two clients. */
public enum EveryRecipe {
  TREE(
      stage -> {
        Tree tree = stage.one.tree();
        tree.create(NewNode.at("/tree/a/b").data(bytes("1")).withParents());
        tree.set("/tree/a/b", bytes("2"), 0);
        assertThatThrownBy(() -> tree.set("/tree/a/b", bytes("3"), 0))
            .isInstanceOf(KeeperException.BadVersion.class);
        assertThat(tree.add("/tree/a/b", 40)).isEqualTo(42);
        tree.multi(
            Op.create("/tree/c", bytes("")),
            Op.set("/tree/c", bytes("x"), 0),
            Op.delete("/tree/c"));
        assertThat(tree.readAll(List.of(Read.node("/tree/a"), Read.children("/tree")))).hasSize(2);
        assertThat(tree.children("/tree/a")).containsExactly("b");
        tree.nodeSums(Scope.SUBTREE, "/tree");
        assertThat(tree.deleteRecursive("/tree")).isEqualTo(3);
      }),

  EPHEMERAL(
      stage -> {
        stage.one.tree().create(NewNode.at("/ephemeral/parent").withParents());
        String mine =
            stage
                .one
                .tree()
                .create("/ephemeral/parent/n-", bytes(""), CreateMode.EPHEMERAL_SEQUENTIAL);
        assertThat(stage.other.tree().stat(mine).ephemeralOwner())
            .isEqualTo(stage.one.session().id());
        stage.one.tree().delete(mine);
      }),

  WATCH(
      stage -> {
        stage.one.tree().create(NewNode.at("/watch/node").withParents());
        CountDownLatch once = new CountDownLatch(1);
        Semaphore told = new Semaphore(0);
        stage.one.tree().get("/watch/node", event -> once.countDown());
        stage.one.tree().watch("/watch", WatchMode.PERSISTENT_RECURSIVE, event -> told.release());
        stage.other.tree().set("/watch/node", bytes("1"));
        await(once);
        await(told); // of two changes at once it may be told once
        stage.other.tree().set("/watch/node", bytes("2"));
        await(told);
      }),

  TREE_IN_A_TRANSACTION(
      stage ->
          stage.inTransaction(
              connection -> {
                stage.one.tree(connection).create(NewNode.at("/own/node").withParents());
                stage.one.tree(connection).set("/own/node", bytes("1"));
                assertThat(stage.one.tree(connection).exists("/own/node")).isPresent();
                stage.one.tree(connection).deleteRecursive("/own");
              })),

  MUTEX(
      stage -> {
        Held first = stage.one.lock("/mutex").acquire(Await.LIMIT);
        assertThat(stage.other.lock("/mutex").tryAcquire()).isEmpty();
        CompletableFuture<Held> second = stage.other.lock("/mutex").acquireAsync();
        Await.until("it waits", () -> !stage.one.lock("/mutex").waiters().isEmpty());
        first.inTransaction(connection -> {});
        long token = first.token();
        first.release();
        try (Held held = second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          assertThat(held.token()).isGreaterThan(token);
          stage.inTransaction(held::fence);
        }
        assertThatThrownBy(() -> stage.inTransaction(first::fence))
            .isInstanceOf(KeeperException.NotHeld.class);
      }),

  LOCKS_OF_OTHER_KINDS(
      stage -> {
        try (Held outer = stage.one.reentrantLock("/kinds/re").acquire();
            Held inner = stage.one.reentrantLock("/kinds/re").acquire()) {
          assertThat(inner.token()).isEqualTo(outer.token());
        }
        try (Held reader = stage.one.readWriteLock("/kinds/rw").read().acquire()) {
          assertThat(stage.other.readWriteLock("/kinds/rw").write().tryAcquire()).isEmpty();
          stage.other.readWriteLock("/kinds/rw").read().acquire().close();
        }
        try (Held one = stage.one.semaphore("/kinds/semaphore", 2).acquire();
            Held two = stage.other.semaphore("/kinds/semaphore", 2).acquire()) {
          assertThat(stage.other.semaphore("/kinds/semaphore", 2).tryAcquire()).isEmpty();
        }
        stage.one.multiLock(List.of("/kinds/a", "/kinds/b")).acquire().close();
        Lock java = stage.one.javaLock("/kinds/java");
        java.lock();
        java.unlock();
        try (Held limited =
            stage.one.lock("/kinds/limited").atMost(Duration.ofHours(1)).acquire()) {
          limited.ensureHeld();
        }
      }),

  LOCK_IN_A_TRANSACTION(
      stage ->
          stage.inTransaction(
              connection -> {
                stage.one.lockInTransaction(connection, "/transaction");
                stage.inTransaction(
                    another ->
                        assertThat(stage.other.tryLockInTransaction(another, "/transaction"))
                            .isFalse());
              })),

  ELECTION(
      stage -> {
        CountDownLatch leads = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        try (Candidacy one =
            stage
                .one
                .election("/election")
                .run(
                    leadership -> {
                      leadership.inTransaction(connection -> {});
                      leads.countDown();
                      ended.await();
                    })) {
          await(leads);
          assertThat(stage.other.election("/election").leader()).isPresent();
          ended.countDown();
        }
      }),

  GUARD(
      stage -> {
        assertThat(stage.one.jobs().once("daily", "monday", connection -> {}))
            .isEqualTo(RunResult.RAN);
        assertThat(stage.other.jobs().once("daily", "monday", connection -> {}))
            .isEqualTo(RunResult.DONE_BEFORE);
        assertThat(stage.one.jobs().onceOutside("mail", "monday", Again.NEVER, null, run -> {}))
            .isEqualTo(RunResult.RAN);
        assertThat(
                stage.one.jobs().exclusively("sync", Duration.ofHours(1), Duration.ZERO, run -> {}))
            .isEqualTo(RunResult.RAN);
      }),

  SCHEDULER(
      stage -> {
        CountDownLatch ran = new CountDownLatch(1);
        try (var scheduler = stage.one.jobs().scheduler()) {
          scheduler.job("often").every(Duration.ofMillis(100)).run(connection -> ran.countDown());
          scheduler.start();
          await(ran);
        }
      }),

  QUEUE(
      stage -> {
        MessageQueue<String> queue = stage.one.queue("plain", Codec.text());
        queue.enqueue("one");
        stage.inTransaction(connection -> queue.enqueue(connection, "two"));
        Delivery<String> first = queue.take(Await.LIMIT).orElseThrow();
        assertThat(first.body()).isEqualTo("one");
        first.ack();
        stage.inTransaction(
            connection -> assertThat(queue.take(connection).orElseThrow().body()).isEqualTo("two"));
        assertThat(queue.take()).isEmpty();
      }),

  QUEUE_WITH_CONSUMERS(
      stage -> {
        MessageQueue<String> queue =
            stage.one.queue("keys", Codec.text(), QueueOptions.defaults().withMostTries(1));
        AtomicInteger handled = new AtomicInteger();
        for (int i = 0; i < 20; i++) {
          queue.enqueue(Outgoing.of("m" + i).key("k" + i % 3));
        }
        queue.enqueue(Outgoing.of("bad").deduplicationKey("bad"));
        try (MessageConsumer one =
                queue.consume(
                    ConsumeOptions.defaults().withConcurrency(2),
                    message -> {
                      if (message.body().equals("bad")) {
                        throw new IllegalStateException("bad");
                      }
                      handled.incrementAndGet();
                    });
            MessageConsumer other =
                stage
                    .other
                    .queue("keys", Codec.text())
                    .consumeInTransactions(
                        ConsumeOptions.defaults(),
                        (connection, message) -> {
                          if (message.body().equals("bad")) {
                            throw new IllegalStateException("bad");
                          }
                          handled.incrementAndGet();
                        })) {
          Await.until(
              () -> handled + " of 20 handled, " + queue.size(),
              () -> handled.get() == 20 && queue.deadLetters().list(10).size() == 1);
        }
        queue.deadLetters().discardAll();
      }),

  TOPIC(
      stage -> {
        Topic<String> topic = stage.one.topic("news", Codec.text());
        MessageQueue<String> subscription = topic.subscribe("me");
        topic.publish("hello");
        subscription.take(Await.LIMIT).orElseThrow().ack();
        topic.unsubscribe("me");
      }),

  NUMBERS(
      stage -> {
        Counter counter = stage.one.counter("/numbers/counter");
        assertThat(counter.add(3)).isEqualTo(3);
        assertThat(counter.compareAndSet(3, 4)).isTrue();
        assertThat(stage.other.idGenerator("/numbers/ids").next())
            .isNotEqualTo(stage.one.idGenerator("/numbers/ids").next());
        assertThat(
                stage
                    .one
                    .sharedValue("/numbers/value", Codec.text(), "a")
                    .update(value -> value + "b")
                    .value())
            .isEqualTo("ab");
      }),

  BARRIERS(
      stage -> {
        stage.one.barrier("/barriers/barrier").set();
        stage.other.barrier("/barriers/barrier").remove();
        assertThat(stage.one.barrier("/barriers/barrier").await(Await.LIMIT)).isTrue();
        stage.other.latch("/barriers/latch", 1).countDown();
        assertThat(stage.one.latch("/barriers/latch", 1).await(Await.LIMIT)).isTrue();
        DoubleBarrier mine = stage.one.doubleBarrier("/barriers/double", 2);
        DoubleBarrier others = stage.other.doubleBarrier("/barriers/double", 2);
        CompletableFuture<Void> elsewhere =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    others.enter();
                    others.leave();
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                });
        mine.enter();
        mine.leave();
        elsewhere.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
        Meeting meeting = stage.one.meeting("/barriers/meeting", 1);
        assertThat(meeting.come().awaitBeginning(Await.LIMIT)).isTrue();
      }),

  WHO_IS_THERE(
      stage -> {
        try (var membership = stage.one.group("/there/group").join("me", bytes(""));
            Registration registration =
                stage
                    .one
                    .services("/there/services")
                    .register("web", ServiceInstance.at("10.0.0.1", 80));
            Discovery discovery = stage.other.services("/there/services").discover("web");
            PersistentNode node = stage.one.persistentNode("/there/node", bytes(""))) {
          Await.until(
              "all are there",
              () ->
                  stage.other.group("/there/group").members().size() == 1
                      && discovery.instances().size() == 1
                      && node.isThere());
        }
      }),

  SHARED_OUT(
      stage -> {
        PartitionListener listener =
            new PartitionListener() {
              @Override
              public void onAcquired(String element, Held held) {
                held.inTransaction(connection -> {});
              }

              @Override
              public void onRelease(String element) {}
            };
        try (Participation one =
                stage.one.partitioner("/out", List.of("a", "b")).join("one", listener);
            Participation other =
                stage.other.partitioner("/out", List.of("a", "b")).join("other", listener)) {
          Await.until("each has one", () -> one.owned().size() == 1 && other.owned().size() == 1);
        }
      }),

  KEPT_COPIES(
      stage -> {
        Setting<String> colour = Setting.text("colour", "red");
        try (Settings settings = stage.one.settings("/copies/settings");
            Settings others = stage.other.settings("/copies/settings");
            NodeCache cache = stage.other.cache("/copies", Scope.SUBTREE)) {
          settings.set(colour, "blue");
          Await.until("it is known", () -> others.get(colour).equals("blue"));
          assertThat(settings.history(colour)).isNotEmpty();
          assertThat(cache.awaitCurrent(Await.LIMIT)).isTrue();
          assertThat(cache.size()).isPositive();
        }
      }),

  FENCED_STORE(
      stage -> {
        try (Held held = stage.one.lock("/store/lock").acquire()) {
          stage.one.fencedStore("files").write("key", held.token(), bytes("1"));
          assertThat(stage.other.fencedStore("files").read("key")).isPresent();
        }
      });

  private final Smoke smoke;

  EveryRecipe(Smoke smoke) {
    this.smoke = smoke;
  }

  /** What a recipe is used with. */
  public record Stage(Keeper one, Keeper other, DataSource source) {

    /** Work in a transaction of the application's own; its pool sets back what it sets. */
    interface Work {
      void on(Connection connection) throws Exception;
    }

    private void inTransaction(Work work) throws Exception {
      try (Connection connection = source.getConnection()) {
        connection.setAutoCommit(true);
        connection.setReadOnly(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        connection.setAutoCommit(false);
        try {
          work.on(connection);
          connection.commit();
        } finally {
          connection.rollback();
        }
      }
    }
  }

  private interface Smoke {
    void on(Stage stage) throws Exception;
  }

  /** Whether a pool has enough connections for what is done inside transactions here. */
  public boolean fits(int connections) {
    return this != LOCK_IN_A_TRANSACTION || connections > 1;
  }

  /** Uses the recipe, and fails if it does not do what it promises. */
  public void use(Stage stage) throws Exception {
    smoke.on(stage);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }

  private static void await(Semaphore permit) throws InterruptedException {
    assertThat(permit.tryAcquire(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertThat(latch.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }
}
