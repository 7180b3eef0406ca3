package dev.pgkeeper.session;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Clients whose network fails at random, each for about as long as decides over its session. */
public final class BeliefRun {
  private static final int CLIENTS = 8;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final TestDatabase database;
  private final long seed;
  private final AtomicInteger survived = new AtomicInteger();
  private long ended;
  private volatile boolean stopped;

  public BeliefRun(TestDatabase database, long seed) {
    this.database = database;
    this.seed = seed;
  }

  /**
   * Runs for this long, and on until more sessions ended and more breaks were survived than there
   * are clients. Returns the violations.
   */
  public List<String> run(Duration length) throws Exception {
    try (Beliefs beliefs = new Beliefs(database)) {
      List<CompletableFuture<Boolean>> running = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        Client client = new Client(new Random(seed + i), i % 4 == 3);
        beliefs.askAlso(() -> client.session);
        running.add(Futures.onThread(client::live));
      }
      try {
        Await.pause(length);
        Await.until(
            PATIENCE,
            () ->
                "more ends and survived breaks than clients; " + beliefs.ended() + ", " + survived,
            () ->
                beliefs.ended() > CLIENTS && survived.get() > CLIENTS
                    || beliefs.hasFailed()
                    || running.stream().anyMatch(CompletableFuture::isDone));
      } finally {
        stopped = true;
      }
      for (CompletableFuture<Boolean> one : running) {
        one.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      }
      ended = beliefs.ended();
      return beliefs.violations();
    }
  }

  /** Returns how many sessions ended that their clients were seen to hold. */
  public long ended() {
    return ended;
  }

  /** Returns how many breaks were survived. */
  public int survived() {
    return survived.get();
  }

  private final class Client {
    private final Random random;
    private final boolean leaseOnly;
    private final TcpProxy proxy = TcpProxy.before(database.jdbcUrl());
    private volatile @Nullable Session session;

    Client(Random random, boolean leaseOnly) {
      this.random = random;
      this.leaseOnly = leaseOnly;
    }

    boolean live() {
      try (proxy;
          Keeper keeper = Beliefs.connect(database, proxy, leaseOnly)) {
        keeper.inEachSession(
            each -> {
              session = each;
              return () -> {};
            });
        while (!stopped) {
          Session disturbed = keeper.session();
          pause(300);
          disturb();
          proxy.mend();
          Await.until(
              "held or lost after a break",
              () -> disturbed.isHeld() || disturbed.state() == SessionState.LOST);
          if (disturbed.state() != SessionState.LOST) {
            survived.incrementAndGet();
          }
        }
      }
      return true;
    }

    private void pause(int most) {
      Await.pause(Duration.ofMillis(random.nextInt(most)));
    }

    /** Fails in one way, for about as long as decides over the session. */
    private void disturb() {
      switch (random.nextInt(6)) {
        case 0 -> {
          proxy.cut();
          pause(900);
        }
        case 1 -> {
          proxy.stallToServer();
          pause(2000);
          proxy.breakAll();
        }
        case 2 -> {
          proxy.stallToClient();
          pause(2000);
        }
        case 3 -> {
          proxy.stallToClient();
          pause(300);
          proxy.cut();
          pause(600);
        }
        case 4 -> {
          for (int i = 0; i < 6; i++) {
            proxy.breakAll();
            pause(150);
          }
        }
        default -> {
          proxy.breakAll();
          pause(100);
          proxy.cut();
          pause(700);
        }
      }
    }
  }
}
