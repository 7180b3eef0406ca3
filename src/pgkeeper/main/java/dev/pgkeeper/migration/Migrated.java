package dev.pgkeeper.migration;

/**
 * From which version a schema was brought to which.
 *
 * @param from the version that was there, 0 if there was none
 * @param to the version that is there now; the same if no table had to change
 * @param renewed whether functions and views were defined anew
 */
public record Migrated(int from, int to, boolean renewed) {

  /** For people: {@code was created at version 16}. */
  @Override
  public String toString() {
    if (from == to) {
      return "is at version "
          + to
          + (renewed ? "; its functions and views were renewed" : "; nothing was to do");
    }
    return from == 0
        ? "was created at version " + to
        : "was brought from version " + from + " to " + to;
  }
}
