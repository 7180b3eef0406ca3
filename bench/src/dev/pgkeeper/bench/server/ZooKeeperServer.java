package dev.pgkeeper.bench.server;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Version;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.server.ZooKeeperServerMain;

/**
 * A ZooKeeper in a JVM of its own, as its own start script runs it: every change is forced to disk
 * before it is answered. Its data lies where the data of a PostgreSQL started here lies, in the
 * directory for temporary files.
 */
public final class ZooKeeperServer implements AutoCloseable {
  /**
   * Ends the server and removes its data once this process is gone, however it went: nobody else
   * holds its input.
   */
  private static final String GUARD =
      """
      home=$1; shift
      "$@" </dev/null >"$home/log" 2>&1 &
      trap '' INT TERM HUP
      while read -r _; do :; done
      kill -9 $!
      rm -rf "$home"
      """;

  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final Path home;
  private final int port;
  private final Process guard;

  private ZooKeeperServer() throws IOException {
    home = Files.createTempDirectory("pgkeeper-bench-zookeeper-");
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
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
    guard =
        new ProcessBuilder(
                "sh",
                "-c",
                GUARD,
                "guard",
                home.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1000m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                ZooKeeperServerMain.class.getName(),
                settings.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
  }

  /** The one of this run. */
  public static ZooKeeperServer of(Lab lab, Report report) throws Exception {
    return lab.shared(
        ZooKeeperServer.class,
        () -> {
          ZooKeeperServer server = new ZooKeeperServer();
          try {
            server.awaitStart();
            lab.countCpuOf(server.guard.toHandle());
          } catch (Exception e) {
            server.close();
            throw e;
          }
          report.setting(
              "ZooKeeper "
                  + Version.getVersion()
                  + ": one server, a process of its own, default fsync; data on "
                  + Files.getFileStore(server.home).type());
          return server;
        });
  }

  private void awaitStart() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        break;
      } catch (ConnectException e) {
        if (System.nanoTime() > deadline) {
          throw new IOException(
              "ZooKeeper did not start:\n" + Files.readString(home.resolve("log")), e);
        }
        Thread.sleep(50);
      }
    }
  }

  /** A new session. */
  public ZooKeeper connect() throws IOException, InterruptedException {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper client =
        new ZooKeeper(
            "127.0.0.1:" + port,
            30_000,
            event -> {
              if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
              }
            });
    if (!connected.await(START_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      client.close();
      throw new IOException("ZooKeeper gave no session within " + START_LIMIT);
    }
    return client;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    guard.getOutputStream().close();
    guard.waitFor();
  }
}
