package dev.pgkeeper.bench.scaling;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.testing.PrivateServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Clients in this process that have nothing to do, each with a session, its pings or renewals, and,
 * unless they are lease-only, a connection of its own. They share a pool, as those of a process do.
 */
final class Fleet implements AutoCloseable {
  private static final int POOL_SIZE = 16;

  /** So many are connected at a time, and then it is asked whether there is room for more. */
  private static final int WAVE = 50;

  /** Whoever takes the last of a machine's memory measures how it swaps, or is killed. */
  private static final double LEAST_FREE_MB = 3000;

  private static final Path MEMORY = Path.of("/proc/meminfo");

  private final HikariDataSource pool;
  private final KeeperOptions options;
  private final List<Keeper> keepers = new CopyOnWriteArrayList<>();
  private final double freeAtFirst = freeMegabytes();

  private @Nullable String limit;

  Fleet(String url, boolean leaseOnly) {
    KeeperOptions defaults = KeeperOptions.defaults();
    options = leaseOnly ? defaults.withLeaseOnly() : defaults;
    pool = Postgres.pool(url, POOL_SIZE);
  }

  /** How a server is started that lets in as many. */
  static PrivateServer server(int most, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>(settings);
    all.put("max_connections", Integer.toString(most + 100));
    all.put("shared_buffers", "256MB");
    return PrivateServer.start(all);
  }

  /** Connects more until there are so many, or as many as this machine bears. */
  void growTo(int size) {
    while (keepers.size() < size && limit == null) {
      double free = freeMegabytes();
      if (free < LEAST_FREE_MB) {
        limit =
            "memory: %d MB of this machine's were left, and each session had taken %.1f, its client's"
                + " part included"
                    .formatted(Math.round(free), (freeAtFirst - free) / keepers.size());
        return;
      }
      try {
        IntStream.range(0, Math.min(WAVE, size - keepers.size()))
            .parallel()
            .forEach(i -> keepers.add(Keeper.connect(pool, options)));
      } catch (KeeperException e) {
        limit = String.valueOf(e.getMessage());
      }
    }
  }

  int size() {
    return keepers.size();
  }

  /** What kept it from growing further; null if nothing did. */
  @Nullable String limit() {
    return limit;
  }

  /** How many believe in their sessions at this moment. */
  long held() {
    return keepers.stream().filter(keeper -> keeper.session().isHeld()).count();
  }

  /** Not a number where it cannot be asked; then it is the server that says when it is enough. */
  private static double freeMegabytes() {
    try {
      return Files.readAllLines(MEMORY).stream()
          .filter(line -> line.startsWith("MemAvailable:"))
          .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024)
          .findFirst()
          .orElse(Double.NaN);
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  @Override
  public void close() {
    keepers.parallelStream().forEach(Keeper::close);
    pool.close();
  }
}
