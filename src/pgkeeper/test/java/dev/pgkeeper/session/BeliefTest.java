package dev.pgkeeper.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.SessionLog;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * No client believes in its session after the database ended it, whatever happens to the network
 * between them. The part {@code races} of the proof breaks the network at random.
 */
class BeliefTest {
  /**
   * The ways in which a network fails for good; a lease-only client comes last. A client that could
   * connect anew within its grace would rightly go on.
   */
  private static final List<Consumer<TcpProxy>> BREAKS =
      List.of(
          TcpProxy::cut,
          TcpProxy::stallToServer,
          TcpProxy::stallToClient,
          proxy -> {
            proxy.leaveHalfOpen();
            proxy.stallToServer();
          },
          proxy -> {
            proxy.stallToClient();
            proxy.breakAll();
          },
          TcpProxy::cut);

  @Test
  void aClientsBeliefEndsBeforeItsSessionDoes() throws Exception {
    List<TcpProxy> networks = new ArrayList<>();
    List<Keeper> keepers = new ArrayList<>();
    List<Session> sessions = new ArrayList<>();
    try (TestDatabase database = TestDatabase.fresh();
        Beliefs beliefs = new Beliefs(database);
        AutoCloseable open = () -> networks.forEach(TcpProxy::close);
        AutoCloseable connected = () -> keepers.forEach(Keeper::close)) {
      for (int i = 0; i < BREAKS.size(); i++) {
        TcpProxy network = TcpProxy.before(database.jdbcUrl());
        networks.add(network);
        Keeper keeper = Beliefs.connect(database, network, i == BREAKS.size() - 1);
        keepers.add(keeper);
        Session session = keeper.session();
        sessions.add(session);
        beliefs.askAlso(() -> session);
        Await.until("seen to be held", () -> beliefs.wasBelievedIn(session.id()));
        BREAKS.get(i).accept(network);
      }
      for (Session session : sessions) {
        Await.until(
            () -> "the end of " + beliefs.seenOf(session.id()),
            () -> beliefs.hasEnded(session.id()));
        assertThat(session.isHeld()).isFalse();
      }
      networks.forEach(TcpProxy::mend);
      for (Session session : sessions) {
        Await.until("the client knows", () -> session.state() == SessionState.LOST);
      }
      assertThat(beliefs.violations()).isEmpty();
      assertThat(beliefs.ended()).isEqualTo(BREAKS.size());
    }
  }

  /** The other way round would be a client that never believes in anything again. */
  @Test
  void aClientThatIsBackWithinItsGraceHoldsItsSessionAgain() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        Beliefs beliefs = new Beliefs(database);
        Keeper keeper =
            Keeper.connect(
                database.dataSource(),
                database
                    .keeperOptions()
                    .withTimeout(Duration.ofHours(1))
                    .withGrace(Duration.ofHours(1)))) {
      Session session = keeper.session();
      beliefs.askAlso(() -> session);
      for (int round = 0; round < 3; round++) {
        SessionLog.reconnect(database, keeper);
        Await.until(
            "the suspicion is cleared",
            () ->
                database.queryLong(
                        "SELECT count(*) FROM ${schema}.session WHERE suspected IS NULL AND id = "
                            + session.id())
                    == 1);
        assertThat(session.isHeld()).isTrue();
      }
      assertThat(beliefs.hasEnded(session.id())).isFalse();
      assertThat(keeper.session()).isSameAs(session);
    }
  }
}
