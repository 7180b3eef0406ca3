package dev.pgkeeper.bench.queue;

import java.time.Duration;
import java.util.Collections;
import java.util.List;

/**
 * A queue of one subject, as a process of an application has it. To add a peer, implement this and
 * name it in {@link Subjects}.
 */
interface Messages extends AutoCloseable {
  /** So many messages; as much in each as an address or a small order. */
  static List<byte[]> payloads(int count) {
    return Collections.nCopies(count, new byte[100]);
  }

  /** Enqueues these, at once where the subject can do that. */
  void enqueue(List<byte[]> payloads) throws Exception;

  /** A client's consumers: as many threads, each of which takes as many messages at once. */
  Consumers consumers(int threads, int batch) throws Exception;

  /** Enqueues so many more as fast as the subject can, and cleans up behind; never measured. */
  void fill(int count) throws Exception;

  /** Throws away all that wait; never measured. */
  void clear() throws Exception;

  /**
   * How many wait at most where consumers are measured: more than it could hand out in a round, or
   * as many as it bears.
   */
  int longestBacklog();

  /** How many it can enqueue or take at once. */
  default int largestBatch() {
    return Integer.MAX_VALUE;
  }

  /** Started together, and closed together when they have finished what they took. */
  interface Consumers extends AutoCloseable {
    /** For one thread. */
    Consumer consumer();
  }

  /** One thread's way to take messages and be done with them. */
  interface Consumer {
    /**
     * Takes as many as it takes at once, or fewer if there are fewer, and is done with them, at the
     * latest with the next call. Waits so long for the first. Returns how many there were.
     */
    int next(Duration wait) throws Exception;
  }
}
