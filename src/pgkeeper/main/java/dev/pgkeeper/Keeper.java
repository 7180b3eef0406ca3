package dev.pgkeeper;

import dev.pgkeeper.cache.CacheOptions;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.cache.Settings;
import dev.pgkeeper.discovery.Group;
import dev.pgkeeper.discovery.Partitioner;
import dev.pgkeeper.discovery.ServiceRegistry;
import dev.pgkeeper.election.Election;
import dev.pgkeeper.internal.jdbc.DatabaseUrl;
import dev.pgkeeper.internal.jdbc.TransactionLocks;
import dev.pgkeeper.internal.job.SharedJobs;
import dev.pgkeeper.internal.keeper.SessionSequence;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.QueueDepth;
import dev.pgkeeper.internal.observe.Subject;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.queue.PresentQueues;
import dev.pgkeeper.internal.queue.SharedQueue;
import dev.pgkeeper.internal.queue.SharedTopic;
import dev.pgkeeper.internal.store.TableStore;
import dev.pgkeeper.job.Jobs;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.lock.FencedStore;
import dev.pgkeeper.lock.JavaLock;
import dev.pgkeeper.lock.MultiLock;
import dev.pgkeeper.lock.Mutex;
import dev.pgkeeper.lock.ReadWriteLock;
import dev.pgkeeper.lock.ReentrantMutex;
import dev.pgkeeper.lock.Semaphore;
import dev.pgkeeper.migration.Migrated;
import dev.pgkeeper.migration.Migrations;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.SimpleQueue;
import dev.pgkeeper.queue.Topic;
import dev.pgkeeper.shared.Barrier;
import dev.pgkeeper.shared.Counter;
import dev.pgkeeper.shared.DoubleBarrier;
import dev.pgkeeper.shared.IdGenerator;
import dev.pgkeeper.shared.Latch;
import dev.pgkeeper.shared.SharedValue;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * A process's door to what it shares with others in the database, for as long as the process runs.
 * Safe for use by many threads; one for a process is enough.
 *
 * <pre>{@code
 * Keeper.migrate(dataSource); // once, from any number of processes
 * try (Keeper keeper = Keeper.connect(dataSource)) {
 *   try (Held held = keeper.lock("/orders/7").acquire()) {
 *     held.inTransaction(connection -> ship(connection));
 *   }
 * }
 * }</pre>
 *
 * <p>Everything that a keeper returns works in the present {@link #session}. A session ends if the
 * database has not heard of this client for too long, for example because a machine slept. Then
 * what was held in it is lost, and listeners are told; calls that began in it fail with {@link
 * KeeperException.SessionExpired}. The keeper opens the next session by itself, for as long as that
 * takes. Calls wait for the next session as long as they wait for an answer. What is meant to last
 * (a consumer, an election, a registration, a cache) goes on in it; what was held does not come
 * back.
 *
 * <p>It takes two connections: one that it opens for itself and keeps, and one that each operation
 * borrows from the data source for a round trip.
 */
public final class Keeper implements AutoCloseable {
  private static final Duration LONGEST_PING = Duration.ofSeconds(1);
  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(10);

  static {
    Observation.letIn(keeper -> keeper.sessions.observation());
  }

  private final KeeperOptions options;
  private final SessionSequence sessions;
  private final PresentQueues queues;
  private final SharedJobs jobs;

  private Keeper(SessionSequence sessions) {
    this.options = sessions.options();
    this.sessions = sessions;
    this.queues = sessions.queues();
    this.jobs = new SharedJobs(sessions, () -> sessions.present().runs());
    sessions.observation().follow(new Observed());
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
    return new Keeper(new SessionSequence(dataSource, options));
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
   * The session that there is now, for what is bound to one: an id, ephemeral nodes of one's own.
   * Where the last one has ended, the next one is waited for, as long as an operation may take.
   *
   * @throws KeeperException.ConnectionLoss if there was none in that time
   */
  public Session session() {
    return sessions.present();
  }

  /**
   * Does something that is to outlive a session: at once, and again in each session after it. What
   * the work returned is closed when its session has ended. All of it stops when the result, or
   * this keeper, is closed.
   *
   * <p>If the work throws the first time, this call throws the same, and the work is not tried
   * again. If the work throws later, it is tried again every second. The work should not keep the
   * thread on which it is called for long: others wait for that thread.
   */
  public Subscription inEachSession(Function<Session, ? extends AutoCloseable> work) {
    return sessions.inEach(work);
  }

  /**
   * The znodes, in the session that there is at each call; each operation is a transaction of its
   * own on a connection borrowed for one round trip. Watches end with their session, and their
   * watchers are told so; {@link #cache} and the recipes go on.
   */
  public Tree tree() {
    return sessions.tree();
  }

  /**
   * The znodes as seen and changed by the transaction on this connection: what it does ends as that
   * transaction ends, and watchers are rung when it commits. A node created or deleted in it keeps
   * the parent's other creations and deletions waiting until it ends.
   */
  public TreeOperations tree(Connection connection) {
    return sessions.tree(connection);
  }

  /** Returns a mutex: of all who use this path, on any machine, one at a time holds it. */
  public Mutex lock(String path) {
    return new Mutex(sessions, path);
  }

  /** Returns a lock for threads that acquire again what they hold. */
  public ReentrantMutex reentrantLock(String path) {
    return new ReentrantMutex(sessions, path);
  }

  /** Returns a lock for code that wants a {@link java.util.concurrent.locks.Lock}. */
  public JavaLock javaLock(String path) {
    return new JavaLock(sessions, path);
  }

  /** Returns one lock of several paths, each as of {@link #lock}: it holds all or none. */
  public MultiLock multiLock(Collection<String> paths) {
    return new MultiLock(sessions, paths);
  }

  /**
   * Returns a lock for any number of readers, or one writer, among all who use this path, on any
   * machine.
   */
  public ReadWriteLock readWriteLock(String path) {
    return new ReadWriteLock(sessions, path);
  }

  /**
   * Returns a semaphore with this many permits for all who use this path, on any machine; all have
   * to name the same size.
   */
  public Semaphore semaphore(String path, int permits) {
    return new Semaphore(sessions, path, permits);
  }

  /** Returns an election: of all who stand at this path, on any machine, one leads. */
  public Election election(String path) {
    return new Election(sessions, path);
  }

  /** A copy of nodes that follows what happens to them, to be read without a round trip. */
  public NodeCache cache(String path, Scope scope) {
    return new NodeCache(sessions, path, scope);
  }

  /** Opens a cache with options. */
  public NodeCache cache(String path, Scope scope, CacheOptions cacheOptions) {
    return new NodeCache(sessions, path, scope, cacheOptions);
  }

  /** Settings that all processes share, read without a round trip. */
  public Settings settings(String path) {
    return new Settings(sessions, path);
  }

  /** A node that is there as long as this process lives and keeps it. */
  public PersistentNode persistentNode(String path, byte[] data) {
    return new PersistentNode(sessions, path, data);
  }

  /**
   * Keeps a node that is {@link CreateMode#EPHEMERAL} or {@link CreateMode#PERSISTENT}: the latter
   * outlives the process and may have children.
   */
  public PersistentNode persistentNode(String path, byte[] data, CreateMode mode) {
    return new PersistentNode(sessions, path, data, mode);
  }

  /** Services, where each can be reached, and which one to call; usually {@code /services}. */
  public ServiceRegistry services(String path) {
    return new ServiceRegistry(sessions, path);
  }

  /** Returns a group: which members are there, and what each wants the others to know. */
  public Group group(String path) {
    return new Group(sessions, path);
  }

  /**
   * Shares out a set of names: each has one owner among those who join. All should name the same
   * set.
   */
  public Partitioner partitioner(String path, Collection<String> elements) {
    return new Partitioner(sessions, path, elements);
  }

  /**
   * A node where contenders wait for this many permits: the recipes are made of this, and you can
   * make other recipes of it.
   *
   * @param recipe what everybody who uses this path has to call it: small letters and {@code _}
   */
  public Line line(String path, String recipe, int permits) {
    return sessions.line(path, recipe, permits);
  }

  /**
   * A node where this many participants come together and go together: what a double barrier is
   * made of.
   */
  public Meeting meeting(String path, int size) {
    return sessions.meeting(path, size);
  }

  /**
   * Waits until no other transaction has the lock of this path, and keeps it until the transaction
   * on this connection ends, however it ends. Nothing is written, and nothing is to be released. It
   * is not the same lock as {@link #lock} of the same path.
   *
   * @throws IllegalStateException if the connection commits each statement by itself
   */
  public void lockInTransaction(Connection connection, String path) {
    sessions.ensureOpen();
    TransactionLocks.lock(connection, options.schema(), below(path));
  }

  /**
   * Takes a lock for the transaction if it is free, without waiting. Returns false if another
   * transaction has it.
   *
   * @throws IllegalStateException if the connection commits each statement by itself
   */
  public boolean tryLockInTransaction(Connection connection, String path) {
    sessions.ensureOpen();
    return TransactionLocks.tryLock(connection, options.schema(), below(path));
  }

  private String below(String path) {
    return Paths.under(options.chroot(), Paths.check(path));
  }

  /** Returns a store of keys with data, which refuses a writer that comes too late. */
  public FencedStore fencedStore(String name) {
    return new TableStore(
        options.schema(), sessions::database, sessions.observation(), name, options.maxDataBytes());
  }

  /** Jobs that run once in the whole fleet, and a scheduler for them. */
  public Jobs jobs() {
    sessions.ensureOpen();
    return jobs;
  }

  /**
   * Returns the queue of this name, which is made when it is first used. A name has 1 to 500 bytes.
   */
  public <T> MessageQueue<T> queue(String name, Codec<T> codec) {
    return queue(name, codec, QueueOptions.defaults());
  }

  /** Returns a queue with settings that hold for everybody who uses it. */
  public <T> MessageQueue<T> queue(String name, Codec<T> codec, QueueOptions queueOptions) {
    sessions.ensureOpen();
    return new SharedQueue<>(queues, name, codec, queueOptions);
  }

  /** Returns a topic: what is published to it goes to every subscription that there is. */
  public <T> Topic<T> topic(String name, Codec<T> codec) {
    sessions.ensureOpen();
    return new SharedTopic<>(queues, name, codec);
  }

  /** A queue with as little to it as Curator's simple one: what is taken is gone. */
  public <T> SimpleQueue<T> simpleQueue(String name, Codec<T> codec) {
    return new SimpleQueue<>(queue(name, codec));
  }

  /** A number that any number of clients add to at once. */
  public Counter counter(String path) {
    return new Counter(sessions, path);
  }

  /** Numbers that nobody else gets, from blocks that are fetched ahead. */
  public IdGenerator idGenerator(String path) {
    return new IdGenerator(sessions, path);
  }

  /** Returns a generator that takes blocks of a size other than 1,000. */
  public IdGenerator idGenerator(String path, int blockSize) {
    return new IdGenerator(sessions, path, blockSize);
  }

  /** A value that everybody sees and may change; {@code initial} as long as nobody has set it. */
  public <T> SharedValue<T> sharedValue(String path, Codec<T> codec, T initial) {
    return new SharedValue<>(sessions, path, codec, initial);
  }

  /** A gate where all wait while it is closed. */
  public Barrier barrier(String path) {
    return new Barrier(sessions, path);
  }

  /** This many participants go in together, and out together. */
  public DoubleBarrier doubleBarrier(String path, int participants) {
    return new DoubleBarrier(sessions, path, participants);
  }

  /** Returns a latch, which opens for ever once it was counted down this many times. */
  public Latch latch(String path, int count) {
    return new Latch(sessions, path, count);
  }

  /** Runs the call on a thread of the keeper's: {@code keeper.async(tree -> tree.get("/a"))}. */
  public <T> CompletableFuture<T> async(Function<Tree, T> call) {
    sessions.ensureOpen();
    return async(call, sessions.background());
  }

  /** Runs the call on a thread of this executor, for example of one that makes virtual threads. */
  public <T> CompletableFuture<T> async(Function<Tree, T> call, Executor executor) {
    Objects.requireNonNull(call, "call");
    return CompletableFuture.supplyAsync(() -> call.apply(tree()), executor);
  }

  /**
   * The state of the present session, or of the last one if there is none: {@link
   * SessionState#LOST} until the next one is open.
   */
  public SessionState state() {
    return sessions.state();
  }

  /**
   * Tells how the latest session is, and pings the database; never waits longer than this patience.
   * Made for an endpoint that tells whether a process is ready.
   *
   * @throws IllegalArgumentException if the patience is negative
   */
  public KeeperHealth health(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("the patience is " + patience + "; use 0 or more");
    }
    return sessions.health(patience);
  }

  /** Checks the health with a second's patience. */
  public KeeperHealth health() {
    return health(LONGEST_PING);
  }

  /**
   * Tells every change of {@link #state} from now on, once each and in order, also from {@code
   * LOST} to {@code HELD} in the next session; close the result to stop.
   */
  public Subscription onStateChange(Consumer<SessionState> listener) {
    return sessions.onStateChange(listener);
  }

  /**
   * Ends everything, within ten seconds or a little more; see {@link #close(Duration)}. Calling it
   * again does nothing.
   */
  @Override
  public void close() {
    var unused = close(LONGEST_CLOSE);
  }

  /**
   * Ends everything that this keeper returned, in this order: first registrations and other
   * ephemeral nodes that it keeps, so that nobody new comes; then consumers and schedulers, whose
   * handlers and jobs have this long to finish; then what else goes on in each session; last the
   * session, and with it, at one moment, all that it owned. Messages that no handler has begun are
   * given back at once, as if nobody had taken them. Calling it again does nothing.
   *
   * @return false if something had not finished by then: it has lost its session, and others get
   *     what it was working on
   */
  public boolean close(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("the patience is " + patience + "; use 0 or more");
    }
    return sessions.close(patience);
  }

  /** What metrics ask for. */
  private final class Observed implements Subject {
    @Override
    public boolean isHeld() {
      return sessions.latest().isHeld();
    }

    @Override
    public Collection<String> queues() {
      return sessions.latest().queues().names();
    }

    @Override
    public List<QueueDepth> depths(Collection<String> names) {
      return sessions.latest().queues().depths(names);
    }
  }

  /** Without the data source: its URL may hold a password. */
  @Override
  public String toString() {
    return "Keeper[session "
        + sessions.latest().id()
        + ", "
        + state()
        + ", schema "
        + options.schema()
        + "]";
  }
}
