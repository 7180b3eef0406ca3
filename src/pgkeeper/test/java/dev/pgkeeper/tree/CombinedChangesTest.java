package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changes of many threads, which go to the database together. */
class CombinedChangesTest {
  private static final int THREADS = 16;

  private static TestDatabase database;
  private Keeper keeper;
  private Tree tree;
  private ExecutorService threads;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  @BeforeEach
  void connect() {
    keeper = connected();
    tree = keeper.tree();
    threads = Executors.newFixedThreadPool(THREADS);
  }

  @AfterEach
  void close() {
    threads.shutdownNow();
    keeper.close();
  }

  @Test
  void eachChangeHasItsOwnAnswer() throws Exception {
    tree.create("/own", new byte[0]);
    inThreads(
        thread -> {
          for (int i = 0; i < 60; i++) {
            String path = "/own/" + thread + "-" + i;
            assertThat(tree.create(path, bytes(path))).isEqualTo(path);
            assertThat(tree.set(path, bytes("again"), 0).version()).isEqualTo(1);
            assertThatThrownBy(() -> tree.set(path, bytes("late"), 0))
                .isInstanceOf(KeeperException.BadVersion.class)
                .hasMessageContaining(path);
            assertThatThrownBy(() -> tree.create(path, new byte[0]))
                .isInstanceOf(KeeperException.NodeExists.class)
                .hasMessageContaining(path);
            if (i % 2 == 0) {
              tree.delete(path, 1);
            }
          }
        });
    assertThat(tree.children("/own")).hasSize(THREADS * 30);
    assertThat(tree.stat("/own").numChildren()).isEqualTo(THREADS * 30);
  }

  @Test
  void whoWatchesHearsOfEachChange() throws Exception {
    tree.create("/watched", new byte[0]);
    Set<String> created = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(THREADS * 30);
    try (Keeper other = connected()) {
      other
          .tree()
          .watch(
              "/watched",
              WatchMode.PERSISTENT_RECURSIVE,
              event -> {
                if (event.type() == EventType.NODE_CREATED && created.add(event.path())) {
                  all.countDown();
                }
              });
      inThreads(
          thread -> {
            for (int i = 0; i < 30; i++) {
              tree.create("/watched/" + thread + "-" + i, new byte[0]);
            }
          });
      assertThat(all.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
          .as("all heard, of " + created.size())
          .isTrue();
    }
  }

  /** One waits for somebody's transaction, the others do not wait for that one. */
  @Test
  void whatIsHeldHoldsUpNobodyElse() throws Exception {
    tree.create("/held", new byte[0]);
    tree.create("/free", new byte[0]);
    List<Future<Integer>> stuck = new ArrayList<>();
    try (Connection holder = database.connect()) {
      holder.setAutoCommit(false);
      keeper.tree(holder).set("/held", bytes("held"));
      List<Future<String>> others = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        if (i % 50 == 0) {
          stuck.add(threads.submit(() -> tree.set("/held", bytes("after")).version()));
        }
        String path = "/free/" + i;
        others.add(threads.submit(() -> tree.create(path, new byte[0])));
      }
      for (Future<String> other : others) {
        assertThat(other.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).startsWith("/free/");
      }
      assertThat(stuck).noneMatch(Future::isDone);
      holder.commit();
    }
    Set<Integer> versions = new TreeSet<>();
    for (Future<Integer> one : stuck) {
      versions.add(one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS));
    }
    assertThat(versions).containsExactly(2, 3, 4, 5);
    assertThat(tree.stat("/free").numChildren()).isEqualTo(200);
  }

  /** The transaction gives up at once, and each change then goes alone. */
  @Test
  void changesTogetherDoNotWaitLongForOneThatIsHeld() throws Exception {
    tree.create("/locked", new byte[0]);
    try (Connection holder = database.connect();
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      holder.setAutoCommit(false);
      keeper.tree(holder).set("/locked", bytes("held"));
      statement.execute("SET statement_timeout = '10s'");
      assertThatThrownBy(
              () ->
                  statement.execute(
                      "SELECT * FROM "
                          + database.schema()
                          + ".request_each(1, 1, 1, '{create,set}', '{/not-locked,/locked}', '{a,b}',"
                          + " '{-1,-1}', '{persistent,NULL}', '{f,f}', '{NULL,NULL}')"))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("55P03"));
    }
    assertThat(tree.exists("/not-locked")).isEmpty();
  }

  private Keeper connected() {
    return Keeper.connect(
        database.dataSource(),
        KeeperOptions.defaults().withSchema(database.schema()).withSweep(Duration.ofHours(1)));
  }

  private interface Work {
    void run(int thread) throws Exception;
  }

  private void inThreads(Work work) throws Exception {
    List<Callable<Void>> works = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      int number = thread;
      works.add(
          () -> {
            work.run(number);
            return null;
          });
    }
    List<Future<Void>> futures = new ArrayList<>();
    works.forEach(w -> futures.add(threads.submit(w)));
    for (Future<Void> future : futures) {
      future.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
