package dev.pgkeeper.proof.history;

/**
 * What one process asked and was answered, in microseconds of the machine's clock.
 *
 * @param process who
 * @param name what was asked
 * @param key of which object
 * @param argument what was handed in; empty for nothing
 * @param completed {@code Long.MAX_VALUE} where there was no answer
 * @param result the answer; for a failure, why; empty for nothing
 */
public record Operation(
    String process,
    String name,
    String key,
    String argument,
    long invoked,
    long completed,
    Outcome outcome,
    String result) {

  /** What became of it. */
  public enum Outcome {
    OK,
    /** Refused by a rule, so nothing was done. */
    FAILED,
    /** Nobody knows whether it was done. */
    UNKNOWN
  }

  public boolean isOk() {
    return outcome == Outcome.OK;
  }
}
