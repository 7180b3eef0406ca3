package dev.pgkeeper.job;

/** What to do about a run that was begun before and did not end well. */
public enum Again {
  /** Try again: the work is called until an attempt is recorded as done. */
  UNTIL_DONE,
  /** Never run the tick again: the work is called at most once, whatever became of it. */
  NEVER
}
