package dev.pgkeeper.internal.observe;

import java.util.Collection;
import java.util.List;

/** The keeper that is observed, in the last session that there was. */
public interface Subject {
  /** Whether what the session owns is certainly still its own. */
  boolean isHeld();

  /** The queues that it has used. */
  Collection<String> queues();

  /** A statement that counts messages, and so takes its time where there are many. */
  List<QueueDepth> depths(Collection<String> queues);
}
