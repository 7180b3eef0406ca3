package dev.pgkeeper.bench.server;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * The etcd of this machine: a cluster of one, every change is forced to disk before it is answered.
 */
public final class EtcdServer implements AutoCloseable {
  private final int port = GuardedProcess.freePort();
  private final GuardedProcess process;

  private EtcdServer(Path program) throws IOException {
    Path home = GuardedProcess.home("etcd");
    String peers = "http://127.0.0.1:" + GuardedProcess.freePort();
    process =
        GuardedProcess.start(
            "etcd",
            home,
            List.of(
                program.toString(),
                "--name=bench",
                "--data-dir=" + home.resolve("data"),
                "--listen-client-urls=" + address(),
                "--advertise-client-urls=" + address(),
                "--listen-peer-urls=" + peers,
                "--initial-advertise-peer-urls=" + peers,
                "--initial-cluster=bench=" + peers));
  }

  /**
   * The one of this run.
   *
   * @throws Unavailable if it is not installed
   */
  public static EtcdServer of(Lab lab, Report report) throws Exception {
    return lab.shared(
        EtcdServer.class,
        () -> {
          Path program = GuardedProcess.program("etcd");
          EtcdServer server = new EtcdServer(program);
          try {
            // It listens for clients once it has a leader.
            server.process.awaitPort(server.port);
            lab.countCpuOf(server.process.handle());
          } catch (Exception e) {
            server.close();
            throw e;
          }
          report.setting(
              GuardedProcess.version(program)
                  + ": a cluster of one, a process of its own, default fsync; data on "
                  + server.process.storage());
          return server;
        });
  }

  /** Where clients find it. */
  public String address() {
    return "http://127.0.0.1:" + port;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.close();
  }
}
