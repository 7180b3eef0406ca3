package dev.pgkeeper.internal.tree;

import dev.pgkeeper.Op;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The steps of a multi as the parallel arrays that the function takes. */
final class Steps {
  private final String[] types;
  private final String[] paths;
  private final byte[] @Nullable [] data;
  private final @Nullable Integer[] versions;
  private final @Nullable String[] kinds;
  private final @Nullable Boolean[] sequentials;
  private final @Nullable Long[] ttlsMs;

  Steps(List<Op> ops, String chroot) {
    int count = ops.size();
    types = new String[count];
    paths = new String[count];
    data = new byte[count][];
    versions = new Integer[count];
    kinds = new String[count];
    sequentials = new Boolean[count];
    ttlsMs = new Long[count];
    for (int i = 0; i < count; i++) {
      Op op = ops.get(i);
      types[i] = op.getClass().getSimpleName().toLowerCase(Locale.ROOT);
      paths[i] = Paths.under(chroot, op.path());
      if (op instanceof Op.Create create) {
        paths[i] = Paths.under(chroot, create.node());
        data[i] = create.node().data();
        kinds[i] = create.node().mode().kind().name().toLowerCase(Locale.ROOT);
        sequentials[i] = create.node().mode().isSequential();
        ttlsMs[i] = create.node().ttl() == null ? null : create.node().ttl().toMillis();
      } else if (op instanceof Op.Set set) {
        data[i] = set.data();
        versions[i] = set.version();
      } else if (op instanceof Op.Delete delete) {
        versions[i] = delete.version();
      } else if (op instanceof Op.Check check) {
        versions[i] = check.version();
      }
    }
  }

  /** Binds the seven arrays. */
  void bind(PreparedStatement statement, int first) throws SQLException {
    Connection connection = statement.getConnection();
    statement.setArray(first, connection.createArrayOf("text", types));
    statement.setArray(first + 1, connection.createArrayOf("text", paths));
    statement.setArray(first + 2, connection.createArrayOf("bytea", data));
    statement.setArray(first + 3, connection.createArrayOf("int4", versions));
    statement.setArray(first + 4, connection.createArrayOf("text", kinds));
    statement.setArray(first + 5, connection.createArrayOf("bool", sequentials));
    statement.setArray(first + 6, connection.createArrayOf("int8", ttlsMs));
  }

  /** Whether each step, once done, is news for those who watch the children of the node above. */
  List<Boolean> structural() {
    return java.util.Arrays.stream(types).map(type -> !type.equals("set")).toList();
  }
}
