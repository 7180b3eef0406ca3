package dev.pgkeeper;

/** Data longer than the keeper's limit. Nothing was sent to the database. */
public final class DataTooLargeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;
  private final String path;

  public DataTooLargeException(String path, int length, int limit) {
    super(
        path
            + ": "
            + length
            + " bytes of data are more than the limit of "
            + limit
            + "; keep large data elsewhere and its address here, or raise KeeperOptions.withMaxDataBytes");
    this.path = path;
  }

  public String path() {
    return path;
  }
}
