package dev.pgkeeper.testing;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.postgresql.ds.PGSimpleDataSource;

/** A keeper with ephemeral nodes in a process of its own, to be killed or stopped. */
public final class KeeperProcess implements AutoCloseable {

  private final ChildProcess process;
  private final long session;

  private KeeperProcess(ChildProcess process, long session) {
    this.process = process;
    this.session = session;
  }

  /** Returns once it is connected and owns these ephemeral nodes. */
  public static KeeperProcess start(
      TestDatabase database, KeeperOptions options, String... ephemerals)
      throws InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.add(database.jdbcUrl());
    arguments.add(database.schema());
    arguments.add(options.timeout().toString());
    arguments.add(options.grace().toString());
    arguments.add(Boolean.toString(options.leaseOnly()));
    arguments.addAll(List.of(ephemerals));
    ChildProcess process =
        ChildProcess.start(KeeperProcess.class, arguments.toArray(String[]::new));
    try {
      return new KeeperProcess(process, Long.parseLong(process.awaitLine("ready ")));
    } catch (AssertionError | RuntimeException e) {
      process.close();
      throw e;
    }
  }

  public long session() {
    return session;
  }

  public ChildProcess process() {
    return process;
  }

  /** Asks it for {@link Session#isHeld()}. */
  public boolean isHeld() throws InterruptedException {
    process.send("held");
    return Boolean.parseBoolean(process.awaitLine("held "));
  }

  /**
   * What {@link Session#isHeld()} answered in the first moment after the process had been stopped
   * for seconds.
   */
  public boolean wasHeldOnWaking() throws InterruptedException {
    return Boolean.parseBoolean(process.awaitLine("woke "));
  }

  /** Waits until it was told this state. */
  public void awaitState(String state) throws InterruptedException {
    process.awaitLine("state " + state);
  }

  @Override
  public void close() {
    process.close();
  }

  /** The process. */
  public static void main(String[] arguments) throws IOException {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(arguments[0]);
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(arguments[1])
            .withTimeout(Duration.parse(arguments[2]))
            .withGrace(Duration.parse(arguments[3]));
    if (Boolean.parseBoolean(arguments[4])) {
      options = options.withLeaseOnly();
    }
    Keeper keeper = Keeper.connect(dataSource, options);
    keeper.onStateChange(state -> System.out.println("state " + state));
    Arrays.stream(arguments)
        .skip(5)
        .forEach(
            path ->
                keeper.tree().create(NewNode.at(path).mode(CreateMode.EPHEMERAL).withParents()));
    Session session = keeper.session();
    Thread sleeper = new Thread(() -> watchTheClock(session));
    sleeper.setDaemon(true);
    sleeper.start();
    System.out.println("ready " + session.id());
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.equals("held")) {
        System.out.println("held " + session.isHeld());
      }
    }
  }

  private static void watchTheClock(Session session) {
    for (long last = System.nanoTime(); true; ) {
      long now = System.nanoTime();
      boolean held = session.isHeld();
      if (now - last > Duration.ofSeconds(5).toNanos()) {
        System.out.println("woke " + held);
      }
      last = now;
      Await.pause(Duration.ofMillis(1));
    }
  }
}
