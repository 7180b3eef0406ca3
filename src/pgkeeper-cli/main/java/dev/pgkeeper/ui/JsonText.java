package dev.pgkeeper.ui;

/**
 * Texts in JSON. Rows of the database are made JSON by the database, which escapes only what JSON
 * asks for.
 */
public final class JsonText {
  private JsonText() {}

  /** In quotes, all in one line, and nothing in it that a terminal would obey. */
  public static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ' || Character.isSurrogate(c)) {
        appendEscaped(quoted, c);
      } else {
        quoted.append(c);
      }
    }
    return harmless(quoted.append('"').toString());
  }

  /**
   * The same JSON without characters that a terminal obeys, or that turn the text round them: DEL,
   * the controls above it and those of format, which JSON lets stand as they are. They can only be
   * in texts, so they may be escaped wherever they are.
   */
  public static String harmless(String json) {
    StringBuilder harmless = new StringBuilder(json.length());
    json.codePoints()
        .forEach(
            c -> {
              if (isHarmful(c)) {
                for (char unit : Character.toChars(c)) {
                  appendEscaped(harmless, unit);
                }
              } else {
                harmless.appendCodePoint(c);
              }
            });
    return harmless.toString();
  }

  private static boolean isHarmful(int c) {
    int type = Character.getType(c);
    return c >= '\u007f' && type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }

  private static void appendEscaped(StringBuilder text, char c) {
    text.append(String.format("\\u%04x", (int) c));
  }
}
