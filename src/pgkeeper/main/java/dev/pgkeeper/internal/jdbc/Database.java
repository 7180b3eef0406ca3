package dev.pgkeeper.internal.jdbc;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.TransactionWork;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The caller's database. Every call borrows a connection for one round trip, in autocommit, and
 * gives it back as it was.
 *
 * <p>A read that fails because the database is away is repeated until the operation timeout. A
 * write goes as a numbered request: when its reply is lost, {@code settle} finds out what became of
 * it, so that it is done once (see R__06_replies.sql).
 */
public final class Database {
  private static final Logger log = LoggerFactory.getLogger(Database.class);

  /**
   * After so many requests a new slot is used. Each leaves an old version of the slot's row; while
   * somebody keeps a snapshot open, none of them can be cleaned up, and finding the row means
   * walking over all of them: 3 ms after 30,000.
   */
  private static final int REQUESTS_OF_A_SLOT = 512;

  private final DataSource dataSource;
  private final String schema;
  private final Duration operationTimeout;
  private final ConcurrentLinkedDeque<Slot> freeSlots = new ConcurrentLinkedDeque<>();

  /** Those whose last request may still be done. */
  private final ConcurrentLinkedDeque<Slot> unsettled = new ConcurrentLinkedDeque<>();

  private final AtomicInteger slots = new AtomicInteger();
  private final Borrowed.Isolations isolations = new Borrowed.Isolations();
  private volatile long sessionId;
  private volatile Runnable whenRefused = () -> {};

  /** Where one request at a time leaves its reply. */
  private static final class Slot {
    final int number;
    long request;

    /** Requests whose reply never came: they may be on their way for all that is known. */
    int unanswered;

    /**
     * Whom to ring for the last request if it turns out to have been done; null once that is known.
     */
    @Nullable RingFor unsettled;

    Slot(int number) {
      this.number = number;
    }

    boolean isWorn() {
      return request >= REQUESTS_OF_A_SLOT && unanswered == 0;
    }
  }

  public Database(DataSource dataSource, String schema, Duration operationTimeout) {
    DatabaseUrl.check(dataSource);
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

  /**
   * The session that requests are numbered for.
   *
   * @param refused told whenever something was refused because that session has ended
   */
  public void useSession(long newSessionId, Runnable refused) {
    sessionId = newSessionId;
    whenRefused = refused;
  }

  /** Tells the session where it was refused because it has ended. */
  private KeeperException failure(SQLException e) {
    if (SqlErrors.isSessionEnded(e)) {
      whenRefused.run();
    }
    return translate(e);
  }

  /** Something that may be done twice: repeated while the database is away. */
  public <T extends @Nullable Object> T read(SqlFunction<T> query) {
    try {
      return patiently(query, e -> false);
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  /**
   * Reads, but waits for nobody's transaction: empty if one holds on to what the statement needs.
   */
  public <T> Optional<T> readUnlessKept(SqlFunction<T> query) {
    try {
      return Optional.of(patiently(query, SqlErrors::isKept));
    } catch (SQLException e) {
      if (SqlErrors.isKept(e)) {
        return Optional.empty();
      }
      throw failure(e);
    }
  }

  private <T extends @Nullable Object> T patiently(
      SqlFunction<T> query, Predicate<SQLException> isFinal) throws SQLException {
    Backoff backoff = new Backoff(operationTimeout);
    while (true) {
      try {
        return once(query);
      } catch (SQLException e) {
        if (isFinal.test(e) || !SqlErrors.isPassing(e) || !backoff.pause()) {
          throw e;
        }
      }
    }
  }

  /** Something that finds out by itself, when it is asked again, whether it was done before. */
  @FunctionalInterface
  public interface Repeatable<T extends @Nullable Object> {
    T apply(Connection connection, boolean again) throws SQLException;
  }

  /** Calls like {@link #read}, and tells the call when it is asked again. */
  public <T extends @Nullable Object> T repeat(Repeatable<T> call) {
    boolean[] again = {false};
    return read(
        connection -> {
          boolean before = again[0];
          again[0] = true;
          try {
            return call.apply(connection, before);
          } catch (SQLException e) {
            if (before && SqlErrors.isThereAlready(e)) {
              throw SqlErrors.worthRepeating(e); // the earlier one arrived meanwhile
            }
            throw e;
          }
        });
  }

  /** Reads, and tries it only once. */
  public <T extends @Nullable Object> T readOnce(SqlFunction<T> query) {
    try {
      return once(query);
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  private <T extends @Nullable Object> T once(SqlFunction<T> query) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return onPrepared(connection, query);
    }
  }

  /**
   * Runs work on a borrowed connection in a transaction of its own, and commits; a failure of any
   * kind rolls it back.
   */
  public <X extends Exception> void transaction(TransactionWork<X> work) throws X {
    try (Connection connection = dataSource.getConnection();
        Borrowed borrowed = Borrowed.forTransaction(connection, isolations)) {
      boolean done = false;
      try {
        work.run(connection);
        commit(connection);
        done = true;
      } finally {
        if (!done) {
          rollBack(connection);
        }
      }
    } catch (SQLException e) {
      throw failure(e);
    }
  }

  private static void commit(Connection connection) throws SQLException {
    try {
      connection.commit();
    } catch (SQLException e) {
      if (SqlErrors.isConnectionLost(e)) {
        throw new KeeperException.OutcomeUnknown(
            "the connection broke during the commit: it may or may not have been done", e);
      }
      throw e;
    }
  }

  /**
   * What made it necessary is thrown; a connection that cannot even roll back is broken, and the
   * server does it.
   */
  private static void rollBack(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      log.debug("rolling back", e);
    }
  }

  private <T extends @Nullable Object> T onPrepared(Connection connection, SqlFunction<T> query)
      throws SQLException {
    try (Borrowed borrowed = Borrowed.forStatement(connection, isolations, operationTimeout)) {
      try {
        return query.apply(connection);
      } catch (SQLException e) {
        if (!SqlErrors.isWrongIsolation(e) || !borrowed.correctIsolation()) {
          throw e;
        }
        return query.apply(connection);
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
   * are the session, the slot and the number, and answers with outcomes and whether they are {@code
   * watched}; {@code rung} is for whom to ring then.
   */
  public List<Outcome> request(String sql, Binder binder, RingFor rung) {
    return inSlot(slot -> request(slot, sql, binder, rung));
  }

  private <T extends @Nullable Object> T inSlot(Function<Slot, T> use) {
    Slot slot = freeSlots.pollFirst();
    if (slot == null) {
      slot = new Slot(slots.incrementAndGet());
    }
    try {
      return use.apply(slot);
    } finally {
      giveBack(slot);
    }
  }

  private void giveBack(Slot slot) {
    if (slot.unsettled != null) {
      unsettled.add(slot);
    } else if (slot.isWorn()) {
      forget(slot);
    } else {
      freeSlots.addFirst(slot);
    }
  }

  /**
   * Finds out what became of the requests of which their callers were told that nobody knows. From
   * then on none of them is done that was not done before.
   *
   * @throws KeeperException if that cannot be found out yet
   */
  public void settleAll() {
    for (Slot slot = unsettled.poll(); slot != null; slot = unsettled.poll()) {
      RingFor rung = slot.unsettled;
      try {
        if (rung != null) {
          Slot settled = slot;
          var unused = readOnce(connection -> found(connection, settled, rung) != null);
          slot.unsettled = null;
        }
      } finally {
        giveBack(slot);
      }
    }
  }

  /** Its row is worth nothing any more. If it stays, it goes some time after the session. */
  private void forget(Slot slot) {
    try {
      once(Call.of(schema, "slot_forget", sessionId, slot.number).done());
    } catch (SQLException e) {
      log.debug("session {}: keeping slot {} for now: {}", sessionId, slot.number, e.getMessage());
    }
  }

  private List<Outcome> request(Slot slot, String sql, Binder binder, RingFor rung) {
    Backoff backoff = new Backoff(operationTimeout);
    while (true) {
      slot.request++;
      boolean sent = false;
      try (Connection connection = dataSource.getConnection()) {
        sent = true;
        return onPrepared(connection, c -> ask(c, slot, sql, binder, rung));
      } catch (SQLException e) {
        if (sent && SqlErrors.isConnectionLost(e)) {
          List<Outcome> settled = settle(slot, rung, backoff, e);
          if (settled != null) {
            return settled;
          }
        } else if (!SqlErrors.isPassing(e) || !backoff.pause()) {
          throw failure(e);
        }
      }
    }
  }

  /**
   * Requests once. Returns null if the request was refused, or if its transaction failed or never
   * began; nothing was done then.
   */
  public @Nullable List<Outcome> requestOnce(String sql, Binder binder, RingFor rung) {
    return inSlot(
        slot -> {
          slot.request++;
          boolean sent = false;
          try (Connection connection = dataSource.getConnection()) {
            sent = true;
            return onPrepared(connection, c -> ask(c, slot, sql, binder, rung));
          } catch (SQLException e) {
            if (SqlErrors.isPoolExhausted(e)) {
              throw failure(e); // each alone would wait as long again
            }
            return sent && SqlErrors.isConnectionLost(e)
                ? settle(slot, rung, new Backoff(operationTimeout), e)
                : null;
          }
        });
  }

  private List<Outcome> ask(
      Connection connection, Slot slot, String sql, Binder binder, RingFor rung)
      throws SQLException {
    List<Outcome> outcomes = new ArrayList<>(1);
    boolean watched = false;
    slot.unanswered++;
    slot.unsettled = rung;
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind(statement, slot);
      binder.bind(statement, 4);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          Outcome outcome = Outcome.of(rows);
          if (outcome.code() == KeeperException.Code.SESSION_EXPIRED) {
            whenRefused.run();
          }
          outcomes.add(outcome);
          watched = rows.getBoolean("watched");
        }
      }
    } catch (SQLException e) {
      if (!SqlErrors.isConnectionLost(e)) {
        slot.unanswered--;
        slot.unsettled = null;
      }
      throw e;
    }
    slot.unanswered--;
    slot.unsettled = null;
    if (watched) {
      ring(connection, outcomes, rung);
    }
    return outcomes;
  }

  private void bind(PreparedStatement statement, Slot slot) throws SQLException {
    statement.setLong(1, sessionId);
    statement.setInt(2, slot.number);
    statement.setLong(3, slot.request);
  }

  /**
   * The reply to the slot's last request if it was done; null if it was not and never will be. An
   * interrupt does not keep it from finding out: what was sent cannot be taken back.
   */
  @SuppressWarnings("NullAway") // does not infer that a lambda may return null
  private @Nullable List<Outcome> settle(
      Slot slot, RingFor rung, Backoff backoff, SQLException lost) {
    log.info(
        "session {}: a reply was lost ({}); finding out what became of the request",
        sessionId,
        lost.getMessage());
    try (Interrupts interrupts = new Interrupts()) {
      while (backoff.pause(interrupts)) {
        try {
          List<Outcome> outcomes = once(connection -> found(connection, slot, rung));
          slot.unsettled = null;
          return outcomes;
        } catch (SQLException e) {
          boolean interrupted = interrupts.take();
          if (!interrupted && !SqlErrors.isConnectionLost(e) && !SqlErrors.isWorthRepeating(e)) {
            throw new KeeperException.OutcomeUnknown(
                "the connection broke while a change was on its way, and the database does not tell what became of"
                    + " it: it may or may not have been done",
                e);
          }
        }
      }
    }
    throw new KeeperException.OutcomeUnknown(
        "the connection broke while a change was on its way, and the database stayed away for "
            + operationTimeout
            + ": it may or may not have been done",
        lost);
  }

  @SuppressWarnings("NullAway") // does not infer that a list may be null
  private @Nullable List<Outcome> found(Connection connection, Slot slot, RingFor rung)
      throws SQLException {
    List<Outcome> outcomes;
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT * FROM " + schema + ".settle(?, ?, ?)")) {
      bind(statement, slot);
      outcomes = Outcome.allOf(statement);
    }
    if (outcomes.isEmpty()) {
      return null;
    }
    ring(connection, outcomes, rung);
    return outcomes;
  }

  /** What a change has to ring for. */
  public interface RingFor {
    /** A call of one of the ring functions. */
    void ring(Connection connection, String schema, List<Outcome> outcomes) throws SQLException;

    /** Rings whoever watches the nodes of those changes that were made. */
    static void watchedNodes(Connection connection, String schema, List<Outcome> outcomes)
        throws SQLException {
      List<String> nodes =
          outcomes.stream()
              .filter(outcome -> outcome.code() == Code.OK)
              .map(Outcome::path)
              .toList();
      var unused = Call.of(schema, "ring_watched", Call.texts(nodes)).done().apply(connection);
    }
  }

  /** Rings after the commit. A ring that fails is made up for by the watchers' sweep. */
  private void ring(Connection connection, List<Outcome> outcomes, RingFor rung) {
    try {
      rung.ring(connection, schema, outcomes);
    } catch (SQLException e) {
      log.info(
          "session {}: watchers were not rung and will find out by themselves: {}",
          sessionId,
          e.getMessage());
    }
  }

  /** Runs on the caller's connection, inside whatever transaction it is in. */
  public static <T extends @Nullable Object> T on(Connection connection, SqlFunction<T> query) {
    try {
      return query.apply(connection);
    } catch (SQLException e) {
      throw translate(e);
    }
  }

  /** The same; if it fails, the transaction is as it was before it. */
  public static <T extends @Nullable Object> T undoing(
      Connection connection, SqlFunction<T> query) {
    return on(
        connection,
        c -> {
          if (c.getAutoCommit()) {
            return query.apply(c);
          }
          Savepoint before = c.setSavepoint();
          try {
            T result = query.apply(c);
            c.releaseSavepoint(before);
            return result;
          } catch (SQLException e) {
            c.rollback(before);
            throw e;
          }
        });
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

  /** Binds one field of all of them as an array. */
  public static <T> void array(
      PreparedStatement statement,
      int at,
      String type,
      List<T> all,
      Function<T, @Nullable Object> field)
      throws SQLException {
    Call.bind(statement, at, Call.array(type, all, field));
  }

  /** What the server said, without where in its functions it was. */
  private static String withHint(SQLException e) {
    ServerErrorMessage said =
        e instanceof PSQLException theirs ? theirs.getServerErrorMessage() : null;
    if (said == null) {
      return String.valueOf(e.getMessage());
    }
    return said.getMessage() + (said.getHint() == null ? "" : ". " + said.getHint());
  }

  /** Whether the role lacked a right. */
  public static boolean isDenied(KeeperException e) {
    return e.getCause() instanceof SQLException cause && SqlErrors.isDenied(cause);
  }

  /** Whether something on the other side does not speak all of PostgreSQL's protocol. */
  public static boolean isProtocolViolation(KeeperException e) {
    return e.getCause() instanceof SQLException cause && SqlErrors.isProtocolViolation(cause);
  }

  /** What the database itself said. */
  public static String refusal(KeeperException e) {
    return String.valueOf((e.getCause() instanceof SQLException cause ? cause : e).getMessage());
  }

  static KeeperException translate(SQLException e) {
    if (SqlErrors.isPoolExhausted(e)) {
      return new KeeperException.ConnectionLoss(
          "no connection of the pool became free in time, all of them are in use: "
              + e.getMessage()
              + ". Give the pool more of them, or hold each for a shorter time",
          e);
    } else if (SqlErrors.isConnectionLost(e)) {
      return new KeeperException.ConnectionLoss(
          "the database cannot be reached: " + SqlErrors.messageWithReason(e), e);
    } else if (SqlErrors.isReadOnly(e)) {
      return new KeeperException.DatabaseError(
          "the server takes no writes: it is a standby or was set read-only. Connect to the primary, for example with"
              + " targetServerType=primary in the URL",
          e);
    } else if (SqlErrors.isNotHeld(e)) {
      return new KeeperException.NotHeld("", 0, String.valueOf(e.getMessage()), e);
    } else if (SqlErrors.isNoQueue(e)) {
      return new KeeperException.NoQueue(withHint(e), e);
    } else if (SqlErrors.isMessageRefused(e)) {
      return new KeeperException.MessageRefused(withHint(e), e);
    } else if (SqlErrors.isSessionEnded(e)) {
      return new KeeperException.SessionExpired(withHint(e));
    } else if (SqlErrors.isWrongIsolation(e)) {
      return new KeeperException.WrongIsolation(withHint(e), e);
    } else if (SqlErrors.isDenied(e)) {
      return new KeeperException.DatabaseError(
          e.getMessage() + ". Let the role in with CALL <schema>.grant_application('<role>')", e);
    }
    return new KeeperException.DatabaseError(
        e.getMessage() + " (SQLSTATE " + e.getSQLState() + ")", e);
  }
}
