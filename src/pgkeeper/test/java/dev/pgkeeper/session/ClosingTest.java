package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.job.Scheduler;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.QueueSize;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client leaves behind when it is closed. */
class ClosingTest {
  private static final String ANOTHERS_STATEMENTS =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
          + " AND pid <> pg_backend_pid() AND state = 'active'";

  private TestDatabase database;

  @BeforeEach
  void open() {
    database = TestDatabase.fresh();
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** An application may close its pool, or drop the schema, right after its client. */
  @Test
  void nothingOfAClosedClientIsUnderWay() {
    database.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.reap_holds(in_most integer) RETURNS integer"
            + " LANGUAGE sql AS $$ SELECT 0 FROM pg_sleep(0.3) $$");
    Keeper keeper = database.keeper();
    Await.until("it reaps", () -> database.queryLong(ANOTHERS_STATEMENTS + reaping()) > 0);
    keeper.close();
    assertThat(database.queryLong(ANOTHERS_STATEMENTS)).isZero();
  }

  private static String reaping() {
    return " AND query LIKE '%.reap(%' AND wait_event = 'PgSleep'";
  }

  /** Others stop coming before what is under way has ended, and that ends before the session. */
  @Test
  void registrationsGoFirstThenWhatWorksThenTheSession() throws Exception {
    CountDownLatch begun = new CountDownLatch(2);
    CountDownLatch may = new CountDownLatch(1);
    Keeper keeper = database.keeper();
    try (Keeper other = database.keeper()) {
      keeper.services("/services").register("app", ServiceInstance.at("localhost", 80));
      Held held = keeper.lock("/held").acquire();
      MessageQueue<String> queue = keeper.queue("work", Codec.text());
      queue.enqueue("a");
      queue.consume(ConsumeOptions.defaults(), message -> await(begun, may));
      Scheduler scheduler = keeper.jobs().scheduler();
      scheduler.job("nightly").every(Duration.ofHours(1)).run(connection -> await(begun, may));
      scheduler.start();
      Await.until("known", () -> database.queryLong("SELECT count(*) FROM ${schema}.jobs") == 1);
      keeper.jobs().trigger("nightly");
      assertThat(begun.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();

      CompletableFuture<Boolean> closed = Futures.onThread(() -> keeper.close(Await.LIMIT));
      Await.until("gone", () -> other.services("/services").instances("app").isEmpty());
      assertThat(held.isHeld()).isTrue();
      may.countDown();
      assertThat(Futures.soon(closed)).isTrue();
      assertThat(held.isHeld()).isFalse();
      assertThat(keeper.state()).isEqualTo(SessionState.CLOSED);
      assertThat(other.<String>queue("work", Codec.text()).size())
          .isEqualTo(new QueueSize(0, 0, 0, 0, 0));
      assertThat(database.queryString("SELECT state FROM ${schema}.job_runs")).isEqualTo("done");
    }
  }

  private static void await(CountDownLatch begun, CountDownLatch may) throws InterruptedException {
    begun.countDown();
    may.await();
  }

  @Test
  void whatDoesNotEndInTimeLosesItsSession() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch may = new CountDownLatch(1);
    Keeper keeper = database.keeper();
    try (Keeper other = database.keeper()) {
      MessageQueue<String> queue = keeper.queue("work", Codec.text());
      queue.enqueue("a");
      queue.consume(ConsumeOptions.defaults(), message -> await(begun, may));
      assertThat(begun.await(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(keeper.close(Duration.ofMillis(10))).isFalse();
      assertThat(other.<String>queue("work", Codec.text()).take(Await.LIMIT)).isPresent();
    } finally {
      may.countDown();
    }
  }
}
