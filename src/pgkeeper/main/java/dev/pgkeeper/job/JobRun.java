package dev.pgkeeper.job;

import dev.pgkeeper.Fenced;

/**
 * A run that this client has claimed. It stays its own until the work returns, its session ends or
 * its time is over. Effects in the database go through {@link #inTransaction} or {@link #fence}:
 * then they are committed only while the run stands. Effects elsewhere carry the token.
 */
public interface JobRun extends Fenced {
  String job();

  String tick();

  /** How often this run was begun, this time included. */
  int attempt();

  /** The number of this attempt: a later attempt, and a later run of the job, has a larger one. */
  long token();

  /** Ends the run early, as done; it is ended by itself when the work returns. */
  @Override
  void close();
}
