package dev.pgkeeper.cli.demo;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.cli.output.Failure;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What the chapters share: the server, this process's keeper, the other processes. */
final class Stage implements AutoCloseable {
  /** How long anything may take before the demo gives up. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final long GLANCE_MS = 10;

  static final String CONFIG = "/demo/config";
  static final String MEMBERS = "/demo/members";

  private final Story story;
  private final List<Member> members = new CopyOnWriteArrayList<>();
  private volatile @Nullable EmbeddedServer server;
  private volatile @Nullable HikariDataSource pool;
  private volatile @Nullable Keeper keeper;

  Stage(Story story) {
    this.story = story;
  }

  Story story() {
    return story;
  }

  EmbeddedServer startServer() {
    EmbeddedServer started = EmbeddedServer.start();
    server = started;
    pool = pool(started.url(), started.user(), started.password());
    return started;
  }

  /** What an application would have: a pool. */
  static HikariDataSource pool(String url, String user, String password) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(4);
    return new HikariDataSource(config);
  }

  Keeper connect() {
    Keeper connected = Keeper.connect(pool(), KeeperOptions.defaults().withClientName("demo"));
    keeper = connected;
    return connected;
  }

  HikariDataSource pool() {
    return Objects.requireNonNull(pool);
  }

  Connection connection() throws SQLException {
    return pool().getConnection();
  }

  Keeper keeper() {
    return Objects.requireNonNull(keeper);
  }

  /** Where the server's data is while it runs. */
  Path directory() {
    return Objects.requireNonNull(server).directory();
  }

  /** Starts another process. */
  Member start(Class<?> main, String name) {
    Member member = Member.start(main, Objects.requireNonNull(server), name);
    members.add(member);
    return member;
  }

  List<Member> members() {
    return members;
  }

  Member member(String name) {
    return members.stream().filter(m -> m.name().equals(name)).findFirst().orElseThrow();
  }

  /** What a query answers, shown; the names of the columns first. */
  List<List<String>> show(String sql) throws SQLException {
    try (Connection connection = connection()) {
      List<List<String>> rows = Table.query(connection, sql);
      story.table(sql, rows);
      return rows;
    }
  }

  /** Waits for what a watcher or another thread will tell. */
  static <T> T await(CompletableFuture<T> signal, String what) throws Exception {
    try {
      return signal.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new Failure(what + " did not happen within " + PATIENCE.toSeconds() + " s", e);
    }
  }

  /** Waits for what no signal tells. */
  static void until(BooleanSupplier isSo, String what) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!isSo.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new Failure(what + " did not happen within " + PATIENCE.toSeconds() + " s");
      }
      Thread.sleep(GLANCE_MS);
    }
  }

  /** Everything in order. May be called more than once. */
  @Override
  public void close() {
    Keeper connected = keeper;
    if (connected != null) {
      connected.close();
    }
    HikariDataSource opened = pool;
    if (opened != null) {
      opened.close();
    }
    abandon();
  }

  /** Only the processes and what they left, without asking a server that may be stopping too. */
  void abandon() {
    members.forEach(Member::close);
    EmbeddedServer started = server;
    if (started != null) {
      started.close();
    }
  }
}
