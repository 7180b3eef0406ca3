package dev.pgkeeper.cache;

import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.HintListener;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A copy of a node, of its children, or of it and everything below it, that follows what happens
 * there. Reading it takes no round trip, and goes on while the database is away. The path need not
 * exist; if it goes and comes back, so does what is shown.
 *
 * <pre>{@code
 * try (NodeCache cache = keeper.cache("/shops", Scope.SUBTREE)) {
 *   cache.awaitInitialised(Duration.ofSeconds(10));
 *   cache.onChange(() -> lookAgain());
 *   Optional<Node> sign = cache.get("/shops/1/sign"); // no round trip
 * }
 * }</pre>
 *
 * <p>The copy is compared with the nodes themselves, by the numbers of their creation and last
 * change: where a ring hints at something, and as a whole after a break of the connection, in a new
 * session, and with every sweep (which reads a count and three sums, and the nodes only if those
 * differ). So whatever becomes of rings and connections, the copy is what the database has once
 * nothing changes there any more. Looks are taken one after the other, on a thread that is there
 * only while there is something to do; what happens during a look is found by the next one.
 *
 * <p>The cache never shows only a part without saying so: if there is more than the {@link
 * CacheOptions} allow, it reports that, and reading fails.
 */
public final class NodeCache implements AutoCloseable {
  private final String path;
  private final Scope scope;
  private final CacheContents contents;
  private final CacheRefresh refresh;
  private final ErrorListeners errors;
  private final SerialExecutor serially;
  private final RefreshQueue refreshes;
  private final List<CacheListener> listeners = new CopyOnWriteArrayList<>();
  private final CompletableFuture<NodeCache> initialised = new CompletableFuture<>();
  private final CompletableFuture<Subscription> standing = new CompletableFuture<>();
  private final AtomicReference<@Nullable IllegalStateException> over = new AtomicReference<>();
  private volatile long confirmedAt;

  /**
   * Used by the steps only: whether listeners were told of a change since they were last told that
   * they had heard all.
   */
  private boolean toldSome;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public NodeCache(Sessions sessions, String path, Scope scope) {
    this(sessions, path, scope, CacheOptions.defaults());
  }

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public NodeCache(Sessions sessions, String path, Scope scope, CacheOptions options) {
    this.path = path;
    this.scope = Objects.requireNonNull(scope, "scope");
    this.contents = new CacheContents(path, options);
    this.refresh = new CacheRefresh(scope, path, contents, this::tellChanges);
    this.errors = new ErrorListeners(toString());
    this.serially = new SerialExecutor("pgkeeper-cache " + path);
    this.refreshes = new RefreshQueue(toString(), serially, this::look);
    standing.complete(sessions.inEach(this::begin));
  }

  // What a user asks.

  public String path() {
    return path;
  }

  /** Completed when everything that was there at the start is here. */
  public CompletableFuture<NodeCache> initialised() {
    return initialised.copy();
  }

  /** Waits until it is initialised. Returns false if it is not in this time. */
  public boolean awaitInitialised(Duration patience) throws InterruptedException {
    return await(initialised, patience);
  }

  /**
   * Waits until everything that was committed before this call is here. Returns false if it is not
   * in this time.
   */
  public boolean awaitCurrent(Duration patience) throws InterruptedException {
    if (serially.isOnThread()) {
      throw new IllegalStateException(
          this + ": a listener cannot wait for what is told after it returns");
    }
    ensureUsable();
    return await(refreshes.afterAll(), patience);
  }

  private boolean await(CompletableFuture<?> done, Duration patience) throws InterruptedException {
    try {
      done.get(patience.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      ensureUsable();
      throw new IllegalStateException(e.getCause());
    }
  }

  /** The node at this path as it was last seen. Its data is not to be changed. */
  public Optional<Node> get(String nodePath) {
    ensureUsable();
    return contents.get(nodePath);
  }

  /** The names of a node's children, sorted, as far as they are in the scope. */
  public List<String> children(String nodePath) {
    ensureUsable();
    return contents.children(nodePath);
  }

  /** All nodes, sorted by path; those that come and go meanwhile may be among them or not. */
  public Stream<PathNode> stream() {
    ensureUsable();
    return contents.stream();
  }

  public int size() {
    ensureUsable();
    return contents.size();
  }

  /**
   * How long ago everything here was last known to be what the database has; empty before the
   * beginning. Changes since then are here too if their rings came.
   */
  public Optional<Duration> age() {
    return initialised.isDone()
        ? Optional.of(Duration.ofNanos(System.nanoTime() - confirmedAt))
        : Optional.empty();
  }

  /**
   * Tells of everything that is here as created, then {@link CacheListener#initialised}, then of
   * every change.
   */
  public Subscription listen(CacheListener listener) {
    Objects.requireNonNull(listener, "listener");
    ensureUsable();
    serially.run(
        () -> {
          if (over.get() == null) {
            contents.stream()
                .forEach(each -> tell(() -> listener.changed(CacheChange.created(each))));
            if (refresh.isLoaded()) {
              tell(listener::initialised);
              tell(listener::caughtUp);
            }
            listeners.add(listener);
          }
        });
    return () -> serially.run(() -> listeners.remove(listener));
  }

  /**
   * Tells when everything that was there at the start is here, and then whenever something has
   * changed; changes that were found together are told once.
   */
  public Subscription onChange(Runnable listener) {
    Objects.requireNonNull(listener, "listener");
    return listen(
        new CacheListener() {
          @Override
          public void changed(CacheChange change) {}

          @Override
          public void caughtUp() {
            listener.run();
          }
        });
  }

  /** Tells what listeners throw, and that there is too much to keep, if so. */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(Objects.requireNonNull(listener, "listener"));
  }

  private void ensureUsable() {
    IllegalStateException reason = over.get();
    if (reason != null) {
      throw new IllegalStateException(reason.getMessage(), reason);
    }
  }

  // Following.

  private Subscription begin(Session next) {
    Subscription hints = next.tree().hints(scope, path, new Hints());
    refreshes.goOnIn(next);
    return hints;
  }

  private final class Hints implements HintListener {
    @Override
    public void somewhere(String hinted) {
      refreshes.at(hinted);
    }

    @Override
    public void anywhere() {
      refreshes.atEverything();
    }

    @Override
    public void sweep() {
      if (refresh.hasRested()) {
        refreshes.atEverything();
      }
    }
  }

  private boolean look(Tree tree, Set<String> paths, boolean everything) {
    long began = System.nanoTime();
    boolean wasLoaded = refresh.isLoaded();
    try {
      if (wasLoaded && !paths.isEmpty()) {
        refresh.compare(tree, paths);
        tellFound(); // whoever waits for these need not wait for the sums
      }
      if (everything && !refresh.compareAll(tree)) {
        return false;
      }
    } catch (CacheContents.Overflow e) {
      end(new IllegalStateException(e.getMessage(), e));
      return true;
    } finally {
      tellChanges();
    }
    if (everything) {
      confirmedAt = began;
    }
    if (!wasLoaded && refresh.isLoaded()) {
      toldSome = true;
      initialised.complete(this);
      listeners.forEach(each -> tell(each::initialised));
    }
    tellFound();
    return true;
  }

  private void tellFound() {
    tellChanges();
    if (toldSome) {
      toldSome = false;
      listeners.forEach(each -> tell(each::caughtUp));
    }
  }

  private void tellChanges() {
    for (CacheChange change : contents.takeChanges()) {
      if (over.get() == null) {
        toldSome = true;
        listeners.forEach(each -> tell(() -> each.changed(change)));
      }
    }
  }

  private void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | Error e) {
      errors.report(e);
    }
  }

  private void end(IllegalStateException reason) {
    if (!over.compareAndSet(null, reason)) {
      return;
    }
    refreshes.end(reason);
    var unused = standing.thenAccept(Subscription::close);
    contents.clear();
    initialised.completeExceptionally(reason);
    if (reason.getCause() != null) {
      errors.reportLast(reason, () -> {});
    }
  }

  /** Ends it. No listener is called any more; a call that is under way goes on. */
  @Override
  public void close() {
    end(new IllegalStateException(this + " was closed"));
  }

  @Override
  public String toString() {
    return "NodeCache[" + path + ", " + scope + "]";
  }
}
