package dev.pgkeeper.bench.locks;

import dev.pgkeeper.bench.locks.Locks.NamedLock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Run as a process of its own: acquires and releases a lock as fast as it can, for as long as it is
 * told on its standard input, and says how often.
 */
final class LockingProcess {
  private LockingProcess() {}

  /** Subjects and their addresses in turn. Each has a client for as long as the process lives. */
  public static void main(String[] arguments) throws Exception {
    Map<String, Locks> clients = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      clients.put(arguments[i], Subjects.connect(arguments[i], arguments[i + 1]));
    }
    System.out.println("ready");
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      NamedLock lock = clients.get(words[0]).named(words[1]);
      System.out.println("done " + perSecond(lock, Long.parseLong(words[2])));
    }
    for (Locks client : clients.values()) {
      client.close();
    }
    // Some clients have threads that would keep the process.
    System.exit(0);
  }

  private static double perSecond(NamedLock lock, long millis) throws Exception {
    long began = System.nanoTime();
    long end = began + millis * 1_000_000;
    long pairs = 0;
    long now;
    do {
      lock.acquire();
      lock.release();
      pairs++;
      now = System.nanoTime();
    } while (now < end);
    return pairs * 1e9 / (now - began);
  }
}
