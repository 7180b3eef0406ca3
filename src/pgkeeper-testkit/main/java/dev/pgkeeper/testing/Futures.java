package dev.pgkeeper.testing;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a test does on other threads, and what becomes of it. */
public final class Futures {
  private Futures() {}

  /** Runs it on a thread of its own. */
  public static <T> CompletableFuture<T> onThread(Callable<T> call) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(call.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  /** What the future comes to; its own failure, or an AssertionError if it does not come. */
  public static <T> T soon(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(Await.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("Not within " + Await.LIMIT, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception failure) {
        throw failure;
      }
      throw e;
    }
  }
}
