package dev.pgkeeper.proof.growth;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Something that was looked at again and again.
 *
 * @param of a client, the server or a table
 * @param isWhole whether it is of one process, or of what outlives processes; the others show how
 *     young ones begin
 * @param values one for each look; not a number where nobody could look
 */
public record Series(String of, Measure measure, boolean isWhole, List<Double> values) {
  public Series {
    values = List.copyOf(values);
  }

  /** Whether there ever was any: a table that this work does not use says nothing. */
  public boolean isThereAny() {
    return values.stream().anyMatch(value -> value > 0);
  }

  /** Whether it was ever another one than before. */
  boolean isMoving() {
    return values.stream().filter(value -> !Double.isNaN(value)).distinct().count() > 1;
  }

  /** As people read it; nothing for what is not a number. */
  public static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    boolean isPlain = value >= 100 || value == Math.rint(value);
    return String.format(Locale.ROOT, isPlain ? "%.0f" : "%.2f", value);
  }

  /** The middle of what was seen in a part of the time; not a number if nothing was. */
  public double median(int part, int parts) {
    double[] sorted = seen(part, parts).sorted().toArray();
    int count = sorted.length;
    return count == 0 ? Double.NaN : (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
  }

  /** The least that was seen in a part of the time; not a number if nothing was. */
  double least(int part, int parts) {
    return seen(part, parts).min().orElse(Double.NaN);
  }

  private DoubleStream seen(int part, int parts) {
    int looks = values.size();
    return values.subList(looks * part / parts, looks * (part + 1) / parts).stream()
        .mapToDouble(Double::doubleValue)
        .filter(value -> !Double.isNaN(value));
  }
}
