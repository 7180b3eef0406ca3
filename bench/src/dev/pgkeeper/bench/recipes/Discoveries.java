package dev.pgkeeper.bench.recipes;

import java.util.function.IntConsumer;

/** Two clients of one registry: the first registers, the second follows. */
interface Discoveries extends AutoCloseable {
  void register() throws Exception;

  void unregister() throws Exception;

  /** Tells the second client's code how many it knows, whenever that has changed. */
  void follow(IntConsumer told) throws Exception;
}
