package dev.pgkeeper.scenario;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.lock.Mutex;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Takes one of four locks in one of the ways there are, now and then with data and so with a node,
 * and gives it back or finds it lost. Says {@code got line invoked completed token}, then {@code
 * gave line token invoked completed believed} or {@code lost line token believed}.
 *
 * <p>One that {@code keeps} holds some locks for seconds. One that is {@code deaf} says that it
 * gave back whatever it had, also if it is told that it had lost it.
 */
public final class TakeTheLock implements Work {
  private static final Duration LONGEST = Duration.ofSeconds(5);
  private static final Duration SHORTEST_KEPT = Duration.ofSeconds(4);

  /** Not all for as long: those that end together would leave moments in which nobody holds. */
  private static final Duration LONGEST_KEPT = Duration.ofSeconds(10);

  private static final int KEPT_ONE_IN = 4;

  @Override
  public void once(Client client, Random random) throws Exception {
    Mutex plain = client.keeper().lock("/lock/" + random.nextInt(4));
    Mutex lock = random.nextInt(4) == 0 ? plain.withData(new byte[1]) : plain;
    long invoked = Client.nowMicros();
    Optional<Held> got = take(lock, random);
    if (got.isPresent()) {
      Held held = got.get();
      client.say(
          "got " + lock.path() + " " + invoked + " " + Client.nowMicros() + " " + held.token());
      client.believe(held);
      if (client.mode().contains("keeps") && random.nextInt(KEPT_ONE_IN) == 0) {
        LockSupport.parkNanos(random.nextLong(SHORTEST_KEPT.toNanos(), LONGEST_KEPT.toNanos()));
      } else {
        client.linger(random);
      }
      giveBack(client, held);
    }
  }

  private static Optional<Held> take(Mutex lock, Random random) throws Exception {
    return switch (random.nextInt(8)) {
      case 0, 1 -> lock.tryAcquire();
      case 2, 3 -> lock.tryAcquire(Duration.ofMillis(random.nextInt(20)));
      case 4 -> Optional.of(lock.acquire(LONGEST));
      case 5 -> async(lock, random.nextInt(10_000));
      case 6 -> async(lock, 5_000_000);
      default -> lock.tryAcquire(LONGEST);
    };
  }

  /** Cancels it if it is not there after so many microseconds. */
  private static Optional<Held> async(Mutex lock, long patienceMicros)
      throws InterruptedException, ExecutionException {
    try {
      return result(lock.acquireAsync(), patienceMicros);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KeeperException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private static Optional<Held> result(CompletableFuture<Held> coming, long patienceMicros)
      throws InterruptedException, ExecutionException {
    try {
      return Optional.of(coming.get(patienceMicros, TimeUnit.MICROSECONDS));
    } catch (TimeoutException e) {
      return coming.cancel(true) ? Optional.empty() : Optional.of(coming.get());
    }
  }

  private static void giveBack(Client client, Held held) {
    String grant = held.path() + " " + held.token() + " ";
    long invoked = Client.nowMicros();
    boolean isLost = false;
    try {
      held.release();
    } catch (KeeperException.NotHeld e) {
      isLost = !client.mode().contains("deaf");
    }
    String given = isLost ? "" : invoked + " " + Client.nowMicros() + " ";
    client.say((isLost ? "lost " : "gave ") + grant + given + client.believed(held));
  }
}
