package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.locks.Locks.NamedLock;
import dev.pgkeeper.testing.Await;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Run as a process of its own: acquires a lock, says so, and then does as it is told on its
 * standard input. One of pgkeeper's also says when it no longer believes in its session.
 */
final class LockHolder {
  private LockHolder() {}

  public static void main(String[] arguments) throws Exception {
    Locks locks = Subjects.connect(arguments[0], arguments[1]);
    NamedLock lock = locks.named(arguments[2]);
    lock.acquire();
    System.out.println("holds it");
    if (locks instanceof PgkeeperLocks pgkeeper) {
      Thread watcher = new Thread(() -> tellWhenLost(pgkeeper));
      watcher.setDaemon(true);
      watcher.start();
    }
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      switch (line) {
        case "close" -> locks.close();
        case "believe" ->
            System.out.println(
                "believes " + (locks instanceof PgkeeperLocks pgkeeper && pgkeeper.isHeld()));
        default -> throw new IllegalArgumentException(line);
      }
    }
    // Some clients have threads that would keep the process.
    System.exit(0);
  }

  private static void tellWhenLost(PgkeeperLocks locks) {
    while (locks.isHeld()) {
      Await.pause(Duration.ofMillis(1));
    }
    System.out.println("lost");
  }
}
