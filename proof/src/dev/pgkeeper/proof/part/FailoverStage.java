package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.AtExit;
import dev.pgkeeper.proof.client.OwnerProcess;
import dev.pgkeeper.proof.failover.Trial;
import dev.pgkeeper.proof.failover.Way;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A server, an owner of a lock, and one who waits for it: to see once what becomes of them. */
final class FailoverStage implements AutoCloseable {
  private static final String PATH = "/failover";

  /** More than a lease. */
  private static final Duration LIMIT = Duration.ofSeconds(120);

  /** By which a fence says that its token does not hold. */
  private static final String NOT_HELD = "PK003";

  private final Way way;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final AtExit atExit = AtExit.close(this);
  private final @Nullable Replicated both;
  private final PrivateServer server;
  private final TestDatabase database;
  private final TcpProxy network;
  private final ChildProcess owner;
  private final ChildProcess next;
  private final long token;

  private record Act(long at, long token) {
    static Act of(String said) {
      String[] words = said.split(" ");
      return new Act(Long.parseLong(words[0]), Long.parseLong(words[1]));
    }
  }

  /** Returns once one of the two has acted, and the other one waits. */
  @SuppressWarnings("NullAway.Init") // a constructor that fails closes what there is
  FailoverStage(Way way) throws Exception {
    this.way = way;
    try {
      both = way.needsStandby() ? opened(Replicated.start(Map.of(), true)) : null;
      server = both == null ? opened(PrivateServer.start()) : both.primary();
      database = both == null ? opened(TestDatabase.freshOn(server)) : both.before();
      network = opened(TcpProxy.before(server.jdbcUrl()));
      database.execute(OwnerProcess.TABLE);
      String url = both == null ? server.jdbcUrl() : both.url();
      owner = start(way == Way.CUT ? network.through(url) : url);
      token = Act.of(owner.awaitLine("acted ", LIMIT)).token();
      next = start(url);
      next.awaitLine("waits", LIMIT);
      Await.until(LIMIT, "the next one waits", this::isWaiting);
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T opened(T one) {
    open.push(one);
    return one;
  }

  private ChildProcess start(String url) {
    return opened(
        ChildProcess.start(
            List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
            OwnerProcess.class,
            url,
            database.schema(),
            PATH));
  }

  private boolean isWaiting() {
    return database.queryLong(
            "SELECT count(*) FROM ${schema}.gathering WHERE path = '%s' AND cardinality(waiting) > 0"
                .formatted(PATH))
        == 1;
  }

  /** Lets it happen, and looks who acts. */
  Trial strike() throws Exception {
    long struck = Client.nowMicros();
    switch (way) {
      case CLOSED -> owner.send("close");
      case KILLED -> owner.kill9();
      case CUT -> {
        network.stallToServer();
        network.stallToClient();
      }
      case STOPPED -> owner.stop();
      case SERVER_RESTARTED, SERVER_AND_OWNER -> {
        ownerAndThen(server::kill9);
        server.startAgain();
      }
      case PRIMARY_LOST, PRIMARY_AND_OWNER -> {
        ownerAndThen(server::kill9);
        replicated().promote();
      }
      default -> throw new IllegalArgumentException(way.name());
    }
    Act same = null;
    if (way.isOwnersStill()) {
      same = Act.of(owner.awaitLine("acted ", LIMIT));
      owner.send("close");
    }
    Act after = Act.of(next.awaitLine("acted ", LIMIT));
    Long lost = way == Way.CUT ? Long.valueOf(owner.awaitLine("lost ", LIMIT).strip()) : null;
    return new Trial(
        way,
        struck,
        same == null ? after.at() : same.at(),
        token,
        after.token(),
        after.at(),
        lost,
        isFenceRefused(),
        way.leavesOwner() ? isFormerRefused() : null);
  }

  /** An owner that dies with its server dies before it; one that lives acts as soon as it can. */
  private void ownerAndThen(Runnable blow) throws InterruptedException {
    if (!way.isOwnersStill()) {
      owner.kill9();
    }
    blow.run();
    if (way.isOwnersStill()) {
      owner.send("act");
    }
  }

  private Replicated replicated() {
    if (both == null) {
      throw new IllegalStateException(way + " has no standby");
    }
    return both;
  }

  /** What a transaction of the former one's would ask that is under way somewhere. */
  private boolean isFenceRefused() {
    try {
      (both == null ? database : both.after())
          .execute("SELECT ${schema}.fence('%s', %d)".formatted(PATH, token));
      return false;
    } catch (IllegalStateException e) {
      if (e.getCause() instanceof SQLException cause && NOT_HELD.equals(cause.getSQLState())) {
        return true;
      }
      throw e;
    }
  }

  private boolean isFormerRefused() throws InterruptedException {
    network.mend();
    owner.cont();
    owner.send("act");
    String said = "";
    while (!said.startsWith("refused") && !said.startsWith("acted ")) {
      said = owner.awaitLine("", LIMIT);
    }
    return said.startsWith("refused");
  }

  @Override
  public void close() throws Exception {
    atExit.close();
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
