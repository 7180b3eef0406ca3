package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.DriverManager;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * A process that had been stopped released its lock before its session noticed that it was over,
 * and was told that all went well, although others had held the lock in the meantime.
 */
class LateReleaseTest {

  @Test
  void whoReleasesWhatWasLostUnnoticedIsToldThatItWasLost() {
    try (TestDatabase database = TestDatabase.fresh();
        TcpProxy proxy = TcpProxy.before(database.jdbcUrl())) {
      SessionLog log = SessionLog.of(database);
      KeeperOptions options = KeeperOptions.defaults().withSchema(database.schema());
      String slow = proxy.through(database.jdbcUrl()) + "&socketTimeout=60";
      try (Keeper other = Keeper.connect(database.dataSource(), options);
          Keeper keeper =
              Keeper.connect(
                  database.dataSource(),
                  options
                      .withTimeout(Duration.ofSeconds(10))
                      .withGrace(Duration.ofSeconds(10))
                      .withListener(() -> DriverManager.getConnection(slow)))) {
        Held free = keeper.lock("/late/free").acquire();
        Held waited = waitFor(other, keeper);
        proxy.stallToClient();
        Await.until("the session ended", () -> log.endedAtMicros(keeper.session().id()) != 0);
        assertThatThrownBy(free::release).isInstanceOf(KeeperException.NotHeld.class);
        assertThatThrownBy(waited::release).isInstanceOf(KeeperException.NotHeld.class);
        assertThat(free.state()).isEqualTo(HoldState.LOST);
        proxy.mend();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** A hold that was waited for has a node, one that was free has none. */
  private static Held waitFor(Keeper other, Keeper keeper) throws InterruptedException {
    Held first = other.lock("/late/waited").acquire();
    var second = keeper.lock("/late/waited").acquireAsync();
    Await.until("one waits", () -> !other.lock("/late/waited").waiters().isEmpty());
    first.release();
    return second.join();
  }
}
