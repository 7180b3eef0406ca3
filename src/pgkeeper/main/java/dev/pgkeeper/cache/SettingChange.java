package dev.pgkeeper.cache;

import dev.pgkeeper.tree.Node;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/**
 * What was done to a key of a {@link Settings}.
 *
 * @param data the value as it was written; empty if it was deleted
 * @param by who did it
 * @param at when, by the database's clock
 */
public record SettingChange(String name, Optional<byte[]> data, String by, Instant at) {
  private static final String BY = "by=";
  private static final String SET = "set";
  private static final String DELETED = "deleted";

  public Optional<String> text() {
    return data.map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  /**
   * In the tree it is a line that says who changed it, a line that says what happened, and the
   * value.
   */
  static byte[] encode(String by, Optional<byte[]> data) {
    byte[] head =
        (BY + by + "\n" + (data.isPresent() ? SET : DELETED) + "\n")
            .getBytes(StandardCharsets.UTF_8);
    byte[] value = data.orElse(new byte[0]);
    byte[] all = Arrays.copyOf(head, head.length + value.length);
    System.arraycopy(value, 0, all, head.length, value.length);
    return all;
  }

  static SettingChange decode(String name, Node entry) {
    byte[] bytes = entry.data();
    int who = lineEnd(bytes, 0);
    int what = lineEnd(bytes, who + 1);
    String by = new String(bytes, 0, who, StandardCharsets.UTF_8);
    boolean deleted =
        new String(bytes, who, what - who, StandardCharsets.UTF_8).strip().equals(DELETED);
    byte[] value = Arrays.copyOfRange(bytes, Math.min(what + 1, bytes.length), bytes.length);
    return new SettingChange(
        name,
        deleted ? Optional.empty() : Optional.of(value),
        by.replaceFirst("^" + BY, ""),
        entry.stat().ctime());
  }

  private static int lineEnd(byte[] bytes, int from) {
    int end = Math.min(from, bytes.length);
    while (end < bytes.length && bytes[end] != '\n') {
      end++;
    }
    return end;
  }

  /** Without the data: payloads do not belong into logs. */
  @Override
  public String toString() {
    return "SettingChange[" + name + ", by " + by + ", at " + at + "]";
  }
}
