package dev.pgkeeper.bench.locks;

/** A client of a lock service with one session, as a process of an application has it. */
interface Locks extends AutoCloseable {
  /**
   * A lock, for the thread that asks. Threads that want the same lock of the same client do so
   * through a handle each.
   */
  NamedLock named(String name) throws Exception;

  /** One thread's way to a lock. */
  interface NamedLock {
    /** Waits as long as it takes. */
    void acquire() throws Exception;

    /** Gives up what this thread has acquired. */
    void release() throws Exception;
  }
}
