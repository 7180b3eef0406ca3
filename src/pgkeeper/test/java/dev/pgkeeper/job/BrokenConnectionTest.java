package dev.pgkeeper.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever breaks around the commit of a run, its caller learns what became of it. */
class BrokenConnectionTest {
  private static JobFixture fixture;
  private static TcpProxy proxy;
  private static HikariDataSource pool;
  private static Keeper keeper;
  private static Jobs other;

  @BeforeAll
  static void connect() {
    fixture = new JobFixture();
    proxy = TcpProxy.before(fixture.database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(fixture.database.jdbcUrl()));
    config.setMaximumPoolSize(1); // of several, another one may be at its start
    config.setConnectionTimeout(2000);
    pool = new HikariDataSource(config);
    keeper =
        Keeper.connect(
            pool,
            fixture
                .options("behind the proxy")
                .withOperationTimeout(Duration.ofSeconds(10))
                .withListener(fixture.database::connect));
    other = fixture.connect("other").jobs();
  }

  @AfterEach
  void mend() {
    proxy.decideBy(() -> Fate.PASSES);
    proxy.mend();
  }

  @AfterAll
  static void close() {
    keeper.close();
    pool.close();
    proxy.close();
    fixture.close();
  }

  /** The request with this number from now on has this fate, all others pass. */
  private static void decide(int number, Fate fate) {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(() -> requests.incrementAndGet() == number ? fate : Fate.PASSES);
  }

  /** The reply to the request with this number, and all that comes from the server after it. */
  private static void stallAtReply(int number) {
    AtomicInteger requests = new AtomicInteger();
    proxy.decideBy(
        () -> {
          if (requests.incrementAndGet() == number) {
            proxy.stallToClient();
          }
          return Fate.PASSES;
        });
  }

  /**
   * Whether the commit was done is up to the moment; what is said of it and what is there agree.
   */
  @ParameterizedTest
  @EnumSource(value = Fate.class, mode = EnumSource.Mode.EXCLUDE, names = "PASSES")
  void aCommitThatIsCutOffIsFoundOutAboutAndNeverDoneTwice(Fate fate) throws Exception {
    String job = "commit " + fate;
    AtomicInteger worked = new AtomicInteger();
    Throwable failure =
        catchThrowable(
            () ->
                assertThat(
                        keeper
                            .jobs()
                            .once(
                                job,
                                "t",
                                connection -> {
                                  worked.incrementAndGet();
                                  fixture.effect(connection, job);
                                  decide(2, fate); // the first notes that it is done
                                }))
                    .isEqualTo(RunResult.RAN));
    assertThat(proxy.fates()).as("the commit met its fate").containsKey(fate);
    assertThat(worked).hasValue(1);
    if (failure == null) {
      assertThat(fixture.run(job, "state, attempt")).isEqualTo("done 1");
    } else {
      assertThat(failure).isInstanceOf(KeeperException.ConnectionLoss.class);
      assertThat(fixture.run(job, "state, attempt")).isEqualTo("failed 1");
      assertThat(fixture.effects(job)).isZero();
      assertThat(other.once(job, "t", connection -> fixture.effect(connection, job)))
          .isEqualTo(RunResult.RAN);
    }
    if (fate == Fate.REPLY_LOST || fate == Fate.REPLY_TORN) {
      assertThat(failure).as("it was committed").isNull();
    }
    assertThat(fixture.effects(job)).isEqualTo(1);
    assertThat(other.once(job, "t", connection -> fixture.effect(connection, job)))
        .isEqualTo(RunResult.DONE_BEFORE);
  }

  @ParameterizedTest
  @EnumSource(value = Fate.class, mode = EnumSource.Mode.EXCLUDE, names = "PASSES")
  void aClaimThatIsCutOffIsStillTheClaimersOwn(Fate fate) throws Exception {
    String job = "claim " + fate;
    keeper.jobs().now(); // so that the pool has a connection that is past its start
    decide(1, fate);
    assertThat(keeper.jobs().once(job, "t", connection -> fixture.effect(connection, job)))
        .isEqualTo(RunResult.RAN);
    assertThat(proxy.fates()).containsKey(fate);
    assertThat(fixture.run(job, "state, attempt")).isEqualTo("done 1");
    assertThat(fixture.effects(job)).isEqualTo(1);
  }

  @Test
  void aFailureThatCannotBeRecordedIsRecordedOnceTheDatabaseIsBack() throws Exception {
    assertThatThrownBy(
            () ->
                keeper
                    .jobs()
                    .once(
                        "away",
                        "t",
                        connection -> {
                          proxy.cut();
                          throw new IOException("boom");
                        }))
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    assertThat(fixture.run("away", "state")).isEqualTo("running");
    proxy.mend();
    Await.until(
        "it is recorded",
        () -> fixture.run("away", "state, error").equals("failed java.io.IOException: boom"));
    assertThat(other.once("away", "t", connection -> {})).isEqualTo(RunResult.RAN);
  }

  @Test
  void anOutcomeThatCannotBeFoundOutIsSaidToBeUnknownAndIsNotRunTwice() throws Exception {
    CompletableFuture<RunResult> once =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return keeper
                    .jobs()
                    .once(
                        "unknown",
                        "t",
                        connection -> {
                          fixture.effect(connection, "unknown");
                          stallAtReply(2);
                        });
              } catch (SQLException e) {
                throw new IllegalStateException(e);
              }
            });
    Await.until("it is committed", () -> fixture.effects("unknown") == 1);
    proxy.cut();
    assertThatThrownBy(() -> once.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS))
        .hasCauseInstanceOf(KeeperException.OutcomeUnknown.class);
    proxy.mend();
    assertThat(keeper.jobs().once("unknown", "t", connection -> {}))
        .isEqualTo(RunResult.DONE_BEFORE);
    assertThat(fixture.effects("unknown")).isEqualTo(1);
  }
}
