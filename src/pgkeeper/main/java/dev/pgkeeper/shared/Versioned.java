package dev.pgkeeper.shared;

import dev.pgkeeper.tree.Stat;

/**
 * A value as it was read.
 *
 * @param version how often it was changed since it was set first; {@link #NEVER_SET} if nobody has
 *     set it
 * @param change the number of the change that made it, which no other change has, also if the value
 *     was deleted and set again; 0 if nobody has set it
 */
public record Versioned<T>(T value, int version, long change) {
  public static final int NEVER_SET = -1;

  static <T> Versioned<T> neverSet(T initial) {
    return new Versioned<>(initial, NEVER_SET, 0);
  }

  static <T> Versioned<T> of(T value, Stat stat) {
    return new Versioned<>(value, stat.version(), stat.mzxid());
  }

  public boolean isSet() {
    return version != NEVER_SET;
  }

  /** Without the value: payloads do not belong in logs. */
  @Override
  public String toString() {
    return "Versioned[version " + version + "]";
  }
}
