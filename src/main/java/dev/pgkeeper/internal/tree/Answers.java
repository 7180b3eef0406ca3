package dev.pgkeeper.internal.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.OpResult;
import dev.pgkeeper.Stat;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads what the functions answer: outcomes as arrays of text, stats as rows. */
final class Answers {
  private static final int FIELDS = 13;

  private Answers() {}

  static Code code(String[] answer, int step) {
    return Code.valueOf(answer[step * FIELDS].toUpperCase(Locale.ROOT));
  }

  static String path(String[] answer, int step) {
    return answer[step * FIELDS + 1];
  }

  static Stat stat(String[] answer, int step) {
    int first = step * FIELDS + 2;
    return new Stat(
        Long.parseLong(answer[first]),
        Long.parseLong(answer[first + 1]),
        instant(Long.parseLong(answer[first + 2])),
        instant(Long.parseLong(answer[first + 3])),
        Integer.parseInt(answer[first + 4]),
        (int) Long.parseLong(answer[first + 5]),
        Long.parseLong(answer[first + 6]),
        Integer.parseInt(answer[first + 7]),
        (int) Long.parseLong(answer[first + 8]),
        Long.parseLong(answer[first + 9]));
  }

  static int count(String[] answer) {
    return Integer.parseInt(answer[10]);
  }

  private static boolean hasStat(String[] answer, int step) {
    return answer[step * FIELDS + 2] != null;
  }

  private static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  /** Throws unless the answer is ok. */
  static void ensureOk(String[] answer, String asked) {
    Code code = code(answer, 0);
    if (code != Code.OK) {
      throw KeeperException.of(code, asked);
    }
  }

  /** The results of a multi, with paths as the caller sees them; throws if a step failed. */
  static List<OpResult> results(String[] answer, String chroot) {
    List<OpResult> results = new ArrayList<>(answer.length / FIELDS);
    int failed = -1;
    for (int step = 0; step < answer.length / FIELDS; step++) {
      Code code = code(answer, step);
      if (code != Code.OK && failed < 0) {
        failed = step;
      }
      results.add(
          new OpResult(
              code,
              Paths.from(chroot, path(answer, step)),
              hasStat(answer, step) ? stat(answer, step) : null));
    }
    if (failed >= 0) {
      OpResult reason = results.get(failed);
      throw new KeeperException.MultiFailed(reason.code(), reason.path(), failed + 1, results);
    }
    return results;
  }

  /** The stat of a row that has its columns by name. */
  static Stat stat(ResultSet row) throws SQLException {
    return new Stat(
        row.getLong("czxid"),
        row.getLong("mzxid"),
        row.getTimestamp("ctime").toInstant(),
        row.getTimestamp("mtime").toInstant(),
        row.getInt("version"),
        (int) row.getLong("cversion"),
        row.getLong("owner"),
        row.getInt("data_length"),
        (int) row.getLong("children"),
        row.getLong("pzxid"));
  }
}
