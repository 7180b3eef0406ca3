package dev.pgkeeper.bench;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * The threads that one client of several in this process has: those that were started by what was
 * done for it, and by threads that were.
 */
public final class ThreadCensus {
  private final ThreadGroup group;

  public ThreadCensus(String name) {
    group = new ThreadGroup(name);
  }

  /** Does this for the client. */
  public <T> T during(Callable<T> call) throws Exception {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(group, task, group.getName());
    thread.start();
    thread.join();
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** How many there are now. */
  public int count() {
    return group.activeCount();
  }
}
