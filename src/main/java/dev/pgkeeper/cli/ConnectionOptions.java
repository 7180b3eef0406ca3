package dev.pgkeeper.cli;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Which database, as which role. The password comes from {@code PGPASSWORD} or the driver's {@code
 * ~/.pgpass}, never from an argument, which other users of the machine can read.
 */
final class ConnectionOptions {
  private static final int LONGEST_LOGIN_SECONDS = 15;

  private final Map<String, String> environment;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = {
        "The database: jdbc:postgresql://host:5432/database.",
        "Without it, the variable PGKEEPER_URL."
      })
  private @Nullable String url;

  @Option(
      names = "--user",
      paramLabel = "ROLE",
      description = {
        "The role; else that of the URL, the variable PGUSER, or your own name.",
        "Its password: the variable PGPASSWORD, or ~/.pgpass."
      })
  private @Nullable String user;

  ConnectionOptions(Map<String, String> environment) {
    this.environment = environment;
  }

  /** The data source that was asked for; nothing is connected yet. */
  PGSimpleDataSource dataSource() {
    String given = url != null ? url : environment.get("PGKEEPER_URL");
    if (given == null || given.isBlank()) {
      throw misused("no database was given; use --url or set PGKEEPER_URL");
    }
    Properties parsed = given.startsWith("jdbc:postgresql:") ? Driver.parseURL(given, null) : null;
    if (parsed == null) {
      throw misused(
          (url != null ? "--url" : "PGKEEPER_URL")
              + " is \""
              + withoutSecrets(given)
              + "\", which is no URL of the PostgreSQL driver; write"
              + " jdbc:postgresql://host:5432/database");
    }
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(given);
    if (user != null) {
      source.setUser(user);
    } else if (PGProperty.USER.getOrNull(parsed) == null && environment.containsKey("PGUSER")) {
      source.setUser(environment.get("PGUSER"));
    }
    if (PGProperty.PASSWORD.getOrNull(parsed) == null && environment.containsKey("PGPASSWORD")) {
      source.setPassword(environment.get("PGPASSWORD"));
    }
    if (source.getLoginTimeout() == 0) {
      source.setLoginTimeout(LONGEST_LOGIN_SECONDS);
    }
    return source;
  }

  /** Connects once, so that what is wrong with that is told apart from everything later. */
  static void check(PGSimpleDataSource source) {
    try (Connection connection = source.getConnection()) {
      connection.isValid(LONGEST_LOGIN_SECONDS);
    } catch (SQLException e) {
      throw new Failure("cannot connect to " + where(source) + ": " + reason(e), e);
    }
  }

  /** Host, port and database. */
  static String where(PGSimpleDataSource source) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < source.getServerNames().length; i++) {
      int port = source.getPortNumbers()[i];
      text.append(i == 0 ? "" : ",")
          .append(source.getServerNames()[i])
          .append(':')
          .append(port == 0 ? 5432 : port);
    }
    String database = source.getDatabaseName();
    return text + "/" + (database == null ? "" : database);
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

  /** Neither what follows the question mark nor a password before the host. */
  private static String withoutSecrets(String text) {
    return text.replaceFirst("\\?.*", "?...").replaceFirst("//[^/@]*@", "//...@");
  }

  private ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
