package dev.pgkeeper.election;

import dev.pgkeeper.line.Contender;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;

/**
 * Somebody who stands for election.
 *
 * @param identity what it calls itself
 * @param data what it brought along for others to see
 * @param leads whether it leads, or waits
 * @param since when it was elected, or began to wait, by the database's clock
 * @param session whose it is
 * @param client the name that client gave itself
 * @param host the client's machine
 * @param pid the client's process
 * @param token its number: the smallest comes first
 */
public record Candidate(
    String identity,
    byte[] data,
    boolean leads,
    Instant since,
    long session,
    String client,
    String host,
    long pid,
    long token) {

  static Candidate of(Contender contender) {
    byte[] bytes = contender.data();
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new Candidate(
        new String(bytes, 0, end, StandardCharsets.UTF_8),
        Arrays.copyOfRange(bytes, Math.min(end + 1, bytes.length), bytes.length),
        contender.holds(),
        contender.since(),
        contender.session(),
        contender.client(),
        contender.host(),
        contender.pid(),
        contender.token());
  }

  /** What a candidate writes into its contender: the identity in UTF-8, one 0 byte, the data. */
  static byte[] encode(String identity, byte[] data) {
    byte[] name = identity.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(name.length + 1 + data.length)
        .put(name)
        .put((byte) 0)
        .put(data)
        .array();
  }

  /** Without the data. */
  @Override
  public String toString() {
    return identity
        + (leads ? " leads since " : " waits since ")
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
