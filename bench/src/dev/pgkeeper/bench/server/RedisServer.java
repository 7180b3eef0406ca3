package dev.pgkeeper.bench.server;

import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The Redis of this machine, as it is fastest: nothing is written to disk. */
public final class RedisServer implements AutoCloseable {
  private final int port = GuardedProcess.freePort();
  private final GuardedProcess process;

  private RedisServer(Path program) throws IOException {
    Path home = GuardedProcess.home("redis");
    process =
        GuardedProcess.start(
            "Redis",
            home,
            List.of(
                program.toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                home.toString()));
  }

  /**
   * The one of this run.
   *
   * @throws Unavailable if it is not installed
   */
  public static RedisServer of(Lab lab, Report report) throws Exception {
    return lab.shared(
        RedisServer.class,
        () -> {
          Path program = GuardedProcess.program("redis-server");
          RedisServer server = new RedisServer(program);
          try {
            server.process.awaitPort(server.port);
            lab.countCpuOf(server.process.handle());
          } catch (Exception e) {
            server.close();
            throw e;
          }
          report.setting(
              GuardedProcess.version(program).replaceFirst(" sha=.*", "")
                  + ": one server, a process of its own, nothing is written to disk");
          return server;
        });
  }

  /** Where clients find it. */
  public String address() {
    return "redis://127.0.0.1:" + port;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.close();
  }
}
