package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.output.Style;
import dev.pgkeeper.cli.output.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The lines that fill a screen of some size. */
final class Frame {
  private final Style style;
  private final int columns;
  private final int rows;

  Frame(Style style, int columns, int rows) {
    this.style = style;
    this.columns = columns;
    this.rows = rows;
  }

  /** All that was seen, in lines as long as they need be. */
  static List<String> whole(Style style, Snapshot snapshot, String where) {
    Frame frame = new Frame(style, Integer.MAX_VALUE, Integer.MAX_VALUE);
    return frame.body(snapshot, where, null, "");
  }

  /**
   * A line on top, and below it as much of each section as there is room for.
   *
   * @param where which database it is
   * @param old how long ago it was seen, if that is too long; else null
   * @param trouble what is wrong at the moment; empty if nothing is
   */
  List<String> lines(Snapshot snapshot, String where, @Nullable Duration old, String trouble) {
    List<String> lines = body(snapshot, where, old, trouble);
    return lines.size() <= rows - 1 ? withFoot(lines) : lines.subList(0, rows);
  }

  private List<String> body(
      Snapshot snapshot, String where, @Nullable Duration old, String trouble) {
    String counts =
        snapshot.parts().stream()
            .map(part -> part.section().title() + " " + part.total())
            .collect(Collectors.joining("  "));
    List<String> lines = new ArrayList<>();
    String place = where + "  " + snapshot.clock();
    lines.add(
        old == null
            ? style.bold(Text.cut("pgkeeper  " + place, columns))
            : style.amber(Text.cut("pgkeeper  " + old.toSeconds() + " s old  " + place, columns)));
    lines.add(Text.cut(counts, columns));
    if (!trouble.isEmpty()) {
      lines.add(style.red(Text.cut(Text.harmless(trouble), columns)));
    }
    List<Snapshot.Part> shown =
        snapshot.parts().stream().filter(part -> !part.table().isEmpty()).toList();
    int[] shares = shares(shown, rows - lines.size() - 1);
    for (int i = 0; i < shown.size(); i++) {
      if (shares[i] > 0) {
        addPart(lines, shown.get(i), shares[i]);
      }
    }
    if (shown.isEmpty()) {
      lines.add("");
      lines.add("nothing is there: no session, queue or job");
    }
    return lines;
  }

  private List<String> withFoot(List<String> lines) {
    while (lines.size() < rows - 1) {
      lines.add("");
    }
    lines.add(style.dim(Text.cut("q quits", columns)));
    return lines;
  }

  private void addPart(List<String> lines, Snapshot.Part part, int share) {
    lines.add("");
    lines.add(
        style.bold(Text.cut(part.section().title().toUpperCase(java.util.Locale.ROOT), columns)));
    List<String> table = part.table().lines(Style.PLAIN);
    lines.add(style.dim(Text.cut(table.get(0), columns)));
    table.subList(1, share + 1).forEach(line -> lines.add(Text.cut(line, columns)));
  }

  /** How many rows of each are shown: what one does not need, the others have. */
  private static int[] shares(List<Snapshot.Part> parts, int room) {
    int[] shares = new int[parts.size()];
    int left = room;
    for (boolean grew = true; grew; ) {
      grew = false;
      for (int i = 0; i < shares.length; i++) {
        int cost = shares[i] == 0 ? 4 : 1; // a gap, a title, headings, and the row
        if (shares[i] < parts.get(i).table().size() && cost <= left) {
          shares[i]++;
          left -= cost;
          grew = true;
        }
      }
    }
    return shares;
  }
}
