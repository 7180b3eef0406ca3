package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The caller's database. Every call borrows a connection for one round trip, in autocommit, and
 * gives it back as it was.
 *
 * <p>A read that fails because the database is away is repeated until the operation timeout. A
 * write goes as a numbered request: when its reply is lost, {@code settle} finds out what became of
 * it, so that it is done once (see V005__operations.sql).
 */
public final class Database {
  private static final Logger log = LoggerFactory.getLogger(Database.class);

  private final DataSource dataSource;
  private final String schema;
  private final Duration operationTimeout;
  private final ConcurrentLinkedDeque<Slot> freeSlots = new ConcurrentLinkedDeque<>();
  private final AtomicInteger slots = new AtomicInteger();
  private volatile boolean isolationDiffers;
  private volatile long sessionId;

  /** Where one request at a time leaves its reply. */
  private static final class Slot {
    final int number;
    long request;

    Slot(int number) {
      this.number = number;
    }
  }

  public Database(DataSource dataSource, String schema, Duration operationTimeout) {
    this.dataSource = dataSource;
    this.schema = schema;
    this.operationTimeout = operationTimeout;
  }

  public String schema() {
    return schema;
  }

  public Duration operationTimeout() {
    return operationTimeout;
  }

  /** The session that requests are numbered for. */
  public void useSession(long newSessionId) {
    sessionId = newSessionId;
  }

  /** The connections of this data source are not READ COMMITTED: ask for it each time. */
  void correctIsolation() {
    isolationDiffers = true;
  }

  /** Something that may be done twice: repeated while the database is away. */
  public <T extends @Nullable Object> T read(SqlFunction<T> query) {
    Backoff backoff = new Backoff(operationTimeout);
    while (true) {
      try {
        return once(query);
      } catch (SQLException e) {
        boolean passing = SqlErrors.isConnectionLost(e) || SqlErrors.isWorthRepeating(e);
        if (!passing || !backoff.pause()) {
          throw translate(e);
        }
      }
    }
  }

  /** The same, tried only once. */
  public <T extends @Nullable Object> T readOnce(SqlFunction<T> query) {
    try {
      return once(query);
    } catch (SQLException e) {
      throw translate(e);
    }
  }

  private <T extends @Nullable Object> T once(SqlFunction<T> query) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return onPrepared(connection, query);
    }
  }

  /** Sets what an operation needs of a connection, and puts back what was found. */
  private <T extends @Nullable Object> T onPrepared(Connection connection, SqlFunction<T> query)
      throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    boolean readOnly = connection.isReadOnly();
    boolean correct = isolationDiffers;
    int isolation = correct ? connection.getTransactionIsolation() : 0;
    int networkTimeout = connection.getNetworkTimeout();
    connection.setNetworkTimeout(Runnable::run, (int) operationTimeout.toMillis());
    if (!autoCommit) {
      connection.setAutoCommit(true);
    }
    if (readOnly) {
      connection.setReadOnly(false);
    }
    if (correct) {
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }
    try {
      return query.apply(connection);
    } finally {
      if (!connection.isClosed()) {
        if (correct) {
          connection.setTransactionIsolation(isolation);
        }
        if (readOnly) {
          connection.setReadOnly(true);
        }
        if (!autoCommit) {
          connection.setAutoCommit(false);
        }
        connection.setNetworkTimeout(Runnable::run, networkTimeout);
      }
    }
  }

  /** Binds the parameters that follow session, slot and number. */
  @FunctionalInterface
  public interface Binder {
    void bind(PreparedStatement statement, int first) throws SQLException;
  }

  /**
   * A write, done once. {@code sql} calls a {@code request_…} function whose first three parameters
   * are the session, the slot and the number; {@code rung} are the paths to ring for, if the answer
   * says that somebody may be watching.
   */
  public String[] request(String sql, Binder binder, RingFor rung) {
    Slot slot = freeSlots.pollFirst();
    if (slot == null) {
      slot = new Slot(slots.incrementAndGet());
    }
    try {
      return request(slot, sql, binder, rung);
    } finally {
      freeSlots.addFirst(slot);
    }
  }

  private String[] request(Slot slot, String sql, Binder binder, RingFor rung) {
    Backoff backoff = new Backoff(operationTimeout);
    while (true) {
      slot.request++;
      boolean sent = false;
      try (Connection connection = dataSource.getConnection()) {
        sent = true;
        return onPrepared(connection, c -> ringing(c, ask(c, slot, sql, binder), rung));
      } catch (SQLException e) {
        if (sent && SqlErrors.isConnectionLost(e)) {
          String[] settled = settle(slot, rung, backoff, e);
          if (settled != null) {
            return settled;
          }
        } else if (!SqlErrors.isConnectionLost(e) && !SqlErrors.isWorthRepeating(e)
            || !backoff.pause()) {
          throw translate(e);
        }
      }
    }
  }

  private String[] ask(Connection connection, Slot slot, String sql, Binder binder)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, sessionId);
      statement.setInt(2, slot.number);
      statement.setLong(3, slot.request);
      binder.bind(statement, 4);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return strings(row, 1);
      }
    }
  }

  /** The reply to the slot's last request if it was done; null if it was not and never will be. */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private String @Nullable [] settle(Slot slot, RingFor rung, Backoff backoff, SQLException lost) {
    log.info(
        "session {}: a reply was lost ({}); finding out what became of the request",
        sessionId,
        lost.getMessage());
    while (true) {
      if (!backoff.pause()) {
        throw new KeeperException.OutcomeUnknown(
            "the connection broke while a change was on its way, and the database stayed away for "
                + operationTimeout
                + ": it may or may not have been done",
            lost);
      }
      try {
        return once(
            connection -> {
              try (PreparedStatement statement =
                  connection.prepareStatement("SELECT " + schema + ".settle(?, ?, ?)")) {
                statement.setLong(1, sessionId);
                statement.setInt(2, slot.number);
                statement.setLong(3, slot.request);
                try (ResultSet row = statement.executeQuery()) {
                  row.next();
                  return row.getArray(1) == null
                      ? null
                      : ringing(connection, strings(row, 1), rung);
                }
              }
            });
      } catch (SQLException e) {
        if (!SqlErrors.isConnectionLost(e) && !SqlErrors.isWorthRepeating(e)) {
          throw translate(e);
        }
      }
    }
  }

  /** What a change has to ring for. */
  public interface RingFor {
    /** A call of one of the ring functions, or of none. */
    void ring(Connection connection, String schema, String[] answer) throws SQLException;
  }

  /**
   * Rings after the commit if the answer says so. A ring that fails is made up for by the watchers'
   * sweep.
   */
  private String[] ringing(Connection connection, String[] answer, RingFor rung) {
    if (answer.length > 0 && "true".equals(answer[answer.length - 1])) {
      try {
        rung.ring(connection, schema, answer);
      } catch (SQLException e) {
        log.info(
            "session {}: watchers were not rung and will find out by themselves: {}",
            sessionId,
            e.getMessage());
      }
    }
    return answer;
  }

  /** Runs on the caller's connection, inside whatever transaction it is in. */
  public static <T extends @Nullable Object> T on(Connection connection, SqlFunction<T> query) {
    try {
      return query.apply(connection);
    } catch (SQLException e) {
      throw translate(e);
    }
  }

  /** Something that needs no connection yet. */
  interface SqlSupplier<T extends @Nullable Object> {
    T get() throws SQLException;
  }

  static <T extends @Nullable Object> T on(SqlSupplier<T> query) {
    try {
      return query.get();
    } catch (SQLException e) {
      throw translate(e);
    }
  }

  public static String[] strings(ResultSet row, int column) throws SQLException {
    Array array = row.getArray(column);
    return (String[]) array.getArray();
  }

  public static Array textArray(Connection connection, List<@Nullable String> values)
      throws SQLException {
    return connection.createArrayOf("text", values.toArray());
  }

  static KeeperException translate(SQLException e) {
    if (SqlErrors.isConnectionLost(e)) {
      return new KeeperException.ConnectionLoss(
          "the database cannot be reached: " + e.getMessage(), e);
    } else if (SqlErrors.isReadOnly(e)) {
      return new KeeperException.DatabaseError(
          "the server takes no writes: it is a standby or was set read-only. Connect to the primary, for example with"
              + " targetServerType=primary in the URL",
          e);
    } else if (SqlErrors.isDenied(e)) {
      return new KeeperException.DatabaseError(
          e.getMessage() + ". Let the role in with CALL <schema>.grant_application('<role>')", e);
    }
    return new KeeperException.DatabaseError(
        e.getMessage() + " (SQLSTATE " + e.getSQLState() + ")", e);
  }
}
