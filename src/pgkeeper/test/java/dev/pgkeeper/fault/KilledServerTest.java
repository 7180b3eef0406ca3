package dev.pgkeeper.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Stat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** PostgreSQL is killed under load, and comes back. */
class KilledServerTest {
  private static final int KILLS = Integer.getInteger("pgkeeper.kills", 3);
  private static final int KEEPERS = 3;
  private static final Duration BETWEEN = Duration.ofSeconds(1);

  private final AtomicLong done = new AtomicLong();
  private volatile boolean stopped;

  /** A change that somebody was told was done: its name, and where it went. */
  private record Acknowledged(String name, String path) {}

  @Test
  void everyAcknowledgedWriteIsThereNoneIsDoneTwiceAndClientsRecoverByThemselves()
      throws Exception {
    Queue<Acknowledged> acknowledged = new ConcurrentLinkedQueue<>();
    List<Keeper> keepers = new ArrayList<>();
    Heard<SessionState> states = new Heard<>();
    ExecutorService threads = Executors.newCachedThreadPool();
    try (PrivateServer server = PrivateServer.start();
        TestDatabase database = TestDatabase.freshOn(server)) {
      List<CompletableFuture<Void>> running = new ArrayList<>();
      try {
        for (int i = 0; i < KEEPERS; i++) {
          Keeper keeper =
              Keeper.connect(
                  database.newPool(3),
                  KeeperOptions.defaults()
                      .withSchema(database.schema())
                      .withOperationTimeout(Duration.ofMinutes(10)));
          keeper.onStateChange(states::add);
          keepers.add(keeper);
          keeper.tree().create("/counter-" + i, bytes("0"));
          keeper.tree().create("/alive-" + i, bytes(""), CreateMode.EPHEMERAL);
          if (i == 0) {
            keeper.tree().create("/list", bytes(""));
          }
          String name = "k" + i;
          running.add(
              CompletableFuture.runAsync(() -> append(keeper, name, acknowledged), threads));
          running.add(
              CompletableFuture.runAsync(
                  () -> count(keeper, "/counter-" + name.charAt(1)), threads));
        }
        for (int i = 0; i < KILLS; i++) {
          awaitProgress("before kill " + i);
          Await.pause(BETWEEN);
          if (i % 2 == 0) {
            server.kill9();
          } else {
            server.stopImmediate();
          }
          server.startAgain();
        }
        awaitProgress("after the last kill");
        stopped = true;
        for (CompletableFuture<Void> one : running) {
          // A caller that was told an error fails the test here.
          one.get(10, TimeUnit.MINUTES);
        }
        for (int i = 0; i < KEEPERS; i++) {
          Keeper keeper = keepers.get(i);
          Await.until("held again", () -> keeper.state() == SessionState.HELD);
          assertThat(keeper.tree().stat("/alive-" + i).ephemeralOwner())
              .isEqualTo(keeper.session().id());
        }
        assertThat(states.all()).doesNotContain(SessionState.LOST);
        assertThat(contents(keepers.get(0))).isEqualTo(expected(acknowledged));
      } finally {
        stopped = true;
        keepers.forEach(Keeper::close);
        threads.shutdown();
      }
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void awaitProgress(String when) {
    long before = done.get();
    Await.until("progress " + when, () -> done.get() > before + 20);
  }

  private void append(Keeper keeper, String name, Queue<Acknowledged> acknowledged) {
    for (int i = 0; !stopped; i++) {
      String one = name + "-" + i;
      String path = keeper.tree().create("/list/n-", bytes(one), CreateMode.PERSISTENT_SEQUENTIAL);
      acknowledged.add(new Acknowledged(one, path));
      done.incrementAndGet();
    }
  }

  private void count(Keeper keeper, String path) {
    for (int version = 0; !stopped; version++) {
      Stat stat = keeper.tree().set(path, bytes("x"), version);
      assertThat(stat.version()).isEqualTo(version + 1);
      done.incrementAndGet();
    }
  }

  private static Map<String, String> expected(Queue<Acknowledged> acknowledged) {
    Map<String, String> expected = new TreeMap<>();
    acknowledged.forEach(one -> expected.put(one.path(), one.name()));
    return expected;
  }

  private static Map<String, String> contents(Keeper keeper) {
    Map<String, String> contents = new TreeMap<>();
    for (String child : keeper.tree().children("/list")) {
      String path = "/list/" + child;
      contents.put(path, new String(keeper.tree().get(path).data(), StandardCharsets.UTF_8));
    }
    return contents;
  }
}
