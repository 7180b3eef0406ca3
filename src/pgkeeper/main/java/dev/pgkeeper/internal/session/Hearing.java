package dev.pgkeeper.internal.session;

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
  private final Looks looks;

  Hearing(Syncs syncs, SessionServices services, Looks looks) {
    this.syncs = syncs;
    this.services = services;
    this.looks = looks;
  }

  /** Hears what was rung. Returns whether somebody says that the session has ended. */
  boolean hear(List<String> rung) {
    boolean ended = false;
    Set<String> asked = new LinkedHashSet<>();
    for (String payload : rung) {
      if (syncs.isAwaited(payload)) {
        asked.add(payload);
      } else if (payload.equals(ENDED)) {
        ended = true;
      } else {
        services.rung(payload);
      }
    }
    if (!asked.isEmpty() || services.isBehind()) {
      looks.rung(asked);
    }
    return ended;
  }
}
