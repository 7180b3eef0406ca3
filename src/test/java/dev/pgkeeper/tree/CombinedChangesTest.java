package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Tree;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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
    keeper =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
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
      future.get(60, TimeUnit.SECONDS);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }
}
