package dev.pgkeeper.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.RunDirectory;
import dev.pgkeeper.testing.TestDatabase;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A runtime need not have the flight recorder. */
class WithoutFlightRecorderTest {

  /** What such a process does. */
  static final class Client {
    private Client() {}

    public static void main(String[] arguments) throws Exception {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(arguments[0]);
      KeeperOptions options = KeeperOptions.defaults().withSchema(arguments[1]);
      try (Keeper keeper = Keeper.connect(source, options);
          Held held = keeper.lock("/without").acquire()) {
        keeper.lock("/without").tryAcquire(Duration.ofMillis(20));
        var queue = keeper.queue("without", Codec.text());
        queue.enqueue("a");
        queue.take().orElseThrow().ack();
        System.out.println("held " + held.isHeld() + ", ready " + keeper.health().isReady());
      }
      System.out.println("flight recorder " + isThere("jdk.jfr.Event"));
    }

    private static boolean isThere(String className) {
      try {
        Class.forName(className);
        return true;
      } catch (ClassNotFoundException e) {
        return false;
      }
    }
  }

  private static String run(TestDatabase database, String classPath, List<String> options)
      throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(options);
    command.addAll(
        List.of("-cp", classPath, Client.class.getName(), database.jdbcUrl(), database.schema()));
    File out = RunDirectory.newFile(".out");
    try {
      Process process =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out).start();
      if (!process.waitFor(Await.LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      return java.nio.file.Files.readString(out.toPath(), StandardCharsets.UTF_8);
    } finally {
      java.nio.file.Files.delete(out.toPath());
    }
  }

  @Test
  void aRuntimeWithoutFlightRecorderRecordsNothing() throws Exception {
    try (TestDatabase database = TestDatabase.fresh()) {
      assertThat(
              run(
                  database,
                  JavaProgram.classPath(),
                  List.of(
                      "--limit-modules",
                      "java.base,java.sql,java.naming,java.management,java.security.jgss,"
                          + "java.security.sasl,java.logging,java.xml,java.transaction.xa,"
                          + "java.desktop,jdk.unsupported")))
          .contains("held true, ready true", "flight recorder false");
    }
  }
}
