package dev.pgkeeper.internal.tree;

import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One change, or a check, of one node: its path as the database has it, and what its type needs.
 */
record Step(
    Type type,
    String path,
    byte @Nullable [] data,
    @Nullable Integer version,
    @Nullable String kind,
    boolean sequential,
    @Nullable Long ttlMs) {

  /** As the functions call them. */
  enum Type {
    CREATE,
    SET,
    DELETE,
    CHECK,
    CHECK_CHANGE,
    ADD;

    final String verb = name().toLowerCase(Locale.ROOT);
  }

  static Step create(String path, NewNode node) {
    return new Step(
        Type.CREATE,
        path,
        node.data(),
        null,
        node.mode().kind().name().toLowerCase(Locale.ROOT),
        node.mode().isSequential(),
        node.ttl() == null ? null : node.ttl().toMillis());
  }

  static Step set(String path, byte[] data, int version) {
    return new Step(Type.SET, path, data, version, null, false, null);
  }

  static Step delete(String path, int version) {
    return new Step(Type.DELETE, path, null, version, null, false, null);
  }

  static Step add(String path, long delta) {
    return withNumber(Type.ADD, path, delta);
  }

  /** Carries the number as nodes have it: in decimal digits. */
  private static Step withNumber(Type type, String path, long number) {
    byte[] digits = Long.toString(number).getBytes(StandardCharsets.US_ASCII);
    return new Step(type, path, digits, null, null, false, null);
  }

  static Step of(Op op, String chroot) {
    String path = Paths.under(chroot, op.path());
    if (op instanceof Op.Create create) {
      return create(Paths.under(chroot, create.node()), create.node());
    } else if (op instanceof Op.Set set) {
      return set(path, set.data(), set.version());
    } else if (op instanceof Op.Delete delete) {
      return delete(path, delete.version());
    } else if (op instanceof Op.CheckChange check) {
      return withNumber(Type.CHECK_CHANGE, path, check.mzxid());
    }
    return new Step(Type.CHECK, path, null, ((Op.Check) op).version(), null, false, null);
  }

  /** Not only looks. */
  boolean changes() {
    return type != Type.CHECK && type != Type.CHECK_CHANGE;
  }

  /** Once done, it is news for those who watch the children of the node above. */
  boolean structural() {
    return type == Type.CREATE || type == Type.DELETE;
  }

  /** Binds what the function of this type's name takes; a creation takes one more. */
  void bind(PreparedStatement statement, int first) throws SQLException {
    statement.setString(first, path);
    switch (type) {
      case CREATE -> {
        statement.setBytes(first + 1, data);
        statement.setString(first + 2, kind);
        statement.setBoolean(first + 3, sequential);
        statement.setObject(first + 4, ttlMs, Types.BIGINT);
      }
      case SET -> {
        statement.setBytes(first + 1, data);
        statement.setObject(first + 2, version, Types.INTEGER);
      }
      case ADD -> statement.setString(first + 1, new String(data, StandardCharsets.US_ASCII));
      default -> statement.setObject(first + 1, version, Types.INTEGER);
    }
  }
}
