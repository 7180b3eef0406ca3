package dev.pgkeeper.cli.command;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What became of a question to the database, in words for whoever asked. */
final class SqlFailures {
  private SqlFailures() {}

  static Failure unreachable(String where, SQLException e) {
    return new Failure("cannot connect to " + where + ": " + reason(e), e);
  }

  static Failure lost(String where, SQLException e) {
    if (e.getCause() instanceof SocketTimeoutException) {
      return new Failure(
          "the database at "
              + where
              + " gave no answer in time: it is busy, or the network between is cut",
          e);
    }
    return new Failure(
        "the database at " + where + " was lost: " + withoutStop(e) + "; is the server running?",
        e);
  }

  static Failure of(TargetDatabase database, SQLException e) {
    String state = String.valueOf(e.getSQLState());
    if (state.startsWith("08") || state.startsWith("57P")) {
      return lost(database.where(), e);
    } else if (state.equals("57014")) {
      return new Failure(
          withoutStop(e)
              + ": the database at "
              + database.where()
              + " is busy, or has much to look through",
          e);
    } else if (state.equals("42501")) {
      return new Failure(
          withoutStop(e)
              + "; ask an administrator for CALL "
              + database.schema()
              + ".grant_inspector('ROLE') to look, or grant_application, grant_operator to change",
          e);
    } else if (state.equals("42P01") || state.equals("3F000") || state.equals("42883")) {
      return new Failure(
          withoutStop(e)
              + ": the schema \""
              + database.schema()
              + "\" of "
              + database.where()
              + " is missing or older than this program; check --schema, or run pgkeeper migrate",
          e);
    }
    return new Failure(withHint(e), e);
  }

  private static String withHint(SQLException e) {
    ServerErrorMessage server =
        e instanceof PSQLException error ? error.getServerErrorMessage() : null;
    if (server == null || server.getHint() == null) {
      return String.valueOf(server == null ? e.getMessage() : server.getMessage());
    }
    String message = String.valueOf(server.getMessage());
    return message + (message.endsWith(".") ? " " : ". ") + server.getHint();
  }

  private static String withoutStop(SQLException e) {
    ServerErrorMessage server =
        e instanceof PSQLException error ? error.getServerErrorMessage() : null;
    String text = String.valueOf(server == null ? e.getMessage() : server.getMessage());
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }

  private static String reason(SQLException e) {
    String state = String.valueOf(e.getSQLState());
    if (e.getCause() instanceof UnknownHostException) {
      return "there is no such host; check --url or PGKEEPER_URL";
    } else if (e.getCause() instanceof SocketTimeoutException) {
      return "it does not answer; check host and port in --url or PGKEEPER_URL, and firewalls between";
    } else if (e.getCause() instanceof IOException) {
      return e.getCause().getMessage()
          + "; is the server running there? Check --url or PGKEEPER_URL";
    } else if (state.startsWith("28") || state.equals("08004")) {
      return e.getMessage() + "; check --user or PGUSER, and PGPASSWORD or ~/.pgpass";
    } else if (state.equals("3D000")) {
      return e.getMessage() + "; create it, or name another in --url or PGKEEPER_URL";
    }
    return e.getMessage() + "; check --url or PGKEEPER_URL";
  }
}
