package dev.pgkeeper.internal.recipe;

import dev.pgkeeper.KeeperException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waiting for what something that was just begun sees first. */
public final class FirstLook {
  private FirstLook() {}

  /**
   * Waits for it; what was begun is closed if it does not come.
   *
   * @throws KeeperException.ConnectionLoss if it does not come in this time
   * @throws IllegalStateException if it cannot come at all
   */
  public static void await(
      CompletableFuture<?> look, String path, Duration patience, Runnable close) {
    boolean isHere = false;
    try {
      look.get(patience.toNanos(), TimeUnit.NANOSECONDS);
      isHere = true;
    } catch (ExecutionException e) {
      Throwable why = Objects.requireNonNullElse(e.getCause(), e);
      throw new IllegalStateException(why.getMessage(), why);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeeperException.ConnectionLoss(
          path + ": interrupted before what is there was read", e);
    } catch (TimeoutException e) {
      throw new KeeperException.ConnectionLoss(
          path + ": what is there could not be read within " + patience, e);
    } finally {
      if (!isHere) {
        close.run();
      }
    }
  }
}
