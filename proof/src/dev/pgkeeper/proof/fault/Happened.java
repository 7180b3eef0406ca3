package dev.pgkeeper.proof.fault;

/**
 * A fault that was made, in microseconds of the machine's clock.
 *
 * @param client whom it happened to; -1 for the server, or for all that are behind the network
 * @param to when it was over: whatever was stopped goes on, whatever was killed takes connections
 */
public record Happened(Fault fault, int client, long from, long to) {
  public boolean isOver(long moment) {
    return to <= moment;
  }
}
