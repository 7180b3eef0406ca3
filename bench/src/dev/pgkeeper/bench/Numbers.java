package dev.pgkeeper.bench;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** How numbers are printed: three digits that count, never an exponent. */
final class Numbers {
  private Numbers() {}

  static String plain(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return "–";
    }
    double size = Math.abs(value);
    if (size >= 1000) {
      return String.format(Locale.ROOT, "%d", Math.round(value));
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros();
    return rounded.signum() == 0 ? "0" : rounded.toPlainString();
  }

  static String percent(double part) {
    return Math.round(part * 100) + " %";
  }
}
