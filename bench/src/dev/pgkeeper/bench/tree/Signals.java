package dev.pgkeeper.bench.tree;

/** Two clients of one store: the first sets a node, the second is told. */
interface Signals extends AutoCloseable {
  void set() throws Exception;

  /** Has the second client told of each set from now on. */
  void watch(Runnable told) throws Exception;

  /** Has the second client told of the next set only. */
  void watchOnce(Runnable told) throws Exception;
}
