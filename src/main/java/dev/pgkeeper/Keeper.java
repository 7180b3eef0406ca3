package dev.pgkeeper;

import dev.pgkeeper.guard.Guard;
import dev.pgkeeper.internal.guard.SharedGuard;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.DatabaseUrl;
import dev.pgkeeper.internal.jdbc.OwnConnections;
import dev.pgkeeper.internal.jdbc.ServerCheck;
import dev.pgkeeper.internal.jdbc.TransactionLocks;
import dev.pgkeeper.internal.line.Lines;
import dev.pgkeeper.internal.line.SharedLine;
import dev.pgkeeper.internal.meeting.Meetings;
import dev.pgkeeper.internal.meeting.SharedMeeting;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.internal.observe.Subject;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.queue.Queues;
import dev.pgkeeper.internal.queue.SharedQueue;
import dev.pgkeeper.internal.queue.SharedTopic;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.store.TableStore;
import dev.pgkeeper.internal.tree.SharedTree;
import dev.pgkeeper.internal.tree.TransactionTree;
import dev.pgkeeper.migration.Migrated;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.Topic;
import dev.pgkeeper.recipes.Barrier;
import dev.pgkeeper.recipes.Counter;
import dev.pgkeeper.recipes.DoubleBarrier;
import dev.pgkeeper.recipes.Election;
import dev.pgkeeper.recipes.Group;
import dev.pgkeeper.recipes.IdGenerator;
import dev.pgkeeper.recipes.JavaLock;
import dev.pgkeeper.recipes.Latch;
import dev.pgkeeper.recipes.MultiLock;
import dev.pgkeeper.recipes.Mutex;
import dev.pgkeeper.recipes.NodeCache;
import dev.pgkeeper.recipes.Partitioner;
import dev.pgkeeper.recipes.PersistentNode;
import dev.pgkeeper.recipes.ReadWriteLock;
import dev.pgkeeper.recipes.ReentrantMutex;
import dev.pgkeeper.recipes.Semaphore;
import dev.pgkeeper.recipes.ServiceRegistry;
import dev.pgkeeper.recipes.Settings;
import dev.pgkeeper.recipes.SharedValue;
import dev.pgkeeper.recipes.SimpleQueue;
import java.sql.Connection;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One session with the database: what it creates as ephemeral goes when it ends. Safe for use by
 * many threads; one for a process is enough.
 *
 * <p>It takes two connections: one that it opens for itself and keeps, and one at a time that each
 * operation borrows from the data source for a round trip.
 */
public final class Keeper implements AutoCloseable {
  private static final int BACKGROUND_THREADS = 16;
  private static final Duration LONGEST_PING = Duration.ofSeconds(1);
  private static final Duration LONGEST_LAST_STATEMENT = Duration.ofSeconds(1);

  static {
    Observation.letIn(keeper -> keeper.succession.observation());
  }

  private final KeeperOptions options;
  private final Database database;
  private final ClientSession session;
  private final SharedTree tree;
  private final Lines lines;
  private final Meetings meetings;
  private final SharedGuard guard;
  private final Queues queues;
  private final ThreadPoolExecutor background;
  private final Succession succession;

  private Keeper(
      KeeperOptions options,
      Database database,
      ClientSession session,
      SharedTree tree,
      Lines lines,
      Meetings meetings,
      Queues queues,
      ThreadPoolExecutor background,
      Succession succession) {
    this.options = options;
    this.database = database;
    this.session = session;
    this.tree = tree;
    this.lines = lines;
    this.meetings = meetings;
    this.queues = queues;
    this.guard =
        new SharedGuard(
            database,
            session,
            background,
            path -> new SharedLine(lines, options.chroot(), path, "scheduler", 1));
    this.background = background;
    this.succession = succession;
  }

  public static Keeper connect(DataSource dataSource) {
    return connect(dataSource, KeeperOptions.defaults());
  }

  /**
   * Opens a session.
   *
   * @throws IllegalArgumentException if the data source has a URL that is mistyped
   * @throws IllegalStateException if the server is a standby or too old, or the schema is missing,
   *     older or newer than this library: the message says what to do
   * @throws KeeperException.ConnectionLoss if the database could not be reached within the
   *     operation timeout
   */
  public static Keeper connect(DataSource dataSource, KeeperOptions options) {
    Objects.requireNonNull(dataSource, "dataSource");
    return connect(dataSource, options, new Succession(next -> connect(dataSource, options, next)));
  }

  private static Keeper connect(
      DataSource dataSource, KeeperOptions options, Succession succession) {
    Database database = new Database(dataSource, options.schema(), options.operationTimeout());
    ServerCheck.pass(database);
    ThreadPoolExecutor background = backgroundThreads();
    try {
      ClientSession session =
          new ClientSession(
              database,
              options,
              succession.observation(),
              OwnConnections.choose(dataSource, options),
              background);
      SharedTree tree = new SharedTree(database, session, options.chroot(), options.maxDataBytes());
      Lines lines = new Lines(database, session, background);
      Meetings meetings = new Meetings(database, session);
      Queues queues = new Queues(database, session, options, background);
      session.open();
      Keeper keeper =
          new Keeper(
              options, database, session, tree, lines, meetings, queues, background, succession);
      succession.observation().follow(keeper.new Observed());
      return keeper;
    } catch (RuntimeException e) {
      background.shutdownNow();
      throw e;
    }
  }

  private static ThreadPoolExecutor backgroundThreads() {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            BACKGROUND_THREADS,
            BACKGROUND_THREADS,
            Duration.ofSeconds(5).toSeconds(),
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> new BackgroundThread(task, number.incrementAndGet()),
            // After closing, whoever still has something to tell does it on its own thread.
            (task, closed) -> task.run());
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  private static final class BackgroundThread extends Thread {
    BackgroundThread(Runnable task, int number) {
      super(task, "pgkeeper-async-" + number);
      setDaemon(true);
    }
  }

  /** Creates or updates the schema {@code pgkeeper}, and returns what was done. */
  public static Migrated migrate(DataSource dataSource) {
    return migrate(dataSource, KeeperOptions.defaults().schema());
  }

  /**
   * Creates or updates a schema, and returns what was done. May be called by any number of
   * processes at once.
   */
  public static Migrated migrate(DataSource dataSource, String schema) {
    DatabaseUrl.check(dataSource);
    return Migrations.migrate(dataSource, schema);
  }

  /**
   * The SQL that {@link #migrate} would run in an empty database, for those who let an
   * administrator run it.
   */
  public static String migrationScript(String schema) {
    return Migrations.script(schema);
  }

  public KeeperOptions options() {
    return options;
  }

  /**
   * The znodes; each operation is a transaction of its own on a connection borrowed for one round
   * trip.
   */
  public Tree tree() {
    return tree;
  }

  /**
   * The znodes as seen and changed by the transaction on this connection: what it does ends as that
   * transaction ends, and watchers are rung when it commits. A node created or deleted in it keeps
   * the parent's other creations and deletions waiting until it ends.
   */
  public TreeOperations tree(Connection connection) {
    return new TransactionTree(
        Objects.requireNonNull(connection, "connection"),
        session,
        options.schema(),
        options.chroot(),
        options.maxDataBytes());
  }

  /** One at a time: a mutex of whoever uses this path, on any machine. */
  public Mutex lock(String path) {
    return new Mutex(this, path);
  }

  /** The same, for threads that acquire again what they hold. */
  public ReentrantMutex reentrantLock(String path) {
    return new ReentrantMutex(this, path);
  }

  /** The same, for code that wants a {@link java.util.concurrent.locks.Lock}. */
  public JavaLock javaLock(String path) {
    return new JavaLock(this, path);
  }

  /** Several of {@link #lock}, all or none. */
  public MultiLock multiLock(Collection<String> paths) {
    return new MultiLock(this, paths);
  }

  /** Any number of readers or one writer of whoever uses this path, on any machine. */
  public ReadWriteLock readWriteLock(String path) {
    return new ReadWriteLock(this, path);
  }

  /** So many permits for whoever uses this path, on any machine; all have to name one size. */
  public Semaphore semaphore(String path, int permits) {
    return new Semaphore(this, path, permits);
  }

  /** One leads of whoever stands for election at this path, on any machine. */
  public Election election(String path) {
    return new Election(this, path);
  }

  /** A copy of nodes that follows what happens to them, to be read without a round trip. */
  public NodeCache cache(String path, Scope scope) {
    return new NodeCache(this, path, scope);
  }

  /** Settings that all processes share, read without a round trip. */
  public Settings settings(String path) {
    return new Settings(this, path);
  }

  /** A node that is there as long as this process lives and keeps it. */
  public PersistentNode persistentNode(String path, byte[] data) {
    return new PersistentNode(this, path, data);
  }

  /** Services, where each can be reached, and which one to call; usually {@code /services}. */
  public ServiceRegistry services(String path) {
    return new ServiceRegistry(this, path);
  }

  /** Who is there of a group, with what each wants the others to know. */
  public Group group(String path) {
    return new Group(this, path);
  }

  /** A set of names, each of which one of those who joined owns; all have to name the same set. */
  public Partitioner partitioner(String path, Collection<String> elements) {
    return new Partitioner(this, path, elements);
  }

  /**
   * A node where contenders wait for this many permits: what the recipes are made of, and other
   * recipes can be made of.
   *
   * @param recipe what everybody who uses this path has to call it: small letters and {@code _}
   */
  public Line line(String path, String recipe, int permits) {
    session.ensureUsable();
    return new SharedLine(lines, options.chroot(), path, recipe, permits);
  }

  /** A node where so many come together and go together: what a double barrier is made of. */
  public Meeting meeting(String path, int size) {
    session.ensureUsable();
    return new SharedMeeting(meetings, options.chroot(), path, size);
  }

  /**
   * Waits until no other transaction has the lock of this path, and keeps it until the transaction
   * on this connection ends, however it ends. Nothing is written, and nothing is to be released. It
   * is another lock than {@link #lock} of the same path.
   *
   * @throws IllegalStateException if the connection commits each statement by itself
   */
  public void lockInTransaction(Connection connection, String path) {
    session.ensureUsable();
    TransactionLocks.lock(connection, options.schema(), below(path));
  }

  /**
   * The same, without waiting. False: another transaction has it.
   *
   * @throws IllegalStateException if the connection commits each statement by itself
   */
  public boolean tryLockInTransaction(Connection connection, String path) {
    session.ensureUsable();
    return TransactionLocks.tryLock(connection, options.schema(), below(path));
  }

  private String below(String path) {
    return Paths.under(options.chroot(), Paths.check(path));
  }

  /** Keys with data that refuse who comes too late. */
  public FencedStore fencedStore(String name) {
    return new TableStore(
        database, session.observation(), session::ensureUsable, name, options.maxDataBytes());
  }

  /** Jobs that run once in the whole fleet, and a scheduler for them. */
  public Guard guard() {
    session.ensureUsable();
    return guard;
  }

  /** A queue of 1 to 500 bytes' name, made when it is first used. */
  public <T> MessageQueue<T> queue(String name, Codec<T> codec) {
    return queue(name, codec, QueueOptions.defaults());
  }

  /** The same, with settings that hold for everybody who uses it. */
  public <T> MessageQueue<T> queue(String name, Codec<T> codec, QueueOptions queueOptions) {
    session.ensureUsable();
    return new SharedQueue<>(queues, name, codec, queueOptions);
  }

  /** What is published to every subscription that there is. */
  public <T> Topic<T> topic(String name, Codec<T> codec) {
    session.ensureUsable();
    return new SharedTopic<>(queues, name, codec);
  }

  /** A queue with as little to it as Curator's simple one: what is taken is gone. */
  public <T> SimpleQueue<T> simpleQueue(String name, Codec<T> codec) {
    return new SimpleQueue<>(this, name, codec);
  }

  /** A number that any number of clients add to at once. */
  public Counter counter(String path) {
    return new Counter(this, path);
  }

  /** Numbers that nobody else gets, from blocks that are fetched ahead. */
  public IdGenerator idGenerator(String path) {
    return new IdGenerator(this, path);
  }

  /** A value that everybody sees and may change; {@code initial} as long as nobody has set it. */
  public <T> SharedValue<T> sharedValue(String path, Codec<T> codec, T initial) {
    return new SharedValue<>(this, path, codec, initial);
  }

  /** A gate where all wait while it is closed. */
  public Barrier barrier(String path) {
    return new Barrier(this, path);
  }

  /** So many participants go in together, and out together. */
  public DoubleBarrier doubleBarrier(String path, int participants) {
    return new DoubleBarrier(this, path, participants);
  }

  /** Opens for ever when it was counted down so often. */
  public Latch latch(String path, int count) {
    return new Latch(this, path, count);
  }

  /** Runs the call on a thread of the keeper's: {@code keeper.async(tree -> tree.get("/a"))}. */
  public <T> CompletableFuture<T> async(Function<Tree, T> call) {
    session.ensureUsable();
    return async(call, background);
  }

  /** Runs the call on a thread of this executor, for example of one that makes virtual threads. */
  public <T> CompletableFuture<T> async(Function<Tree, T> call, Executor executor) {
    Objects.requireNonNull(call, "call");
    return CompletableFuture.supplyAsync(() -> call.apply(tree), executor);
  }

  /** The session's number: the {@code ephemeralOwner} of what it owns. */
  public long sessionId() {
    return session.id();
  }

  public SessionState state() {
    return session.state();
  }

  /** Whether what the session owns is certainly still its own at this moment. */
  public boolean isHeld() {
    return session.isHeld();
  }

  /**
   * How this keeper's session is, with a ping of the database; never waits longer than that. Made
   * for an endpoint that tells whether a process is ready.
   *
   * @throws IllegalArgumentException if the patience is negative
   */
  public KeeperHealth health(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("the patience is " + patience + "; use none, or more");
    }
    return session.health(patience);
  }

  /** The same, within a second. */
  public KeeperHealth health() {
    return health(LONGEST_PING);
  }

  /**
   * Does something that is to outlive this session: at once, and again in each session that takes
   * the place of one that was lost, with a keeper that is the same for all who asked, and is
   * connected as soon as the database can be reached. What came of the work before is closed first.
   * All this is over when the result, this keeper or one of the later ones is closed.
   *
   * <p>What the work throws the first time, it throws here, and that is all; later it is tried
   * again every second. It is called on a thread that it should not keep long: others wait for it.
   */
  public Subscription inEachSession(Function<Keeper, ? extends AutoCloseable> work) {
    return succession.inEachSession(this, Objects.requireNonNull(work, "work"));
  }

  /**
   * Does something that is a matter of no particular session in the present one: this keeper's, or,
   * once that was lost, that of the keeper that takes its place. If the work fails because the
   * session has ended, it is done again in the next one, which is waited for as long as an
   * operation may take.
   *
   * @throws KeeperException.SessionExpired if there was none in that time, or the keeper is closed
   */
  public <T extends @Nullable Object> T inPresentSession(Function<Keeper, T> work) {
    return succession.inPresentSession(this, Objects.requireNonNull(work, "work"));
  }

  /** Tells every change of state from now on, once each and in order; close the result to stop. */
  public Subscription onStateChange(Consumer<SessionState> listener) {
    return session.onStateChange(Objects.requireNonNull(listener, "listener"));
  }

  /**
   * Stops the consumers of queues, and ends the session: everything it owned goes at one moment.
   * Messages that no handler has begun are given back at once, as if nobody had taken them, and
   * handlers that run have ten seconds to finish; {@link dev.pgkeeper.queue.MessageConsumer#stop}
   * waits longer. Calling it again does nothing.
   */
  @Override
  public void close() {
    succession.close();
    closeAlone();
  }

  /** Not what stands for each session. */
  void closeAlone() {
    try {
      queues.close();
    } finally {
      session.close();
      background.shutdown();
      awaitLastStatements();
    }
  }

  /**
   * An application that closes its pool or drops the schema next meets no statement of this
   * client's.
   */
  private void awaitLastStatements() {
    if (Thread.currentThread() instanceof BackgroundThread) {
      return; // it may be one of those that would be waited for
    }
    try {
      var unused =
          background.awaitTermination(LONGEST_LAST_STATEMENT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What metrics ask for. */
  private final class Observed implements Subject {
    @Override
    public boolean isHeld() {
      return session.isHeld();
    }

    @Override
    public Collection<String> queues() {
      return queues.names();
    }

    @Override
    public List<QueueDepth> depths(Collection<String> names) {
      return queues.depths(names);
    }
  }

  /** Without the data source: its URL may hold a password. */
  @Override
  public String toString() {
    return "Keeper[session "
        + session.id()
        + ", "
        + session.state()
        + ", schema "
        + options.schema()
        + "]";
  }
}
