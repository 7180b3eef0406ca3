package dev.pgkeeper.recipes;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** What the tests of several recipes need. */
final class Recipes {
  static final Duration SOON = Duration.ofSeconds(10);

  private Recipes() {}

  /** Something that may fail. */
  interface Attempt {
    void run() throws Exception;
  }

  /** Runs it on a thread of its own. */
  static <T> CompletableFuture<T> onThread(Callable<T> call) {
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

  /** What the future comes to; its own failure, or an AssertionError if that takes too long. */
  static <T> T soon(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(SOON.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("Not within " + SOON, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** How many stand in this line, by the database. */
  static long rowsBelow(TestDatabase database, String line) {
    return database.queryLong("SELECT count(*) FROM ${schema}.contenders('" + line + "')");
  }

  static void awaitRowsBelow(TestDatabase database, String line, long number) {
    Supplier<String> what =
        () -> number + " below " + line + "; there are " + rowsBelow(database, line);
    Await.until(SOON, what, () -> rowsBelow(database, line) == number);
  }
}
