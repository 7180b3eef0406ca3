package dev.pgkeeper.watch;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A watch and a change race for the same path, again and again, with nothing but rings to bring the
 * news: either the read saw the change, or its watcher is notified.
 */
public final class WatchRaceRun {
  private static final int KEEPERS = 2;
  private static final int PAIRS = 8;
  private static final int ENOUGH = 200;
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final byte[] NOTHING = {};

  private final TestDatabase database;
  private final long seed;
  private final AtomicInteger races = new AtomicInteger();
  private final AtomicInteger told = new AtomicInteger();
  private volatile boolean stopped;

  public WatchRaceRun(TestDatabase database, long seed) {
    this.database = database;
    this.seed = seed;
  }

  /** Returns how many races there were. */
  public int races() {
    return races.get();
  }

  /** Returns how many races were decided by a ring. */
  public int told() {
    return told.get();
  }

  /** Races with every kind of watch but those of a subtree, and returns the violations. */
  public List<String> run(Duration length) throws Exception {
    return run(EnumSet.complementOf(EnumSet.of(Watch.RECURSIVE)), length);
  }

  /**
   * Races with every kind of watch, and returns the violations. It is apart from the others: where
   * a client watches a subtree, every writer rings.
   */
  public List<String> runWithSubtrees(Duration length) throws Exception {
    return run(EnumSet.allOf(Watch.class), length);
  }

  private List<String> run(Set<Watch> kinds, Duration length) throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    List<Keeper> watching = new ArrayList<>();
    List<Keeper> changing = new ArrayList<>();
    // Between looking for watchers and having committed there is time, as on a slow disk.
    try (HikariDataSource slow = pool("SET commit_delay = 1000; SET commit_siblings = 0");
        HikariDataSource quick = pool("SET synchronous_commit = off");
        AutoCloseable first = () -> changing.forEach(Keeper::close);
        AutoCloseable second = () -> watching.forEach(Keeper::close)) {
      KeeperOptions options =
          KeeperOptions.defaults()
              .withSchema(database.schema())
              .withSweep(Duration.ofDays(1))
              .withTimeout(PATIENCE)
              .withOperationTimeout(PATIENCE);
      for (int i = 0; i < KEEPERS; i++) {
        watching.add(Keeper.connect(quick, options));
        changing.add(Keeper.connect(slow, options));
      }
      List<CompletableFuture<Void>> pairs = new ArrayList<>();
      for (int i = 0; i < PAIRS; i++) {
        Pair pair =
            new Pair(
                watching.get(i % KEEPERS).tree(),
                changing.get(i / KEEPERS % KEEPERS).tree(),
                "/pair-" + i,
                List.copyOf(kinds),
                new Random(seed + i),
                threads);
        pairs.add(CompletableFuture.runAsync(pair::race, threads));
      }
      Await.pause(length);
      // Where one side always wins there is no race. The machine decides which one wins more often.
      Await.until(
          PATIENCE,
          () -> ENOUGH + " races, won by either side; " + races + ", of which by a ring " + told,
          () ->
              races.get() > ENOUGH && told.get() > 0 && told.get() < races.get()
                  || pairs.stream().anyMatch(CompletableFuture::isDone));
      stopped = true;
      List<String> violations = new ArrayList<>();
      for (CompletableFuture<Void> pair : pairs) {
        try {
          pair.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof AssertionError violation)) {
            throw e;
          }
          violations.add(String.valueOf(violation.getMessage()));
        }
      }
      return violations;
    } finally {
      stopped = true;
      threads.shutdown();
    }
  }

  private HikariDataSource pool(String settings) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(PAIRS + 2);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    config.setConnectionInitSql(settings);
    return new HikariDataSource(config);
  }

  private enum Change {
    CREATE,
    SET,
    DELETE,
    CREATE_CHILD,
    DELETE_CHILD
  }

  private enum Watch {
    EXISTS(false),
    GET(false),
    CHILDREN(false),
    PERSISTENT(true),
    RECURSIVE(true);

    final boolean staysOn;

    Watch(boolean staysOn) {
      this.staysOn = staysOn;
    }
  }

  /** What is known of a path. */
  private record State(boolean present, int version, int children) {
    static final State ABSENT = new State(false, 0, 0);

    static State of(Optional<Stat> stat) {
      return stat.map(s -> new State(true, s.version(), s.numChildren())).orElse(ABSENT);
    }

    State after(Change change) {
      return switch (change) {
        case CREATE -> new State(true, 0, 0);
        case SET -> new State(true, version + 1, children);
        case DELETE -> ABSENT;
        case CREATE_CHILD -> new State(true, version, 1);
        case DELETE_CHILD -> new State(true, version, 0);
      };
    }
  }

  /** One that watches and one that changes, on the same path. */
  private final class Pair {
    private final Tree watching;
    private final Tree changing;
    private final String root;
    private final List<Watch> kinds;
    private final Random random;
    private final ExecutorService threads;

    private volatile State state = State.ABSENT;
    private String path = "";
    private int paths;
    private int racesLeft;

    Pair(
        Tree watching,
        Tree changing,
        String root,
        List<Watch> kinds,
        Random random,
        ExecutorService threads) {
      this.watching = watching;
      this.changing = changing;
      this.root = root;
      this.kinds = kinds;
      this.random = random;
      this.threads = threads;
    }

    void race() {
      changing.create(root, NOTHING);
      while (!stopped) {
        races.incrementAndGet();
        if (racesLeft-- == 0) {
          // The first race for a path registers in the database, the next ones in the client.
          path = root + "/" + paths++;
          racesLeft = random.nextInt(6);
          state = State.ABSENT;
        }
        Change change = choose();
        Watch watch = choose(change);
        State before = state;
        int headNanos = random.nextInt(3_000_000) - 1_000_000;
        CountDownLatch start = new CountDownLatch(2);
        CompletableFuture<Void> changed =
            CompletableFuture.runAsync(
                () -> {
                  meet(start, headNanos);
                  apply(change);
                },
                threads);
        CompletableFuture<WatchedEvent> heard = new CompletableFuture<>();
        Watcher watcher = heard::complete;
        meet(start, -headNanos);
        Optional<State> seen = leave(watch, watcher, before);
        changed.join();
        if (seen.isEmpty()) {
          continue;
        }
        if (seen.get().equals(before)) {
          told.incrementAndGet();
          await(heard, change, watch);
        } else if (random.nextInt(4) == 0) {
          // It saw the change; then the next one is what it is told of.
          if (!watch.staysOn && heard.isDone()) {
            throw new AssertionError(
                "A watch of the kind "
                    + watch
                    + " on "
                    + path
                    + " saw "
                    + change
                    + ", and was told of "
                    + heard.join());
          }
          Change next = choose();
          while (!concerns(next, watch) || watch == Watch.RECURSIVE && undoes(next, change)) {
            next = choose();
          }
          apply(next);
          await(heard, next, watch);
        }
        takeBack(watcher);
      }
    }

    /** Lets both start at one moment, or one of them a little later. */
    private void meet(CountDownLatch start, int waitNanos) {
      start.countDown();
      try {
        start.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      if (waitNanos > 0) {
        LockSupport.parkNanos(waitNanos);
      }
    }

    private Change choose() {
      if (!state.present()) {
        return Change.CREATE;
      } else if (state.children() > 0) {
        return random.nextBoolean() ? Change.SET : Change.DELETE_CHILD;
      }
      return List.of(Change.SET, Change.DELETE, Change.CREATE_CHILD).get(random.nextInt(3));
    }

    private Watch choose(Change change) {
      while (true) {
        Watch watch = kinds.get(random.nextInt(kinds.size()));
        boolean needsNode = watch == Watch.GET || watch == Watch.CHILDREN;
        if (concerns(change, watch) && (state.present() || !needsNode)) {
          return watch;
        }
      }
    }

    private boolean concerns(Change change, Watch watch) {
      return switch (change) {
        case CREATE, SET -> watch != Watch.CHILDREN;
        case DELETE -> true;
        case CREATE_CHILD, DELETE_CHILD -> watch != Watch.EXISTS && watch != Watch.GET;
      };
    }

    /** What came and went between two looks at it is not told. */
    private static boolean undoes(Change next, Change change) {
      return change == Change.CREATE_CHILD && next == Change.DELETE_CHILD;
    }

    private void apply(Change change) {
      switch (change) {
        case CREATE -> changing.create(path, NOTHING);
        case SET -> changing.set(path, NOTHING);
        case DELETE -> changing.delete(path);
        case CREATE_CHILD -> changing.create(path + "/child", NOTHING);
        case DELETE_CHILD -> changing.delete(path + "/child");
      }
      state = state.after(change);
    }

    /**
     * What was there when the watch was left; after one that stays on, what was there a moment
     * later. Empty if the node was gone and nothing was left.
     */
    private Optional<State> leave(Watch watch, Watcher watcher, State before) {
      try {
        return Optional.of(
            switch (watch) {
              case EXISTS -> State.of(watching.exists(path, watcher));
              case GET -> State.of(Optional.of(watching.get(path, watcher).stat()));
              case CHILDREN -> {
                int children = watching.children(path, watcher).size();
                yield new State(true, before.version(), children);
              }
              case PERSISTENT -> {
                watching.watch(path, WatchMode.PERSISTENT, watcher);
                yield State.of(watching.exists(path));
              }
              case RECURSIVE -> {
                watching.watch(path, WatchMode.PERSISTENT_RECURSIVE, watcher);
                yield State.of(watching.exists(path));
              }
            });
      } catch (KeeperException.NoNode e) {
        return Optional.empty();
      }
    }

    private void takeBack(Watcher watcher) {
      try {
        watching.unwatch(path, WatchKind.ANY, watcher);
      } catch (KeeperException.NoWatcher e) {
        // it was used up
      }
    }

    private void await(CompletableFuture<WatchedEvent> heard, Change change, Watch watch) {
      try {
        heard.get(Await.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError(
            "A watch of the kind " + watch + " on " + path + " heard nothing of " + change, e);
      } catch (InterruptedException | ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
