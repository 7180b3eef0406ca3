package dev.pgkeeper.discovery;

import java.time.Instant;
import java.util.Arrays;

/**
 * Somebody in a {@link Group}.
 *
 * @param id its name in the group
 * @param data what it wants the others to know
 * @param session whose it is
 * @param since when it joined, by the database's clock; later if it had to join again
 */
public record Member(String id, byte[] data, long session, Instant since) {
  @Override
  public boolean equals(Object other) {
    return other instanceof Member member
        && id.equals(member.id)
        && Arrays.equals(data, member.data)
        && session == member.session
        && since.equals(member.since);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  /** Without the data. */
  @Override
  public String toString() {
    return id + " since " + since + ", session " + session;
  }
}
