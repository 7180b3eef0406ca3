package dev.pgkeeper.cache;

/**
 * Told by a {@link NodeCache}, on a thread of the cache's and one call at a time. The cache looks
 * for the next changes after a call has returned: what takes long is better done elsewhere.
 */
@FunctionalInterface
public interface CacheListener {
  void changed(CacheChange change);

  /** Everything that was there at the start has been told as created. */
  default void initialised() {}

  /** Everything that was found at once has been told; the first time after the start. */
  default void caughtUp() {}
}
