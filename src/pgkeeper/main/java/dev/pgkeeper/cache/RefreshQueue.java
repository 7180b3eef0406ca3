package dev.pgkeeper.cache;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.internal.recipe.SerialExecutor;
import dev.pgkeeper.tree.Tree;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What there is to look at in a database, and one look at it after the other: each at all that has
 * gathered since the one before, in the latest session. One that failed is taken again.
 */
final class RefreshQueue {
  private static final Logger log = LoggerFactory.getLogger(RefreshQueue.class);
  private static final int MOST_PATHS = 10_000;
  private static final long AGAIN_MS = 20;
  private static final long AFTER_FAILURE_MS = 200;

  /** Looks once. */
  interface Look {
    /**
     * Refreshes these paths. Returns false if everything is to be looked at again, a moment later.
     */
    boolean at(Tree tree, Set<String> paths, boolean everything);
  }

  private final String whose;
  private final SerialExecutor serially;
  private final Look look;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable Session session;
  private Due due = new Due();
  private boolean looking;
  private @Nullable RuntimeException over;

  /** What there is to look at, and who waits until that was done. */
  private static final class Due {
    final Set<String> paths = new LinkedHashSet<>();
    final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    boolean everything;

    void add(Due more) {
      paths.addAll(more.paths);
      waiting.addAll(more.waiting);
      everything |= more.everything;
      if (paths.size() > MOST_PATHS) {
        paths.clear();
        everything = true;
      }
    }
  }

  RefreshQueue(String whose, SerialExecutor serially, Look look) {
    this.whose = whose;
    this.serially = serially;
    this.look = look;
  }

  /** From now on in this session, which begins with everything. */
  void goOnIn(Session next) {
    lock.lock();
    try {
      session = next;
    } finally {
      lock.unlock();
    }
    atEverything();
  }

  /** Something may have happened at this path. */
  void at(String path) {
    Due more = new Due();
    more.paths.add(path);
    add(more);
  }

  /** Something may have happened anywhere. */
  void atEverything() {
    atEverything(List.of());
  }

  /** The same; completed when a look that began after this call was taken. */
  CompletableFuture<Void> afterAll() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    atEverything(List.of(done));
    return done;
  }

  private void atEverything(List<CompletableFuture<Void>> waiting) {
    Due more = new Due();
    more.everything = true;
    more.waiting.addAll(waiting);
    add(more);
  }

  /** Looks no more; who waits is told why. */
  void end(RuntimeException reason) {
    lock.lock();
    try {
      over = reason;
    } finally {
      lock.unlock();
    }
    add(new Due());
  }

  private void add(Due more) {
    List<CompletableFuture<Void>> tooLate = List.of();
    lock.lock();
    try {
      due.add(more);
      if (over != null) {
        tooLate = due.waiting;
        due = new Due();
      } else if (!looking) {
        looking = true;
        serially.run(this::lookOnce);
      }
    } finally {
      lock.unlock();
    }
    answer(tooLate);
  }

  private void answer(List<CompletableFuture<Void>> waiting) {
    lock.lock();
    RuntimeException reason;
    try {
      reason = over;
    } finally {
      lock.unlock();
    }
    for (CompletableFuture<Void> each : waiting) {
      if (reason == null) {
        each.complete(null);
      } else {
        each.completeExceptionally(reason);
      }
    }
  }

  /** A step. */
  private void lookOnce() {
    Due now;
    Session in;
    lock.lock();
    try {
      in = session;
      boolean anything = due.everything || !due.paths.isEmpty();
      if (over != null || !anything || in == null || in.state().isTerminal()) {
        looking = false; // the next session begins with everything
        return;
      }
      now = due;
      due = new Due();
    } finally {
      lock.unlock();
    }
    try {
      if (look.at(in.tree(), now.paths, now.everything)) {
        answer(now.waiting);
        serially.run(this::lookOnce);
      } else {
        now.paths.clear();
        now.everything = true;
        lookAgain(now, AGAIN_MS);
      }
    } catch (RuntimeException e) {
      log.info("{}: refreshing again in {} ms, after: {}", whose, AFTER_FAILURE_MS, e.getMessage());
      now.everything |= !(e instanceof KeeperException);
      lookAgain(now, AFTER_FAILURE_MS);
    }
  }

  private void lookAgain(Due undone, long ms) {
    add(undone);
    CompletableFuture.delayedExecutor(ms, TimeUnit.MILLISECONDS)
        .execute(() -> serially.run(this::lookOnce));
  }
}
