package dev.pgkeeper.proof.fault;

import dev.pgkeeper.proof.AtExit;
import dev.pgkeeper.proof.client.ClientProcess;
import dev.pgkeeper.proof.client.ClientSettings;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntFunction;

/**
 * The client processes: a fixed number of places, in each of which a process runs. One that was
 * killed is followed by another with another name.
 */
public final class Fleet implements AutoCloseable {
  /** Whatever a client is at may wait for its timeouts, one after the other. */
  private static final Duration STOP_LIMIT = Await.LIMIT.multipliedBy(3);

  private static final Duration CRITICAL_LIMIT = Duration.ofSeconds(2);

  /** A process, in microseconds of the machine's clock; it lives as long as {@code to} is MAX. */
  public record Life(String name, int client, long from, long to) {}

  private final BiFunction<Integer, String, ClientSettings> settings;
  private final IntFunction<Surroundings> surroundings;
  private final List<ChildProcess> processes = new ArrayList<>();
  private final List<Life> lives = new ArrayList<>();
  private final AtExit atExit = AtExit.close(this);

  private Fleet(
      BiFunction<Integer, String, ClientSettings> settings,
      IntFunction<Surroundings> surroundings) {
    this.settings = settings;
    this.surroundings = surroundings;
  }

  /**
   * Returns once so many work.
   *
   * @param settings what a process is started with, by its place and its name
   * @param surroundings where it runs, by its place
   */
  public static Fleet start(
      int clients,
      BiFunction<Integer, String, ClientSettings> settings,
      IntFunction<Surroundings> surroundings)
      throws InterruptedException {
    Fleet fleet = new Fleet(settings, surroundings);
    try {
      for (int client = 0; client < clients; client++) {
        fleet.processes.add(fleet.launch(client));
      }
      for (ChildProcess process : fleet.processes) {
        process.awaitLine("ready");
      }
      return fleet;
    } catch (InterruptedException | RuntimeException | Error e) {
      fleet.close();
      throw e;
    }
  }

  private synchronized ChildProcess launch(int client) {
    long earlier = lives.stream().filter(life -> life.client() == client).count();
    String name = "c%d.%d".formatted(client, earlier + 1);
    lives.add(new Life(name, client, Client.nowMicros(), Long.MAX_VALUE));
    return ChildProcess.start(
        surroundings.apply(client),
        List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-XX:CICompilerCount=1"),
        ClientProcess.class,
        settings.apply(client, name).arguments());
  }

  /** How many places there are. */
  public int size() {
    return processes.size();
  }

  public synchronized List<Life> lives() {
    return List.copyOf(lives);
  }

  /** The name of the process that is there now. */
  public synchronized String name(int client) {
    return lives.stream().filter(life -> isNow(life, client)).findFirst().orElseThrow().name();
  }

  private static boolean isNow(Life life, int client) {
    return life.client() == client && life.to() == Long.MAX_VALUE;
  }

  /** Kills the process, in the middle of whatever it does, and starts another one. */
  public void replace(int client) throws InterruptedException {
    ChildProcess process = processes.get(client);
    failIfOneGaveUp(client);
    process.kill9();
    synchronized (this) {
      lives.replaceAll(
          life ->
              isNow(life, client)
                  ? new Life(life.name(), client, life.from(), Client.nowMicros())
                  : life);
      processes.set(client, launch(client));
    }
  }

  /** Stops it in its tracks, while it holds something if it soon does. */
  public void pause(int client) throws InterruptedException {
    ChildProcess process = processes.get(client);
    failIfOneGaveUp(client);
    try {
      // If it does not get to it, it is stopped wherever it is.
      var unused = process.lineWithin("critical", CRITICAL_LIMIT);
    } catch (AssertionError e) {
      failIfDead(client);
    }
    process.stop();
  }

  public void resume(int client) {
    processes.get(client).cont();
  }

  public void send(int client, String line) {
    processes.get(client).send(line);
  }

  /** Tells all of them, and returns once each has said what is expected. */
  public void sendAll(String line, String expected) throws InterruptedException {
    var unused = askAll(line, expected);
  }

  /** The same; returns what each of them said that begins so. */
  public List<String> askAll(String line, String expected) throws InterruptedException {
    List<String> answers = new ArrayList<>();
    for (ChildProcess process : processes) {
      process.send(line);
    }
    for (int client = 0; client < processes.size(); client++) {
      String said = "";
      while (!said.startsWith(expected)) {
        said = processes.get(client).awaitLine("", STOP_LIMIT);
        failIfTold(client, said);
      }
      answers.add(said);
    }
    return answers;
  }

  private void failIfOneGaveUp(int client) {
    processes.get(client).takeLines().forEach(line -> failIfTold(client, line));
    failIfDead(client);
  }

  private void failIfTold(int client, String line) {
    if (line.startsWith("failed ")) {
      throw new IllegalStateException(name(client) + " " + line);
    }
  }

  private void failIfDead(int client) {
    if (!processes.get(client).isAlive()) {
      throw new IllegalStateException(name(client) + " has ended by itself");
    }
  }

  /** Lets all of them end as they should. */
  public void finish() throws InterruptedException {
    sendAll("stop", "bye");
    for (ChildProcess process : processes) {
      process.awaitExit(STOP_LIMIT);
    }
  }

  @Override
  public void close() {
    atExit.close();
    processes.forEach(ChildProcess::close);
  }
}
