package dev.pgkeeper.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperHealth;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Heard;
import dev.pgkeeper.testing.Insist;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.ds.PGSimpleDataSource;

/** What a readiness endpoint is told. */
class HealthTest {

  private static TestDatabase database;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void aHealthySessionIsReady() {
    Instant before = Instant.now();
    try (Keeper keeper = database.keeper()) {
      KeeperHealth health = keeper.health(Await.LIMIT);
      assertThat(health.session()).isEqualTo(keeper.session().id());
      assertThat(health.state()).isEqualTo(SessionState.HELD);
      assertThat(health.since()).isBetween(before, Instant.now());
      assertThat(health.lastContact()).isBetween(before, Instant.now());
      assertThat(health.ping()).isPresent();
      assertThat(health.listens()).isTrue();
      assertThat(health.isReady()).isTrue();
      assertThat(health.toString())
          .contains(String.valueOf(keeper.session().id()), "HELD", "ping", ", listens");
    }
  }

  @Test
  void theLastContactGoesOnWhileTheStateStays() {
    try (Keeper keeper = database.keeper()) {
      KeeperHealth first = keeper.health(Await.LIMIT);
      Await.until(
          "a later contact",
          () -> keeper.health(Await.LIMIT).lastContact().isAfter(first.lastContact()));
      assertThat(keeper.health(Await.LIMIT).since()).isEqualTo(first.since());
    }
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void aDatabaseThatDoesNotAnswerKeepsNobodyWaiting() {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(proxy.through(database.jdbcUrl()));
      KeeperOptions patient =
          database
              .keeperOptions()
              .withTimeout(Duration.ofHours(1))
              .withGrace(Duration.ofHours(1))
              .withOperationTimeout(Duration.ofHours(1));
      Keeper keeper = Keeper.connect(source, patient);
      try {
        proxy.stallToClient();
        for (int i = 0; i < 3; i++) {
          KeeperHealth health = keeper.health(Duration.ofMillis(50));
          assertThat(health.ping()).isEmpty();
          assertThat(health.isReady()).isFalse();
        }
        assertThat(
                Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("pgkeeper-ping")))
            .as("threads that wait for the database")
            .hasSize(1);
        proxy.mend();
        Await.until("ready again", () -> keeper.health(Await.LIMIT).isReady());
      } finally {
        keeper.close();
      }
    }
  }

  @Test
  void aBrokenConnectionIsJeopardyUntilItIsBack() {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(proxy.through(database.jdbcUrl()));
      KeeperOptions options = database.keeperOptions().withOperationTimeout(Duration.ofMillis(500));
      Keeper keeper = Insist.on(() -> Keeper.connect(source, options));
      try {
        Instant began = keeper.health(Await.LIMIT).since();
        Heard<SessionState> heard = new Heard<>();
        keeper.onStateChange(heard::add);
        proxy.cut();
        heard.await(SessionState.JEOPARDY);
        KeeperHealth health = keeper.health(Await.LIMIT);
        assertThat(health.state()).isEqualTo(SessionState.JEOPARDY);
        assertThat(health.since()).isAfter(began);
        assertThat(health.listens()).isFalse();
        assertThat(health.isReady()).isFalse();
      } finally {
        keeper.close();
      }
    }
  }

  @Test
  void aSessionThatIsOverIsNeverReady() {
    Keeper keeper = database.keeper();
    Heard<SessionState> heard = new Heard<>();
    keeper.onStateChange(heard::add);
    database.execute("SELECT ${schema}.session_end(" + keeper.session().id() + ")");
    heard.await(SessionState.LOST);
    assertThat(keeper.health(Await.LIMIT).state()).isEqualTo(SessionState.LOST);
    assertThat(keeper.health(Await.LIMIT).ping()).as("the database itself is there").isPresent();
    assertThat(keeper.health(Await.LIMIT).isReady()).isFalse();
    keeper.close();
  }

  @Test
  void aClosedKeeperSaysSo() {
    Keeper keeper = database.keeper();
    keeper.close();
    KeeperHealth health = keeper.health(Await.LIMIT);
    assertThat(health.state()).isEqualTo(SessionState.CLOSED);
    assertThat(health.ping()).isEmpty();
    assertThat(health.isReady()).isFalse();
  }

  @Test
  void aClientWithoutAConnectionOfItsOwnIsReadyAndDoesNotListen() {
    try (Keeper keeper =
        Keeper.connect(database.dataSource(), database.keeperOptions().withLeaseOnly())) {
      KeeperHealth health = keeper.health(Await.LIMIT);
      assertThat(health.isReady()).isTrue();
      assertThat(health.listens()).isFalse();
    }
  }

  @Test
  void aNegativePatienceIsRefused() {
    try (Keeper keeper = database.keeper()) {
      assertThatThrownBy(() -> keeper.health(Duration.ofSeconds(-1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("PT-1S");
    }
  }
}
