package dev.pgkeeper.internal.session;

import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.internal.watch.Watches;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Hands each ring on to whoever looks at what it names. Everybody in the database can ring, so what
 * nobody here waits for is nothing.
 */
final class Hearing {
  /**
   * Rung when somebody else ended the session (R__27_operators.sql); it is believed when a ping
   * says so.
   */
  private static final String ENDED = "ended";

  private final Syncs syncs;
  private final SessionServices services;
  private final Watches watches;
  private final Looks looks;

  Hearing(Syncs syncs, SessionServices services, Watches watches, Looks looks) {
    this.syncs = syncs;
    this.services = services;
    this.watches = watches;
    this.looks = looks;
  }

  /** Hears what was rung. Returns whether somebody says that the session has ended. */
  boolean hear(List<String> rung) {
    boolean ended = false;
    Set<String> concerned = new LinkedHashSet<>();
    Set<String> asked = new LinkedHashSet<>();
    for (String payload : rung) {
      if (syncs.isAwaited(payload)) {
        asked.add(payload);
      } else if (payload.equals(ENDED)) {
        ended = true;
      } else {
        services.rung(payload);
        if (Paths.isOne(payload)) { // what is rung for a place in a line has more in it
          watches.hint(payload);
          if (!watches.isEmpty()) {
            concerned.addAll(watches.concernedBy(payload));
          }
        }
      }
    }
    if (!concerned.isEmpty() || !asked.isEmpty()) {
      looks.rung(concerned, asked);
    }
    return ended;
  }
}
