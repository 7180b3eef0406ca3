package dev.pgkeeper.internal.jdbc;

import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What an SQLSTATE says about the fate of the statement. */
final class SqlErrors {
  /** Thrown by the functions when a request was settled before it arrived. */
  static final String SETTLED = "PK001";

  private static final Pattern IN_USE = Pattern.compile("\\(total=(\\d+), active=\\1, idle=0");

  private SqlErrors() {}

  private static String state(SQLException e) {
    return e.getSQLState() == null ? "" : e.getSQLState();
  }

  /**
   * The statement was rolled back for a reason that goes by itself: deadlock, serialization, lock
   * timeout.
   */
  static boolean isWorthRepeating(SQLException e) {
    String state = state(e);
    return state.equals("40001") || state.equals("40P01") || isKept(e);
  }

  /** Somebody's transaction holds on to what the statement needs, for longer than it waits. */
  static boolean isKept(SQLException e) {
    return state(e).equals("55P03");
  }

  /** It goes by itself, with time: the statement, or what came before it, can be tried again. */
  static boolean isPassing(SQLException e) {
    return isConnectionLost(e) && !isPoolExhausted(e) || isWorthRepeating(e);
  }

  /**
   * The pool waited as long as it is to wait, and all of its connections were in use. Only HikariCP
   * says so; where the database is away too, it has fewer connections than it gave out.
   */
  static boolean isPoolExhausted(SQLException e) {
    return e instanceof SQLTransientConnectionException
        && e.getCause() == null
        && IN_USE.matcher(String.valueOf(e.getMessage())).find();
  }

  /** Says the same, and that it goes by itself. */
  static SQLException worthRepeating(SQLException e) {
    return new SQLException(e.getMessage(), "40001", e);
  }

  /** What it says and, where a pool only says that it has no connection, why it has none. */
  static String messageWithReason(SQLException e) {
    String message = String.valueOf(e.getMessage());
    if (isUnanswered(e)) {
      return "no answer came in time (" + message + ")";
    }
    SQLException reason = e;
    while (reason.getCause() instanceof SQLException deeper) {
      reason = deeper;
    }
    return message.contains(String.valueOf(reason.getMessage()))
        ? message
        : message + ": " + reason.getMessage();
  }

  /**
   * The connection broke, or the server is stopping or starting: nobody knows whether the statement
   * was done.
   */
  static boolean isConnectionLost(@Nullable Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLTransientConnectionException) {
        return true;
      }
      if (cause instanceof SQLException sql) {
        String state = state(sql);
        if (state.startsWith("08") || state.startsWith("57P0") || state.equals("53300")) {
          return true;
        }
      }
    }
    return false;
  }

  /** Nothing was heard for as long as somebody waits, or the server gave up after as long. */
  static boolean isUnanswered(SQLException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SocketTimeoutException) {
        return true;
      }
    }
    return state(e).equals("57014");
  }

  /** The server is a standby or was set read-only. */
  static boolean isReadOnly(SQLException e) {
    return state(e).equals("25006");
  }

  /** The schema, or one of its functions, is not there. */
  static boolean isSchemaMissing(SQLException e) {
    return state(e).equals("3F000") || state(e).equals("42883") || state(e).equals("42P01");
  }

  /** Thrown by fence: what was to be guarded is not held any more. */
  static boolean isNotHeld(SQLException e) {
    return state(e).equals("PK003");
  }

  static boolean isNoQueue(SQLException e) {
    return state(e).equals("PK004");
  }

  static boolean isMessageRefused(SQLException e) {
    return state(e).equals("PK005");
  }

  static boolean isSessionEnded(SQLException e) {
    return state(e).equals("PK006");
  }

  /** Thrown where a transaction sees what was true when it began, and so cannot decide. */
  static boolean isWrongIsolation(SQLException e) {
    return state(e).equals("PK007");
  }

  /** Thrown where the same call came before, and is still there or was done meanwhile. */
  static boolean isThereAlready(SQLException e) {
    return state(e).equals("23505");
  }

  static boolean isDenied(SQLException e) {
    return state(e).equals("42501");
  }

  static boolean isProtocolViolation(SQLException e) {
    return state(e).equals("08P01");
  }
}
