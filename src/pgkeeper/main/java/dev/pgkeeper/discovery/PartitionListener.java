package dev.pgkeeper.discovery;

import dev.pgkeeper.Held;

/**
 * Told which elements this participant owns. Calls for one element come one at a time and in order.
 * Calls for different elements may come at the same time, each on a thread that is there for
 * nothing else.
 */
public interface PartitionListener {
  /**
   * The element is this participant's own from now on: begin what is done for it, and return. What
   * that does in the database it does in {@link Held#inTransaction} or after {@link Held#fence}. If
   * this throws, the element is given up, and asked for again after a pause.
   */
  void onAcquired(String element, Held held);

  /**
   * The element is to become somebody else's, or is lost: end what is done for it, and return then.
   * Nobody else gets an element that is still held before this has returned. Told once for each
   * {@link #onAcquired} that returned.
   */
  void onRelease(String element);
}
