package dev.pgkeeper.internal.watch;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;

/** A watcher and the root it sees; two of them are the same if both are. */
public record Subscriber(Watcher watcher, String chroot) {
  void tell(EventType type, SessionState state, String path) {
    watcher.process(new WatchedEvent(type, state, chroot.equals("/") ? path : seenFromRoot(path)));
  }

  private String seenFromRoot(String path) {
    return path.length() == chroot.length() ? "/" : path.substring(chroot.length());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Subscriber subscriber
        && watcher == subscriber.watcher
        && chroot.equals(subscriber.chroot);
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(watcher);
  }
}
