package dev.pgkeeper.line;

import java.time.Instant;

/**
 * Somebody in a line.
 *
 * @param node the node that stands for it, or the line's own if it has none
 * @param token its number: the smallest comes first
 * @param what it wants: {@code lock}, {@code read}, {@code write}, {@code candidate} or a number of
 *     permits
 * @param holds whether it has it, or waits
 * @param since when it got it, or began to wait, by the database's clock
 * @param session whose it is
 * @param client the name that client gave itself
 * @param host the client's machine
 * @param pid the client's process
 * @param data what it brought along
 */
public record Contender(
    String node,
    long token,
    String what,
    boolean holds,
    Instant since,
    long session,
    String client,
    String host,
    long pid,
    byte[] data) {

  /** Without the data. */
  @Override
  public String toString() {
    return (holds ? "holds " : "waits ")
        + node
        + " since "
        + since
        + ": "
        + client
        + " ("
        + host
        + ", pid "
        + pid
        + ", session "
        + session
        + ")";
  }
}
