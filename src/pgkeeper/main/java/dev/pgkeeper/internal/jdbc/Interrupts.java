package dev.pgkeeper.internal.jdbc;

/**
 * Keeps interrupts of this thread away from what has to be done to its end, and gives them back
 * after it. A virtual thread that is interrupted while it waits for the database has its connection
 * closed by the JDK, and every one that it uses next, as long as it is known to be interrupted.
 */
public final class Interrupts implements AutoCloseable {
  private boolean seen = Thread.interrupted();

  /** Takes an interrupt that has come since. Returns false if none has. */
  public boolean take() {
    boolean another = Thread.interrupted();
    seen |= another;
    return another;
  }

  @Override
  public void close() {
    if (seen) {
      Thread.currentThread().interrupt();
    }
  }
}
