package dev.pgkeeper.scenario;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What a thread of a scenario's process works with. */
public final class Client implements AutoCloseable {
  private final String name;
  private final String mode;
  private final KeeperOptions options;
  private final HikariDataSource pool;
  private final HikariDataSource keepersPool;
  private final Consumer<String> teller;
  private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
  private final Map<Held, AtomicLong> believed = new ConcurrentHashMap<>();
  private volatile long session;
  private Keeper keeper;
  private volatile boolean stopped;

  /** One that tells the test over standard output. */
  Client(String url, KeeperOptions options, String name, int threads, String mode) {
    this(url, options, name, threads, mode, System.out::println);
  }

  /** One whose lines go to the teller, one after the other. */
  public Client(
      String url,
      KeeperOptions options,
      String name,
      int threads,
      String mode,
      Consumer<String> teller) {
    this(url, options, name, threads, mode, null, teller);
  }

  /**
   * The same.
   *
   * @param environment arranges the pool that the keeper has then for itself; null: it has that of
   *     the work's own SQL
   */
  public Client(
      String url,
      KeeperOptions options,
      String name,
      int threads,
      String mode,
      @Nullable Consumer<HikariConfig> environment,
      Consumer<String> teller) {
    this.teller = teller;
    this.name = name;
    this.mode = mode;
    this.options = options.withClientName(name);
    this.pool = new HikariDataSource(config(url, name, threads));
    if (environment == null) {
      this.keepersPool = pool;
    } else {
      HikariConfig arranged = config(url, name, threads);
      environment.accept(arranged);
      this.keepersPool = new HikariDataSource(arranged);
    }
    Thread observer = new Thread(this::observe, "observer");
    observer.setDaemon(true);
    observer.start();
  }

  private static HikariConfig config(String url, String name, int threads) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url + (url.contains("?") ? "&" : "?") + "ApplicationName=" + name);
    config.setMaximumPoolSize(threads + 4);
    config.setMinimumIdle(0);
    config.setConnectionTimeout(Duration.ofSeconds(10).toMillis());
    // A process may start while its server is away.
    config.setInitializationFailTimeout(-1);
    // Else the pool learns it from its first connection, and never connects again if that breaks
    // just then.
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    return config;
  }

  public String name() {
    return name;
  }

  /** What the test asked of the work, in a word of theirs. */
  public String mode() {
    return mode;
  }

  public String schema() {
    return options.schema();
  }

  public DataSource dataSource() {
    return pool;
  }

  /** Connected when it is first asked for. */
  public synchronized Keeper keeper() {
    if (keeper == null) {
      keeper = Keeper.connect(keepersPool, options);
      keeper.inEachSession(
          each -> {
            session = each.id();
            say("session " + session);
            return () -> say("over " + each.id());
          });
    }
    return keeper;
  }

  private void closeKeeper() {
    try {
      keeper.close();
    } catch (KeeperException e) {
      say("close " + e.getClass().getSimpleName());
    }
    keeper = null;
  }

  /** One line to the test. The dot tells it that nothing of the line is missing. */
  public void say(String line) {
    synchronized (teller) {
      teller.accept(line + " .");
    }
  }

  /** Now, in microseconds of a clock that all processes of a machine share and nobody steps. */
  public static long nowMicros() {
    return System.nanoTime() / 1000;
  }

  public void command(String line) {
    if (line.equals("stop")) {
      stopped = true;
    } else {
      commands.add(line);
    }
  }

  public String nextCommand() throws InterruptedException {
    return commands.take();
  }

  public boolean isStopped() {
    return stopped;
  }

  /** Most often shortly; at times long enough for the test to stop the process right here. */
  public void linger(Random random) {
    if (random.nextInt(100) == 0) {
      say("critical");
      LockSupport.parkNanos(100_000_000);
    } else {
      LockSupport.parkNanos(random.nextInt(300_000));
    }
  }

  // Belief: each hold is asked all the time.

  public void believe(Held held) {
    AtomicLong last = new AtomicLong();
    believed.put(held, last);
    look(held, last);
  }

  /** When it was last believed in; nobody asks any more. 0 for never. */
  public long believed(Held held) {
    AtomicLong last = believed.remove(held);
    look(held, last);
    return last.get();
  }

  private static void look(Held held, AtomicLong last) {
    long asked = nowMicros();
    if (held.isHeld()) {
      last.accumulateAndGet(asked, Math::max);
    }
  }

  private void observe() {
    while (true) {
      believed.forEach(Client::look);
      LockSupport.parkNanos(200_000);
    }
  }

  @Override
  public synchronized void close() {
    if (keeper != null) {
      say("closing " + session);
      closeKeeper();
    }
    keepersPool.close();
    pool.close();
  }
}
