package dev.pgkeeper.internal.tree;

import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Database.Binder;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.watch.Seen;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The tree inside the caller's transaction: everything ends with it, the rings too. */
public final class TransactionTree extends TreeBase {
  /** The columns of an outcome that has a number and no stat. */
  private static final String PLAIN =
      "code, path, %s AS number, false AS granted, 0 AS attempt, NULL::pg_catalog.timestamptz AS ctime";

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
  Outcome change(Step step) {
    return switch (step.type()) {
      case CREATE -> create(step, false);
      case SET -> askOne("set(?, ?, ?)", step::bind);
      case DELETE -> askOne("delete(?, ?)", step::bind);
      case ADD -> add(step);
      case CHECK, CHECK_CHANGE -> throw new IllegalArgumentException(step + " changes nothing");
    };
  }

  private Outcome add(Step step) {
    return ask(PLAIN.formatted("value"), schema + ".add(?, ?::bigint)", step::bind).get(0);
  }

  @Override
  Outcome exchange(String at, long expected, long value) {
    return ask(
            PLAIN.formatted("0"),
            schema + ".compare_and_set(?, ?, ?)",
            (statement, first) -> {
              statement.setString(first, at);
              statement.setLong(first + 1, expected);
              statement.setLong(first + 2, value);
            })
        .get(0);
  }

  @Override
  Outcome createWithParents(Step step) {
    return create(step, true);
  }

  private Outcome create(Step step, boolean parents) {
    return askOne(
        "create(?, ?, ?::"
            + schema
            + ".node_kind, ?, in_ttl_ms => ?, in_parents => ?, in_session => ?)",
        (statement, first) -> {
          step.bind(statement, first);
          statement.setBoolean(first + 5, parents);
          statement.setLong(first + 6, session.id());
        });
  }

  @Override
  Outcome deleteSubtree(String at) {
    return askOne("delete_recursive(?)", (statement, first) -> statement.setString(first, at));
  }

  @Override
  List<Outcome> multi(Steps steps) {
    return ask(
        "pg_catalog.unnest(" + schema + ".multi(?, ?, ?, ?, ?, ?, ?, ?))",
        (statement, first) -> {
          statement.setLong(first, session.id());
          steps.bind(statement, first + 1);
        });
  }

  private Outcome askOne(String call, Binder arguments) {
    return ask(schema + "." + call, arguments).get(0);
  }

  private List<Outcome> ask(String call, Binder arguments) {
    return ask("*", call, arguments);
  }

  private List<Outcome> ask(String columns, String call, Binder arguments) {
    String sql = "SELECT " + columns + " FROM " + call;
    return Database.on(
        connection,
        c -> {
          try (PreparedStatement statement = c.prepareStatement(sql)) {
            arguments.bind(statement, 1);
            return Outcome.allOf(statement);
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
