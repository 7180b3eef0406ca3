package dev.pgkeeper.cli.output;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows under headings, aligned: numbers to the right, all else to the left. */
public final class Table {
  private static final String GAP = "  ";

  private final List<Column> columns;
  private final List<List<String>> rows = new ArrayList<>();

  /** A heading, and whether what is below it are numbers. */
  public record Column(String name, boolean isNumber) {}

  public Table(List<Column> columns) {
    this.columns = List.copyOf(columns);
  }

  /** One more row; what is not there is shown as a dash. */
  public void add(List<@Nullable String> cells) {
    rows.add(cells.stream().map(cell -> cell == null ? "-" : Text.harmless(cell)).toList());
  }

  public int size() {
    return rows.size();
  }

  public boolean isEmpty() {
    return rows.isEmpty();
  }

  /** The headings and the rows. */
  public List<String> lines(Style style) {
    int[] widths = widths();
    List<String> lines = new ArrayList<>();
    lines.add(style.bold(line(columns.stream().map(Column::name).toList(), widths)));
    rows.forEach(row -> lines.add(line(row, widths)));
    return lines;
  }

  private int[] widths() {
    int[] widths = new int[columns.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = Text.width(columns.get(i).name());
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], Text.width(row.get(i)));
      }
    }
    return widths;
  }

  private String line(List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String space = " ".repeat(widths[i] - Text.width(cells.get(i)));
      line.append(i == 0 ? "" : GAP);
      line.append(columns.get(i).isNumber() ? space + cells.get(i) : cells.get(i) + space);
    }
    return line.toString().stripTrailing();
  }
}
