package dev.pgkeeper.bench.queue;

/** Messages that come to a handler by themselves. */
interface Serving extends Messages {
  /** From now on a worker with one thread calls this for each message, until all is closed. */
  void serve(Runnable handler) throws Exception;
}
