package dev.pgkeeper.tree;

/**
 * Told of changes to the nodes it was left on, one event at a time and in order, on the keeper's
 * event thread. What it throws is logged and does not keep others from being told. It may call the
 * tree; it should not wait for other events.
 */
@FunctionalInterface
public interface Watcher {
  void process(WatchedEvent event);
}
