package dev.pgkeeper;

/** A path that no node can have. Nothing was sent to the database. */
public final class InvalidPathException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;
  private final String path;

  public InvalidPathException(String path, String rule) {
    super("invalid path \"" + path + "\": " + rule);
    this.path = path;
  }

  public String path() {
    return path;
  }
}
