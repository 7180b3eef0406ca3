package dev.pgkeeper.testing;

import dev.pgkeeper.KeeperException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** For a keeper whose operation timeout is so short that a slow machine may miss it. */
public final class Insist {

  private Insist() {}

  /** Repeats a call, which has to be harmless twice, until it is not lost on the way. */
  public static <T> T on(Supplier<T> call) {
    AtomicReference<T> answer = new AtomicReference<>();
    Await.until(
        "an answer",
        () -> {
          try {
            answer.set(call.get());
            return true;
          } catch (KeeperException.ConnectionLoss | KeeperException.OutcomeUnknown e) {
            return false;
          }
        });
    return answer.get();
  }
}
