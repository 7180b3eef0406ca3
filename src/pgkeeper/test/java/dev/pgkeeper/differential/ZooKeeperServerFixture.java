package dev.pgkeeper.differential;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.RunDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.zookeeper.server.ContainerManager;
import org.apache.zookeeper.server.DataNode;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.RequestProcessor;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.persistence.FileTxnSnapLog;

/** A real ZooKeeper server in this process, on a free port of the loopback interface. */
final class ZooKeeperServerFixture implements AutoCloseable {

  static {
    System.setProperty("zookeeper.extendedTypesEnabled", "true");
    // What it answers is judged, not what survives a crash.
    System.setProperty("zookeeper.forceSync", "no");
    System.setProperty("zookeeper.preAllocSize", "1024");
    System.setProperty("zookeeper.digest.enabled", "false");
    System.setProperty("zookeeper.snapCount", "100000000");
    System.setProperty("zookeeper.nio.numSelectorThreads", "1");
    System.setProperty("zookeeper.nio.numWorkerThreads", "0");
    System.setProperty("zookeeper.admin.enableServer", "false");
    // It tells of each operation that it refuses, and of each client that leaves.
    System.setProperty("org.slf4j.simpleLogger.log.org.apache.zookeeper", "error");
  }

  private static final int TICK_MILLIS = 2000;
  private static final int MAX_CONNECTIONS = 100;

  /** For how long a container is kept that never had a child; see {@link DeliberateDifferences}. */
  static final long NEVER_USED_MILLIS = TimeUnit.MINUTES.toMillis(5);

  private static final class Server extends ZooKeeperServer {
    private Server(FileTxnSnapLog log) {
      super(log, TICK_MILLIS, "");
    }

    private RequestProcessor first() {
      return firstProcessor;
    }
  }

  private final Path directory;
  private final FileTxnSnapLog log;
  private final Server server;
  private final NIOServerCnxnFactory connections = new NIOServerCnxnFactory();

  private ZooKeeperServerFixture() throws IOException, InterruptedException {
    directory = RunDirectory.newDirectory("zookeeper");
    log =
        new FileTxnSnapLog(
            directory.resolve("log").toFile(), directory.resolve("snapshots").toFile());
    server = new Server(log);
    connections.configure(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), MAX_CONNECTIONS);
    connections.startup(server);
  }

  static ZooKeeperServerFixture start() {
    try {
      return new ZooKeeperServerFixture();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    }
  }

  String address() {
    return "127.0.0.1:" + connections.getLocalPort();
  }

  /** Ends the session as if it had been silent for too long. */
  void expire(long session) {
    server.expire(session);
  }

  /** Waits until a session is over and all that it owned is gone. */
  void awaitEnd(long session) {
    long deadline = System.nanoTime() + Await.LIMIT.toNanos();
    while (server.getSessionTracker().isTrackingSession(session)) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("ZooKeeper does not end session " + session);
      }
      Thread.yield();
    }
  }

  int nodes() {
    return server.getZKDatabase().getNodeCount();
  }

  /**
   * Has ZooKeeper look once for containers and nodes with a TTL that are due, as if so much more
   * time had passed since they were last set. They go as soon as it comes to it.
   */
  void checkContainers(long millis) {
    ContainerManager manager =
        new ContainerManager(
            server.getZKDatabase(),
            server.first(),
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            NEVER_USED_MILLIS) {
          @Override
          protected long getElapsed(DataNode node) {
            return super.getElapsed(node) + millis;
          }
        };
    try {
      manager.checkContainers();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", e);
    } finally {
      manager.stop();
    }
  }

  @Override
  public void close() {
    connections.shutdown();
    try {
      log.close();
      List<Path> files;
      try (Stream<Path> found = Files.walk(directory)) {
        files = found.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
