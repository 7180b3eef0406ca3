package dev.pgkeeper.bench.server;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Version;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.server.ZooKeeperServerMain;

/**
 * A ZooKeeper in a JVM of its own, as its own start script runs it: every change is forced to disk
 * before it is answered.
 */
public final class ZooKeeperServer implements AutoCloseable {
  private final int port = GuardedProcess.freePort();
  private final GuardedProcess process;

  private ZooKeeperServer() throws IOException {
    Path home = GuardedProcess.home("zookeeper");
    Path settings = home.resolve("zoo.cfg");
    Files.writeString(
        settings,
        """
        dataDir=%s
        clientPortAddress=127.0.0.1
        clientPort=%d
        tickTime=2000
        maxClientCnxns=0
        admin.enableServer=false
        """
            .formatted(home.resolve("data"), port));
    process =
        GuardedProcess.start(
            "ZooKeeper",
            home,
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1000m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                ZooKeeperServerMain.class.getName(),
                settings.toString()));
  }

  /** The one of this run. */
  public static ZooKeeperServer of(Lab lab, Report report) throws Exception {
    return lab.shared(
        ZooKeeperServer.class,
        () -> {
          ZooKeeperServer server = new ZooKeeperServer();
          try {
            server.process.awaitPort(server.port);
            lab.countCpuOf(server.process.handle());
          } catch (Exception e) {
            server.close();
            throw e;
          }
          report.setting(
              "ZooKeeper "
                  + Version.getVersion()
                  + ": one server, a process of its own, default fsync; data on "
                  + server.process.storage());
          return server;
        });
  }

  /** Where clients find it. */
  public String address() {
    return "127.0.0.1:" + port;
  }

  /** A new session. */
  public ZooKeeper connect() throws IOException, InterruptedException {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper client =
        new ZooKeeper(
            address(),
            30_000,
            event -> {
              if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
              }
            });
    if (!connected.await(GuardedProcess.START_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      client.close();
      throw new IOException("ZooKeeper gave no session within " + GuardedProcess.START_LIMIT);
    }
    return client;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.close();
  }
}
