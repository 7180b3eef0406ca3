package dev.pgkeeper.proof.client;

import com.zaxxer.hikari.HikariConfig;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.environment.Environment;
import dev.pgkeeper.scenario.AddToSet;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.scenario.MessageTraffic;
import dev.pgkeeper.scenario.ScenarioProcess;
import dev.pgkeeper.scenario.TakeTheLock;
import dev.pgkeeper.scenario.Work;
import dev.pgkeeper.scenario.WriteToResource;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A process that does a bit of everything until it is told to be quiet, and writes its history as
 * it goes. It is told what to do by lines: {@code exhaust ms}, {@code starve ms}, {@code quiet},
 * {@code tell}, {@code stop}.
 */
public final class ClientProcess {
  /**
   * A work, on so many threads, each of which rests up to so long after each time.
   *
   * @param work a new one for each process
   */
  private record Occupation(Supplier<Work> work, int threads, int restMillis) {}

  private static final List<Occupation> OCCUPATIONS =
      List.of(
          new Occupation(TakeTheLock::new, 2, 10),
          new Occupation(StandForElection::new, 1, 20),
          new Occupation(WriteToResource::new, 1, 20),
          new Occupation(AddToSet::new, 1, 60),
          new Occupation(UseTheRegisters::new, 2, 10),
          new Occupation(MoveMoney::new, 1, 10),
          new Occupation(ChangeTheTree::new, 1, 30),
          new Occupation(GrowAndPrune::new, 1, 20),
          new Occupation(CreateInSequence::new, 1, 20),
          new Occupation(KeepEphemerals::new, 1, 50),
          new Occupation(RunTheJobs::new, 1, 40),
          new Occupation(MessageTraffic::new, 1, 30));

  private ClientProcess() {}

  public static void main(String[] arguments) throws Exception {
    ClientSettings settings = ClientSettings.of(arguments);
    PrintStream history = historyIn(settings.history());
    Client client =
        new Client(
            settings.url(),
            options(settings),
            settings.name(),
            threads(),
            settings.mode(),
            environment(settings),
            line -> {
              history.print(line + "\n");
              if (line.startsWith("failed ") || line.startsWith("critical")) {
                System.out.println(line);
              }
            });
    List<Thread> running = new ArrayList<>();
    Random random = new Random(settings.seed());
    for (Occupation occupation : OCCUPATIONS) {
      Work work = occupation.work().get();
      for (int i = 0; i < occupation.threads(); i++) {
        running.add(
            work(
                client,
                work,
                occupation.restMillis() * settings.pace().slowness(),
                new Random(random.nextLong())));
      }
    }
    FollowTheTree follower = new FollowTheTree(client);
    if (!settings.pace().looks().isZero()) {
      Vitals.tell(client, settings.pace().looks());
    }
    System.out.println("ready");
    obey(client, running, follower);
    client.close();
    System.out.println("bye");
    // The follower would begin anew.
    Runtime.getRuntime().halt(0);
  }

  private static PrintStream historyIn(String file) throws IOException {
    // Straight into the file: what was said is there, whatever becomes of the process.
    return new PrintStream(new FileOutputStream(file, true), true, StandardCharsets.UTF_8);
  }

  private static KeeperOptions options(ClientSettings settings) {
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(settings.schema())
            .withTimeout(settings.timeout())
            .withGrace(settings.grace())
            .withSweep(settings.sweep())
            .withOperationTimeout(settings.operationTimeout());
    return switch (settings.listener()) {
      case ClientSettings.OF_THE_URL -> options;
      case ClientSettings.NONE -> options.withLeaseOnly();
      default -> options.withListener(() -> DriverManager.getConnection(settings.listener()));
    };
  }

  private static @Nullable Consumer<HikariConfig> environment(ClientSettings settings) {
    if (settings.environment().equals(ClientSettings.ANY)) {
      return null;
    }
    Environment environment = Environment.valueOf(settings.environment());
    return pool -> {
      String role = roleOf(environment);
      // The driver takes the user of the URL, if it names one.
      pool.setJdbcUrl(pool.getJdbcUrl().replaceFirst("([?&]user=)[^&]*", "$1" + role));
      var unused = environment.arrange(pool, role, "");
    };
  }

  /** The role with which clients of an environment connect. */
  public static String roleOf(Environment environment) {
    return environment.name().toLowerCase(Locale.ROOT);
  }

  private static int threads() {
    return OCCUPATIONS.stream().mapToInt(Occupation::threads).sum();
  }

  private static Thread work(Client client, Work work, int restMillis, Random random) {
    Work paced =
        (its, dice) -> {
          work.once(its, dice);
          LockSupport.parkNanos(dice.nextInt(restMillis * 1_000_000));
        };
    Thread thread =
        new Thread(
            () -> ScenarioProcess.repeat(paced, client, random), work.getClass().getSimpleName());
    thread.start();
    return thread;
  }

  private static void obey(Client client, List<Thread> running, FollowTheTree follower)
      throws IOException, InterruptedException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "exhaust" -> Nuisance.emptyThePool(client, Long.parseLong(words[1]));
        case "starve" -> Nuisance.blockTheThreads(client, Long.parseLong(words[1]));
        case "quiet" -> {
          client.command("stop");
          for (Thread thread : running) {
            thread.join();
          }
          System.out.println("quiet");
        }
        case "known" -> {
          List<Map<String, String>> known = follower.known();
          System.out.println("known " + known.get(0) + " " + known.get(1));
        }
        case "tell" -> {
          follower.tell();
          System.out.println("told");
        }
        case "stop" -> {
          return;
        }
        default -> throw new IllegalArgumentException(line);
      }
    }
    // Whoever started this process is gone.
    Runtime.getRuntime().halt(1);
  }
}
