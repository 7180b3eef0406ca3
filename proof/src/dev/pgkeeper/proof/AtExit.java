package dev.pgkeeper.proof;

/**
 * Cleans up what would outlive this process, also where it is interrupted: processes that are
 * stopped, networks, mounted disks.
 */
public final class AtExit implements AutoCloseable {
  private final Thread hook;

  private AtExit(Thread hook) {
    this.hook = hook;
  }

  /** Closes this when the process ends, unless the result was closed before. */
  public static AtExit close(AutoCloseable left) {
    Thread hook =
        new Thread(
            () -> {
              try {
                left.close();
              } catch (Exception e) {
                System.err.println("proof: could not clean up: " + e);
              }
            },
            "proof-exit");
    Runtime.getRuntime().addShutdownHook(hook);
    return new AtExit(hook);
  }

  /** It was cleaned up. */
  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, and this is how it was cleaned up.
    }
  }
}
