package dev.pgkeeper.queue;

import java.util.Objects;

/**
 * Thrown by a handler: the message is not tried again and goes under the dead letters with this
 * reason, as by {@link Delivery#bury}. What a handler in a transaction did is rolled back.
 */
public final class Bury extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public Bury(String reason) {
    super(Objects.requireNonNull(reason, "reason"));
  }

  public Bury(String reason, Throwable cause) {
    super(Objects.requireNonNull(reason, "reason"), cause);
  }
}
