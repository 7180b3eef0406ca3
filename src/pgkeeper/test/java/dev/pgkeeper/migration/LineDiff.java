package dev.pgkeeper.migration;

import java.util.List;

/** The lines that two texts do not share, in their order. */
final class LineDiff {

  private LineDiff() {}

  static String of(List<String> before, List<String> after) {
    int[][] shared = new int[before.size() + 1][after.size() + 1];
    for (int i = before.size() - 1; i >= 0; i--) {
      for (int j = after.size() - 1; j >= 0; j--) {
        shared[i][j] =
            before.get(i).equals(after.get(j))
                ? shared[i + 1][j + 1] + 1
                : Math.max(shared[i + 1][j], shared[i][j + 1]);
      }
    }
    StringBuilder diff = new StringBuilder();
    int i = 0;
    int j = 0;
    while (i < before.size() || j < after.size()) {
      if (i < before.size() && j < after.size() && before.get(i).equals(after.get(j))) {
        i++;
        j++;
      } else if (j == after.size() || (i < before.size() && shared[i + 1][j] >= shared[i][j + 1])) {
        diff.append("- ").append(before.get(i++)).append('\n');
      } else {
        diff.append("+ ").append(after.get(j++)).append('\n');
      }
    }
    return diff.toString();
  }
}
