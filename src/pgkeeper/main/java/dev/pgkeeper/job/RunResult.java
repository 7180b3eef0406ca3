package dev.pgkeeper.job;

/** What became of asking for a run. Only {@link #RAN} means that the work was called. */
public enum RunResult {
  /** The work was called here and is recorded as done. */
  RAN,
  /** Nothing to do: it was done before. */
  DONE_BEFORE,
  /** Somebody else is at it, or another thread of this process. */
  RUNNING_ELSEWHERE,
  /** An exclusive job that began less than its {@code atLeast} ago. */
  TOO_SOON,
  /** An earlier attempt did not end well, and the caller does not try again. */
  FAILED_BEFORE,
  /** The job is paused (see {@link Jobs#pause}). */
  PAUSED;

  public boolean ran() {
    return this == RAN;
  }
}
