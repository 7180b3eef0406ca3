package dev.pgkeeper.line;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a contender asks for: {@code LineRequest.of("lock").atMost(Duration.ofMinutes(5))}.
 * Immutable; each call returns a changed copy.
 */
public final class LineRequest {
  private final String what;
  private final @Nullable Duration atMost;
  private final byte[] data;

  private LineRequest(String what, @Nullable Duration atMost, byte[] data) {
    this.what = what;
    this.atMost = atMost;
    this.data = data;
  }

  /**
   * Asks for one permit, under a name of small letters; for all permits, as {@code write}; or for
   * as many as the number says.
   */
  public static LineRequest of(String what) {
    if (!what.matches("[a-z]{1,20}|[1-9][0-9]{0,8}")) {
      throw new IllegalArgumentException(
          "\""
              + what
              + "\" cannot be asked for; use 1 to 20 small letters, or a number of permits");
    }
    return new LineRequest(what, null, new byte[0]);
  }

  /** The hold ends by itself this long after it was granted, whatever its client does. */
  public LineRequest atMost(Duration limit) {
    if (limit.toMillis() < 1 || limit.compareTo(Duration.ofDays(10_000)) > 0) {
      throw new IllegalArgumentException(
          "atMost is " + limit + "; use 1 millisecond to 10,000 days");
    }
    return new LineRequest(what, limit, data);
  }

  /** What others see of this contender. */
  public LineRequest data(byte[] bytes) {
    return new LineRequest(what, atMost, Objects.requireNonNull(bytes, "data"));
  }

  public String what() {
    return what;
  }

  public @Nullable Duration atMost() {
    return atMost;
  }

  public byte[] data() {
    return data;
  }

  @Override
  public String toString() {
    return "LineRequest[" + what + (atMost == null ? "" : ", at most " + atMost) + "]";
  }
}
