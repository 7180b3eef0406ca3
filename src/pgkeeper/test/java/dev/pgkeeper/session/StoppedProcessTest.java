package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperHealth;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.election.Leadership;
import dev.pgkeeper.election.LeadershipListener;
import dev.pgkeeper.job.Scheduler;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Scope;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A laptop whose lid was shut, a machine that was paused: a process that does nothing for longer
 * than its session lives, and then goes on as if nothing had been. Stopped for three minutes, with
 * the timeout that users have, it is with {@code -Dpgkeeper.stopped=PT3M}.
 */
class StoppedProcessTest {
  private static final String STOPPED = System.getProperty("pgkeeper.stopped", "");

  private static Duration timeout() {
    return STOPPED.isEmpty() ? Duration.ofSeconds(2) : KeeperOptions.defaults().timeout();
  }

  @Test
  void aProcessThatWasStoppedForLongerThanItsSessionLivesGoesOnByItself() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper other = database.keeper();
        ChildProcess process =
            ChildProcess.start(
                Application.class, database.jdbcUrl(), database.schema(), timeout().toString())) {
      MessageQueue<String> queue = other.queue("work", Codec.text());
      String session = process.awaitLine("session ");
      queue.enqueue("before");
      awaitAll(process, "leads", "handled before", "ran");

      process.stop();
      Await.until(
          Await.LIMIT.plus(timeout()),
          "its session has ended",
          () ->
              database.queryLong("SELECT count(*) FROM ${schema}.session WHERE id = " + session)
                  == 0);
      if (!STOPPED.isEmpty()) {
        Await.pause(Duration.parse(STOPPED));
      }
      assertThat(other.services("/services").instances("app")).isEmpty();
      assertThat(other.election("/leader").leader()).isEmpty();
      Held others = other.lock("/held").acquire(Await.LIMIT);
      other.tree().create("/cached/new", new byte[0]);
      queue.enqueue("meanwhile");
      process.takeLines();
      process.cont();

      awaitAll(
          process,
          "state LOST",
          "held LOST",
          "follows",
          "state HELD",
          "session ",
          "handled meanwhile",
          "leads",
          "ran");
      Await.until("registered", () -> other.services("/services").instances("app").size() == 1);
      process.send("look");
      assertThat(process.awaitLine("look "))
          .as("ready, nothing that was lost has come back, and the cache follows")
          .isEqualTo("ready HELD, held LOST, cached 1");
      others.release();
      process.send("lock");
      process.awaitLine("locked");
    }
  }

  private static void awaitAll(ChildProcess process, String... prefixes)
      throws InterruptedException {
    List<String> missing = new ArrayList<>(List.of(prefixes));
    List<String> said = new ArrayList<>();
    while (!missing.isEmpty()) {
      String line =
          process
              .lineWithin("", Await.LIMIT)
              .orElseThrow(() -> new AssertionError(missing + " is missing from " + said));
      said.add(line);
      missing.removeIf(line::startsWith);
    }
  }

  /** Uses what applications use, tells what happens, and does nothing about it. */
  static final class Application {
    private Application() {}

    public static void main(String[] arguments) throws Exception {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(arguments[0]);
      KeeperOptions options =
          KeeperOptions.defaults()
              .withSchema(arguments[1])
              .withTimeout(Duration.parse(arguments[2]));
      try (Keeper keeper = Keeper.connect(source, options)) {
        keeper.onStateChange(state -> say("state " + state));
        keeper.inEachSession(
            session -> {
              say("session " + session.id());
              return () -> {};
            });
        keeper.tree().create("/cached", new byte[0]);
        keeper.services("/services").register("app", ServiceInstance.at("localhost", 80));
        keeper
            .queue("work", Codec.text())
            .consume(ConsumeOptions.defaults(), message -> say("handled " + message.body()));
        Scheduler scheduler = keeper.jobs().scheduler();
        scheduler.job("beat").every(Duration.ofSeconds(1)).onLeader().run(connection -> say("ran"));
        scheduler.start();
        Held held = keeper.lock("/held").acquire();
        held.onStateChange(state -> say("held " + state));
        NodeCache cache = keeper.cache("/cached", Scope.CHILDREN);
        Candidacy candidacy = keeper.election("/leader").requeueing().join(new Teller());
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          if (line.equals("look")) {
            cache.awaitCurrent(Await.LIMIT);
            KeeperHealth health = keeper.health();
            say(
                "look %s %s, held %s, cached %d"
                    .formatted(
                        health.isReady() ? "ready" : "not ready",
                        keeper.state(),
                        held.state(),
                        cache.children("/cached").size()));
          } else {
            keeper.lock("/held").acquire().release();
            say("locked");
          }
        }
        candidacy.close();
      }
    }

    private static void say(String line) {
      System.out.println(line);
    }

    private static final class Teller implements LeadershipListener {
      @Override
      public void onElected(Leadership leadership) {
        say("leads");
      }

      @Override
      public void onLost(Leadership leadership) {
        say("follows");
      }
    }
  }
}
