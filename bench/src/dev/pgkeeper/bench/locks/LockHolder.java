package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.locks.Locks.NamedLock;
import dev.pgkeeper.bench.locks.PgkeeperLocks.OwnLock;
import dev.pgkeeper.testing.Await;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Run as a process of its own: acquires a lock, says so, and then does as it is told on its
 * standard input. One of pgkeeper's also says when it no longer believes that it has it.
 */
final class LockHolder {
  private static final Duration GLANCE = Duration.ofMillis(1);
  private static final Duration BELIEF_LIMIT = Duration.ofSeconds(10);

  private LockHolder() {}

  public static void main(String[] arguments) throws Exception {
    Locks locks = Subjects.connect(arguments[0], arguments[1]);
    NamedLock lock = locks.named(arguments[2]);
    lock.acquire();
    System.out.println("holds it");
    if (lock instanceof OwnLock own) {
      Thread watcher = new Thread(() -> tellWhenLost(own));
      watcher.setDaemon(true);
      watcher.start();
    }
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      switch (line) {
        case "close" -> locks.close();
        case "believe" -> System.out.println("believes " + believes(lock));
        default -> throw new IllegalArgumentException(line);
      }
    }
    // Some clients have threads that would keep the process.
    System.exit(0);
  }

  private static void tellWhenLost(OwnLock lock) {
    while (lock.isHeld()) {
      Await.pause(GLANCE);
    }
    System.out.println("lost");
  }

  /** Whether it does, or will as soon as it has heard of the database. */
  private static boolean believes(NamedLock lock) {
    long deadline = System.nanoTime() + BELIEF_LIMIT.toNanos();
    while (lock instanceof OwnLock own && !own.isHeld() && System.nanoTime() < deadline) {
      Await.pause(GLANCE);
    }
    return lock instanceof OwnLock own && own.isHeld();
  }
}
