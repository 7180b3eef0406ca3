package dev.pgkeeper.internal.tree;

import dev.pgkeeper.NewNode;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Database.Binder;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.watch.Seen;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The tree inside the caller's transaction: everything ends with it, the rings too. */
public final class TransactionTree extends TreeBase {
  private final Connection connection;
  private final ClientSession session;

  public TransactionTree(
      Connection connection,
      ClientSession session,
      String schema,
      String chroot,
      int maxDataBytes) {
    super(schema, chroot, maxDataBytes);
    this.connection = connection;
    this.session = session;
  }

  @Override
  void ensureUsable() {
    session.ensureUsable();
  }

  @Override
  String[] create(NewNode node, String at, Binder arguments) {
    return ask(
        "answer("
            + schema
            + ".create(?, ?, ?::"
            + schema
            + ".node_kind, ?, in_ttl_ms => ?,"
            + " in_parents => ?, in_session => ?), false)",
        (statement, first) -> {
          arguments.bind(statement, first);
          statement.setLong(first + 6, session.id());
        });
  }

  @Override
  String[] set(String at, Binder arguments) {
    return ask("answer(" + schema + ".set(?, ?, ?), false)", arguments);
  }

  @Override
  String[] delete(String at, Binder arguments) {
    return ask("answer(" + schema + ".delete(?, ?), false)", arguments);
  }

  @Override
  String[] deleteRecursive(String at, Binder arguments) {
    return ask("answer(" + schema + ".delete_recursive(?), false)", arguments);
  }

  @Override
  String[] multi(Steps steps) {
    return ask(
        "answers(" + schema + ".multi(?, ?, ?, ?, ?, ?, ?, ?), false)",
        (statement, first) -> {
          statement.setLong(first, session.id());
          steps.bind(statement, first + 1);
        });
  }

  private String[] ask(String call, Binder arguments) {
    return Database.on(
        connection,
        c -> {
          try (PreparedStatement statement = c.prepareStatement("SELECT " + schema + "." + call)) {
            arguments.bind(statement, 1);
            try (ResultSet row = statement.executeQuery()) {
              row.next();
              return Database.strings(row, 1);
            }
          }
        });
  }

  /** What an open transaction sees is not yet true for anybody: the watches do not look. */
  @Override
  <T extends @Nullable Object> T look(
      String at, SqlFunction<T> query, Function<T, @Nullable Seen> seen) {
    return Database.on(connection, query);
  }
}
