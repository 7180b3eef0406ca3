package dev.pgkeeper.migration;

/**
 * Thrown if a schema could not be brought to the version of this jar. Nothing of the failed step
 * remains in it.
 */
public class MigrationException extends RuntimeException {

  public MigrationException(String message) {
    super(message);
  }

  public MigrationException(String message, Throwable cause) {
    super(message, cause);
  }
}
