package dev.pgkeeper.cli.command;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.Text;
import dev.pgkeeper.migration.Migrations;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The database that a command works on, and its one session there once something needs that. What
 * goes wrong with it is a {@link Failure}.
 */
public final class TargetDatabase implements AutoCloseable {
  private static final int LONGEST_ANSWER_SECONDS = 15;

  private final PGSimpleDataSource source;
  private final String schema;
  private final @Nullable EmbeddedServer server;
  private final @Nullable TargetDatabase lender;
  private @Nullable Keeper keeper;
  private final AtomicBoolean lostSession = new AtomicBoolean();

  private TargetDatabase(
      PGSimpleDataSource source,
      String schema,
      @Nullable EmbeddedServer server,
      @Nullable TargetDatabase lender) {
    this.source = source;
    this.schema = schema;
    this.server = server;
    this.lender = lender;
  }

  public static TargetDatabase at(PGSimpleDataSource source, String schema) {
    return new TargetDatabase(source, schema, null, null);
  }

  /** A server of its own that goes when this is closed, with the schema. */
  public static TargetDatabase embedded(String schema) {
    EmbeddedServer server = EmbeddedServer.start();
    try {
      Migrations.migrate(server.dataSource(), schema);
      return new TargetDatabase(server.dataSource(), schema, server, null);
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /** Lends the database to somebody who closes it, and leaves it open for others. */
  public TargetDatabase lent() {
    return new TargetDatabase(source, schema, null, this);
  }

  public PGSimpleDataSource source() {
    return source;
  }

  public String schema() {
    return schema;
  }

  /** Host, port and database, for a person to read. */
  public String where() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < source.getServerNames().length; i++) {
      int port = source.getPortNumbers()[i];
      text.append(i == 0 ? "" : ",")
          .append(source.getServerNames()[i])
          .append(':')
          .append(port == 0 ? 5432 : port);
    }
    String database = source.getDatabaseName();
    return Text.harmless(text + "/" + (database == null ? "" : database));
  }

  /** Connects once, so that what is wrong with that is told apart from everything later. */
  public void check() {
    try (Connection connection = connect()) {
      connection.isValid(LONGEST_ANSWER_SECONDS);
    } catch (SQLException e) {
      throw SqlFailures.lost(where(), e);
    }
  }

  /** A connection of the caller's own. */
  public Connection connect() {
    try {
      return source.getConnection();
    } catch (SQLException e) {
      throw SqlFailures.unreachable(where(), e);
    }
  }

  /** Something that is asked on a connection. */
  @FunctionalInterface
  public interface Question<T extends @Nullable Object> {
    T ask(Connection connection) throws SQLException;
  }

  /** Asks on a connection of its own. */
  public <T extends @Nullable Object> T ask(Question<T> question) {
    try (Connection connection = connect()) {
      return question.ask(connection);
    } catch (SQLException e) {
      throw SqlFailures.of(this, e);
    }
  }

  /** What went wrong with it, in words for whoever asked. */
  public Failure failure(SQLException e) {
    return SqlFailures.of(this, e);
  }

  /**
   * Connected when it is first asked for.
   *
   * @param client what the session is called in the views
   */
  public Keeper keeper(String client) {
    if (lender != null) {
      return lender.keeper(client);
    }
    if (keeper == null) {
      check();
      keeper = connect(source, KeeperOptions.defaults().withSchema(schema).withClientName(client));
      keeper.onStateChange(
          state -> {
            if (state == SessionState.LOST) {
              lostSession.set(true);
            }
          });
    }
    return keeper;
  }

  /** Whether a session was lost since this was last asked. */
  public boolean takeLostSession() {
    return lostSession.getAndSet(false);
  }

  public static Keeper connect(PGSimpleDataSource source, KeeperOptions options) {
    try {
      return Keeper.connect(source, options);
    } catch (IllegalStateException e) {
      throw new Failure(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    try {
      if (keeper != null) {
        keeper.close();
      }
    } finally {
      if (server != null) {
        server.close();
      }
    }
  }
}
