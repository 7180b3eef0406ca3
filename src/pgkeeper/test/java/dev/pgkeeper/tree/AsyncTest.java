package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

class AsyncTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @Test
  void aCallAnswersLaterWithoutHoldingTheCaller() throws Exception {
    CompletableFuture<String> created =
        keeper.async(tree -> tree.create("/a", NONE) + " on " + Thread.currentThread().getName());
    assertThat(created.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
        .startsWith("/a on pgkeeper-async-");
    assertThat(keeper.tree().exists("/a")).isPresent();
  }

  @Test
  void aRefusalIsTheFuturesException() {
    CompletableFuture<byte[]> refused = keeper.async(tree -> tree.get("/none").data());
    assertThatThrownBy(() -> refused.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(KeeperException.NoNode.class)
        .hasMessageContaining("/none");
  }

  @Test
  void manyCallsMoreThanThreadsAndConnectionsAllAnswer() throws Exception {
    keeper.tree().create("/many", NONE);
    List<CompletableFuture<String>> all = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      String path = "/many/" + i;
      all.add(keeper.async(tree -> tree.create(path, NONE)));
    }
    for (CompletableFuture<String> one : all) {
      one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(keeper.tree().children("/many")).hasSize(500);
    TreeInvariants.check(database);
  }

  @Test
  void aCallRunsOnTheExecutorItWasGiven() throws Exception {
    ExecutorService own = Executors.newSingleThreadExecutor(task -> new Thread(task, "own"));
    try {
      assertThat(
              keeper
                  .async(tree -> Thread.currentThread().getName() + tree.exists("/"), own)
                  .get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
          .startsWith("own");
    } finally {
      own.shutdown();
    }
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_21)
  void aThousandVirtualThreadsShareFewConnections() throws Exception {
    ExecutorService virtual =
        (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    try {
      keeper.tree().create("/virtual", NONE);
      List<CompletableFuture<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        String path = "/virtual/" + i;
        all.add(
            keeper.async(
                tree -> {
                  tree.create(path, NONE);
                  tree.exists(path, event -> {});
                  return tree.set(path, NONE).version();
                },
                virtual));
      }
      for (CompletableFuture<Integer> one : all) {
        assertThat(one.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(1);
      }
    } finally {
      virtual.shutdown();
    }
  }

  @Test
  void aClosedKeeperTakesNoCalls() {
    Keeper closed =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
    closed.close();
    assertThatThrownBy(() -> closed.async(tree -> tree.exists("/")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    CompletableFuture<?> elsewhere = closed.async(tree -> tree.exists("/"), Runnable::run);
    assertThatThrownBy(() -> elsewhere.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
