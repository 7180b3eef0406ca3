package dev.pgkeeper.proof;

import java.util.List;

/** A table that reads well as text, too. */
public final class MarkdownRows {
  private MarkdownRows() {}

  /** The first row is the head. */
  public static String text(List<List<String>> rows) {
    int[] widths = new int[rows.get(0).size()];
    rows.forEach(
        row -> {
          for (int i = 0; i < widths.length; i++) {
            widths[i] = Math.max(widths[i], row.get(i).length());
          }
        });
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      StringBuilder line = new StringBuilder("|");
      for (int column = 0; column < widths.length; column++) {
        String cell = rows.get(i).get(column);
        line.append(' ')
            .append(cell)
            .append(" ".repeat(widths[column] - cell.length()))
            .append(" |");
      }
      text.append(line).append('\n');
      if (i == 0) {
        text.append(line.toString().replaceAll("[^|]", "-")).append('\n');
      }
    }
    return text.toString();
  }
}
