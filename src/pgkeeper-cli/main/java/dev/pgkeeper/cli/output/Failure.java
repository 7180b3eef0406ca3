package dev.pgkeeper.cli.output;

/**
 * Something that can be expected to go wrong. The message is all that the user is shown: one line
 * that says what, where and what to do.
 */
public final class Failure extends RuntimeException {

  public Failure(String message) {
    super(message);
  }

  public Failure(String message, Throwable cause) {
    super(message, cause);
  }
}
