package dev.pgkeeper.internal.watch;

import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * What a client last saw of a path: the numbers of its creation, of its last change of data and of
 * its last change of children; {@link #ABSENT} if there was no node.
 */
public record Seen(long czxid, long mzxid, long pzxid) {
  public static final Seen ABSENT = new Seen(-1, -1, -1);

  public static Seen of(ResultSet row) throws SQLException {
    return new Seen(row.getLong("czxid"), row.getLong("mzxid"), row.getLong("pzxid"));
  }

  public boolean isPresent() {
    return czxid >= 0;
  }

  /**
   * Of two looks at nodes, whether this one cannot be the later one. The numbers of a path only
   * grow.
   */
  boolean isOlderThan(Seen other) {
    return isPresent()
        && other.isPresent()
        && (czxid < other.czxid
            || czxid == other.czxid && (mzxid < other.mzxid || pzxid < other.pzxid));
  }
}
