package dev.pgkeeper.ui;

/** Texts in JSON. Rows of the database are made JSON by the database. */
public final class JsonText {
  private JsonText() {}

  /** In quotes, all in one line, and nothing in it that a terminal would obey. */
  public static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ' || c == '\u007f' || Character.isSurrogate(c)) {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
