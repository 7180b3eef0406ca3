package dev.pgkeeper.recipes;

/**
 * A value as it was read.
 *
 * @param version grows with each change; {@link #NEVER_SET} if nobody has set it
 */
public record Versioned<T>(T value, int version) {
  public static final int NEVER_SET = -1;

  public boolean isSet() {
    return version != NEVER_SET;
  }

  /** Without the value: payloads do not belong into logs. */
  @Override
  public String toString() {
    return "Versioned[version " + version + "]";
  }
}
