package dev.pgkeeper.scenario;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A process whose threads do a scenario's work with one keeper, until it is told to stop. */
public final class ScenarioProcess {
  private ScenarioProcess() {}

  /** Starts one; the work has a constructor without parameters. */
  public static ChildProcess start(
      TestDatabase database,
      Class<? extends Work> work,
      KeeperOptions options,
      String name,
      int threads,
      long seed,
      String mode) {
    return ChildProcess.start(
        // What becomes of sessions is what the tests look at; the log would say it again.
        List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
        ScenarioProcess.class,
        work.getName(),
        database.jdbcUrl(),
        database.schema(),
        options.timeout().toString(),
        options.grace().toString(),
        options.sweep().toString(),
        name,
        Integer.toString(threads),
        Long.toString(seed),
        mode);
  }

  public static void main(String[] arguments) throws Exception {
    Work work =
        Class.forName(arguments[0]).asSubclass(Work.class).getDeclaredConstructor().newInstance();
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(arguments[2])
            .withTimeout(Duration.parse(arguments[3]))
            .withGrace(Duration.parse(arguments[4]))
            .withSweep(Duration.parse(arguments[5]));
    int threads = Integer.parseInt(arguments[7]);
    long seed = Long.parseLong(arguments[8]);
    try (Client client = new Client(arguments[1], options, arguments[6], threads, arguments[9])) {
      client.keeper();
      List<Thread> running = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Random random = new Random(seed + i);
        Thread thread = new Thread(() -> repeat(work, client, random), "worker-" + i);
        thread.start();
        running.add(thread);
      }
      var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        client.command(line);
        if (client.isStopped()) {
          break;
        }
      }
      for (Thread thread : running) {
        thread.join();
      }
    }
    System.out.println("bye");
  }

  /** Does the work until the client is told to stop, whatever trouble it has. */
  public static void repeat(Work work, Client client, Random random) {
    while (!client.isStopped()) {
      try {
        work.once(client, random);
      } catch (KeeperException | SQLException e) {
        // sessions end and connections break here; what was not finished is not told as done
        client.say("trouble " + e.getClass().getSimpleName() + " " + e.getMessage());
      } catch (Throwable e) {
        fail(client, e);
      }
    }
  }

  private static void fail(Client client, Throwable e) {
    client.say("failed " + e);
    e.printStackTrace();
    Runtime.getRuntime().halt(3);
  }
}
