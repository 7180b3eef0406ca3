package dev.pgkeeper.recipes;

import dev.pgkeeper.HintListener;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Node;
import dev.pgkeeper.NodePage;
import dev.pgkeeper.PathNode;
import dev.pgkeeper.Read;
import dev.pgkeeper.ReadResult;
import dev.pgkeeper.Scope;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A copy of a node, of its children, or of it and everything below it, that follows what happens
 * there. Reading it takes no round trip, and goes on while the database is away. The path need not
 * exist; if it goes and comes back, so does what is shown.
 *
 * <p>The copy is compared with the nodes themselves, by the numbers of their creation and last
 * change: where a ring hints at something, and as a whole after a break of the connection, in a new
 * session, and with every sweep (which reads two sums, and the nodes only if those differ). So
 * whatever becomes of rings and connections, it is what the database has once that is quiet. Looks
 * are taken one after the other, on a thread that is there only while there is something to do;
 * what happens during a look is found by the next one.
 *
 * <p>Nothing is ever shown in part without a word: if there is more than the {@link CacheOptions}
 * allow, it is reported, and reading fails.
 */
public final class Cache implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Cache.class);
  private static final int NODES_AT_ONCE = 2_000;
  private static final int PATHS_AT_ONCE = 100;
  private static final int MOST_HINTS = 10_000;
  private static final int MOST_COMPARISONS = 3;
  private static final long COMPARED_AGAIN_MS = 20;
  private static final long TRIED_AGAIN_MS = 200;

  /** Loading takes up at most one part in so many of the time, as long as no ring was lost. */
  private static final int REST = 20;

  private final String path;
  private final Scope scope;
  private final Copy copy;
  private final ErrorListeners errors;
  private final Steps steps;
  private final List<CacheListener> listeners = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Cache> initialised = new CompletableFuture<>();
  private final CompletableFuture<Subscription> sessions = new CompletableFuture<>();
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable Keeper keeper;
  private Work work = new Work();
  private boolean working;
  private volatile @Nullable IllegalStateException over;

  // Only steps use these, but for reading when it was confirmed.
  private boolean loaded;
  private int comparisons;
  private long loadTook;
  private long loadEnded;
  private volatile long confirmedAt;

  /** What there is to look at. */
  private static final class Work {
    final Set<String> paths = new LinkedHashSet<>();
    final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    boolean everything;

    boolean isNone() {
      return paths.isEmpty() && !everything;
    }

    void add(Work more) {
      paths.addAll(more.paths);
      waiting.addAll(more.waiting);
      everything |= more.everything;
      if (paths.size() > MOST_HINTS) {
        paths.clear();
        everything = true;
      }
    }
  }

  public Cache(Keeper keeper, String path, Scope scope) {
    this(keeper, path, scope, CacheOptions.defaults());
  }

  public Cache(Keeper keeper, String path, Scope scope, CacheOptions options) {
    this.path = path;
    this.scope = Objects.requireNonNull(scope, "scope");
    this.copy = new Copy(path, options);
    this.errors = new ErrorListeners(toString());
    this.steps = new Steps("pgkeeper-cache " + path);
    sessions.complete(keeper.inEachSession(this::begin));
  }

  // What a user asks.

  public String path() {
    return path;
  }

  /** Completed when everything that was there at the start is here. */
  public CompletableFuture<Cache> initialised() {
    return initialised.copy();
  }

  /** Waits for that. False: not within this time. */
  public boolean awaitInitialised(Duration patience) throws InterruptedException {
    return await(initialised, patience);
  }

  /**
   * Waits until everything that was committed before this call is here. False: not in this time.
   */
  public boolean awaitCurrent(Duration patience) throws InterruptedException {
    if (steps.isOnThread()) {
      throw new IllegalStateException(this + ": a listener cannot wait for what comes after it");
    }
    ensureUsable();
    Work all = new Work();
    CompletableFuture<Void> done = new CompletableFuture<>();
    all.everything = true;
    all.waiting.add(done);
    add(all);
    return await(done, patience);
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
    return copy.get(nodePath);
  }

  /** The names of a node's children, sorted, as far as they are in the scope. */
  public List<String> children(String nodePath) {
    ensureUsable();
    return copy.children(nodePath);
  }

  /** All nodes, sorted by path; those that come and go meanwhile may be among them or not. */
  public Stream<PathNode> stream() {
    ensureUsable();
    return copy.stream();
  }

  public int size() {
    ensureUsable();
    return copy.size();
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
    steps.run(
        () -> {
          if (over == null) {
            copy.stream()
                .forEach(
                    each ->
                        tell(
                            () ->
                                listener.changed(new CacheChange(each.path(), null, each.node()))));
            if (loaded) {
              tell(listener::initialised);
            }
            listeners.add(listener);
          }
        });
    return () -> steps.run(() -> listeners.remove(listener));
  }

  /** Tells what listeners throw, and if there is too much to keep. */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(Objects.requireNonNull(listener, "listener"));
  }

  private void ensureUsable() {
    IllegalStateException reason = over;
    if (reason != null) {
      throw new IllegalStateException(reason.getMessage(), reason);
    }
  }

  // Following.

  private Subscription begin(Keeper next) {
    Subscription hints = next.tree().hints(scope, path, new Hints());
    lock.lock();
    try {
      keeper = next;
    } finally {
      lock.unlock();
    }
    lookEverywhere();
    return hints;
  }

  private final class Hints implements HintListener {
    @Override
    public void somewhere(String hinted) {
      Work more = new Work();
      more.paths.add(hinted);
      add(more);
    }

    @Override
    public void anywhere() {
      lookEverywhere();
    }

    @Override
    public void sweep() {
      if (System.nanoTime() - loadEnded > REST * loadTook) {
        lookEverywhere();
      }
    }
  }

  private void lookEverywhere() {
    Work more = new Work();
    more.everything = true;
    add(more);
  }

  private void add(Work more) {
    lock.lock();
    try {
      work.add(more);
      if (!working && over == null) {
        working = true;
        steps.run(this::look);
      }
    } finally {
      lock.unlock();
    }
  }

  private void lookAgainIn(long ms) {
    CompletableFuture.delayedExecutor(ms, TimeUnit.MILLISECONDS)
        .execute(() -> steps.run(this::look));
  }

  /** A step: looks once at what there is to look at. */
  private void look() {
    Work now;
    Keeper in;
    lock.lock();
    try {
      in = keeper;
      if (over != null || in == null || work.isNone() || in.state().isTerminal()) {
        working = false; // the next session begins with everything
        return;
      }
      now = work;
      work = new Work();
    } finally {
      lock.unlock();
    }
    try {
      boolean settled = look(in.tree(), now);
      copy.takeChanges().forEach(this::tell);
      if (settled) {
        now.waiting.forEach(each -> each.complete(null));
        steps.run(this::look);
      } else {
        now.paths.clear();
        putBack(now, true);
        lookAgainIn(COMPARED_AGAIN_MS);
      }
    } catch (Copy.Overflow e) {
      end(new IllegalStateException(e.getMessage(), e));
    } catch (RuntimeException e) {
      copy.takeChanges().forEach(this::tell);
      log.info("{}: looks again in {} ms: {}", this, TRIED_AGAIN_MS, e.getMessage());
      putBack(now, now.everything || !(e instanceof KeeperException));
      lookAgainIn(TRIED_AGAIN_MS);
    }
  }

  private void putBack(Work undone, boolean everything) {
    lock.lock();
    try {
      undone.everything = everything;
      work.add(undone);
    } finally {
      lock.unlock();
    }
  }

  /** False: everything has to be compared again, for something seems to be on its way. */
  private boolean look(Tree tree, Work now) {
    if (!now.paths.isEmpty() && loaded) {
      lookAt(tree, now.paths);
    }
    if (now.everything) {
      long began = System.nanoTime();
      if (!loaded || scope == Scope.NODE || !tree.nodeSums(scope, path).equals(copy.sums())) {
        if (loaded && scope != Scope.NODE && ++comparisons < MOST_COMPARISONS) {
          return false;
        }
        load(tree);
      }
      comparisons = 0;
      confirmedAt = began;
      if (!loaded) {
        loaded = true;
        copy.takeChanges().forEach(this::tell);
        initialised.complete(this);
        listeners.forEach(each -> tell(each::initialised));
      }
    }
    return true;
  }

  private void load(Tree tree) {
    long began = System.nanoTime();
    String after = "";
    boolean more = true;
    while (more) {
      NodePage page = tree.nodePage(scope, path, after, NODES_AT_ONCE);
      more = page.hasMore();
      copy.putPage(after, page.nodes(), !more);
      copy.takeChanges().forEach(this::tell);
      after = more ? page.nodes().get(page.nodes().size() - 1).path() : after;
    }
    loadEnded = System.nanoTime();
    loadTook = loadEnded - began;
  }

  /**
   * Looks at some paths, at what was known below those that are another node now, and at the
   * parents of those that came or went, whose stats count them.
   */
  private void lookAt(Tree tree, Set<String> hinted) {
    Set<String> parents = new LinkedHashSet<>();
    Set<String> next = hinted;
    while (!next.isEmpty()) {
      List<String> paths = new ArrayList<>(next);
      next = new LinkedHashSet<>();
      for (int from = 0; from < paths.size(); from += PATHS_AT_ONCE) {
        List<String> some = paths.subList(from, Math.min(paths.size(), from + PATHS_AT_ONCE));
        List<ReadResult> results = tree.readAll(some.stream().map(Read::node).toList());
        for (int i = 0; i < some.size(); i++) {
          String at = some.get(i);
          Node node = results.get(i).node();
          boolean moved = node == null ? copy.remove(at) : copy.put(new PathNode(at, node));
          if (moved && scope == Scope.SUBTREE) {
            next.addAll(copy.below(at).keySet());
            if (!at.equals(path)) {
              parents.add(at.lastIndexOf('/') == 0 ? "/" : at.substring(0, at.lastIndexOf('/')));
            }
          }
        }
      }
      if (next.isEmpty()) {
        next = parents;
        parents = new LinkedHashSet<>();
      }
    }
  }

  private void tell(CacheChange change) {
    listeners.forEach(each -> tell(() -> each.changed(change)));
  }

  private void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | Error e) {
      errors.report(e);
    }
  }

  private void end(IllegalStateException reason) {
    lock.lock();
    try {
      if (over != null) {
        return;
      }
      over = reason;
      work.waiting.forEach(each -> each.completeExceptionally(reason));
    } finally {
      lock.unlock();
    }
    var unused = sessions.thenAccept(Subscription::close);
    copy.clear();
    initialised.completeExceptionally(reason);
    if (reason.getCause() != null) {
      errors.reportLast(reason, () -> {});
    }
  }

  /** Ends it; nobody is told anything more than the call that is under way. */
  @Override
  public void close() {
    end(new IllegalStateException(this + " was closed"));
  }

  @Override
  public String toString() {
    return "Cache[" + path + ", " + scope + "]";
  }
}
