package dev.pgkeeper.tree;

/**
 * Told where it is worth looking, one hint at a time on the keeper's event thread; it should not
 * wait there. Hints say nothing of what happened, and there may be more of them than changes.
 */
public interface HintListener {
  /** Something may have happened to the node at this path, or have taken what is below it away. */
  void somewhere(String path);

  /** Something may have happened to any of the nodes: hints may have been lost. */
  void anywhere();

  /**
   * Nothing says that hints were lost, but it is time to look whether any were ({@link
   * dev.pgkeeper.KeeperOptions#sweep}).
   */
  default void sweep() {
    anywhere();
  }
}
