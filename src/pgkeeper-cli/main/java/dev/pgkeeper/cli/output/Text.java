package dev.pgkeeper.cli.output;

/** Text from the database on a terminal. */
public final class Text {
  private Text() {}

  /**
   * In one line, and without characters that would make a terminal do something: whoever chose a
   * client's name or an error's message may not be who looks at it.
   */
  public static String harmless(String text) {
    return shown(text, "\\t");
  }

  /**
   * Does for a message what {@link #harmless} does for a text, but leaves tabs: a stack trace has
   * them, and they do no harm.
   */
  static String message(String text) {
    return shown(text, "\t");
  }

  private static String shown(String text, String tab) {
    StringBuilder shown = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c == '\n') {
                shown.append("\\n");
              } else if (c == '\t') {
                shown.append(tab);
              } else if (isControl(c)) {
                shown.append(String.format("\\u%04x", c));
              } else {
                shown.appendCodePoint(c);
              }
            });
    return shown.toString();
  }

  private static boolean isControl(int c) {
    int type = Character.getType(c);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.SURROGATE
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }

  /** How many columns of a terminal it takes. */
  public static int width(String text) {
    return text.codePoints().map(Text::width).sum();
  }

  private static int width(int c) {
    int type = Character.getType(c);
    if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK) {
      return 0;
    }
    boolean wide =
        c >= 0x1100 && c <= 0x115f
            || c >= 0x2e80 && c <= 0xa4cf
            || c >= 0xac00 && c <= 0xd7a3
            || c >= 0xf900 && c <= 0xfaff
            || c >= 0xfe30 && c <= 0xfe6f
            || c >= 0xff00 && c <= 0xff60
            || c >= 0xffe0 && c <= 0xffe6
            || c >= 0x1f300 && c <= 0x1faff
            || c >= 0x20000 && c <= 0x3fffd;
    return wide ? 2 : 1;
  }

  /**
   * The beginning of a text that takes at most this many columns, and an ellipsis if that is not
   * all.
   */
  public static String cut(String text, int columns) {
    if (width(text) <= columns) {
      return text;
    }
    StringBuilder kept = new StringBuilder();
    int used = 1;
    for (int i = 0; i < text.length(); i = text.offsetByCodePoints(i, 1)) {
      used += width(text.codePointAt(i));
      if (used > columns) {
        break;
      }
      kept.appendCodePoint(text.codePointAt(i));
    }
    return columns < 1 ? "" : kept + "…";
  }
}
