package dev.pgkeeper.migration;

/**
 * A schema could not be brought to the version of this jar; nothing of a failed step remains in it.
 */
public class MigrationException extends RuntimeException {

  public MigrationException(String message) {
    super(message);
  }

  public MigrationException(String message, Throwable cause) {
    super(message, cause);
  }
}
