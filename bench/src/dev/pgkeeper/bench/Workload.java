package dev.pgkeeper.bench;

/** The work of a case as one subject does it. Only the steps of its workers are measured. */
@FunctionalInterface
public interface Workload extends AutoCloseable {
  /** What this thread does in every round; asked for once. */
  Worker worker(int thread) throws Exception;

  /** How many of the unit that is counted one step makes. */
  default long unitsPerStep() {
    return 1;
  }

  /** Puts in place what the coming round uses up. */
  default void before() throws Exception {}

  /** Clears away what the round left. */
  default void after() throws Exception {}

  @Override
  default void close() throws Exception {}
}
