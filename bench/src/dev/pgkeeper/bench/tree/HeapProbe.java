package dev.pgkeeper.bench.tree;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import java.util.Locale;

/**
 * Run as a process of its own: lists children for a while and prints the most memory that was in
 * use at any moment, garbage not counted.
 */
final class HeapProbe {
  private static final long NANOS = 1_000_000_000L;

  private HeapProbe() {}

  public static void main(String[] arguments) throws InterruptedException {
    String parent = ChildrenCase.parent(Integer.parseInt(arguments[1]));
    boolean inPages = Boolean.parseBoolean(arguments[2]);
    try (HikariDataSource pool = Postgres.pool(arguments[0], 1);
        Keeper keeper = Keeper.connect(pool)) {
      Thread lister =
          new Thread(
              () -> {
                long end = System.nanoTime() + NANOS;
                do {
                  ChildrenCase.list(keeper.tree(), parent, inPages);
                } while (System.nanoTime() < end);
              });
      lister.start();
      long peak = 0;
      while (lister.isAlive()) {
        System.gc();
        peak =
            Math.max(peak, Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
      }
      lister.join();
      System.out.printf(Locale.ROOT, "peak %.1f%n", peak / 1e6);
    }
  }
}
