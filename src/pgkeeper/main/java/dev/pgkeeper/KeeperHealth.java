package dev.pgkeeper;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How a session is, see {@link Keeper#health}.
 *
 * @param state {@link SessionState#JEOPARDY} as soon as the session cannot be believed in, told or
 *     not
 * @param since when that began, by this machine's clock
 * @param lastContact when the database last confirmed the session
 * @param ping how long a round trip took just now, with a connection of the data source; empty if
 *     none came back in time
 * @param listens whether it hears of changes at once. Not while its own connection is broken, and
 *     never without one: then changes are polled for
 */
public record KeeperHealth(
    long session,
    SessionState state,
    Instant since,
    Instant lastContact,
    Optional<Duration> ping,
    boolean listens) {

  /** Whether work that needs the session can be done now. */
  public boolean isReady() {
    return state == SessionState.HELD && ping.isPresent();
  }

  /** Returns this health with the keeper closed. */
  public KeeperHealth closed() {
    return new KeeperHealth(
        session, SessionState.CLOSED, since, lastContact, Optional.empty(), false);
  }

  /** One line that a person can read. */
  @Override
  public String toString() {
    return "session "
        + session
        + ": "
        + state
        + " since "
        + since
        + ", last heard of at "
        + lastContact
        + ", "
        + ping.map(took -> "ping " + took.toMillis() + " ms").orElse("no ping")
        + (listens ? ", listens" : ", does not listen");
  }
}
