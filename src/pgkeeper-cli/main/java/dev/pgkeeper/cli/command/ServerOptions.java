package dev.pgkeeper.cli.command;

import dev.pgkeeper.internal.jdbc.DatabaseUrl;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGProperty;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Which server and database, as which role. The password comes from {@code PGPASSWORD} or the
 * driver's {@code ~/.pgpass}, never from an argument, which other users of the machine can read.
 */
public class ServerOptions {
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

  @Option(
      names = "--embedded",
      description = "A PostgreSQL of its own instead, gone afterwards: for trying.")
  private boolean embedded;

  public ServerOptions(Map<String, String> environment) {
    this.environment = environment;
  }

  /** Whether it is to be a server of its own. */
  public final boolean isEmbedded() {
    if (embedded && (url != null || user != null)) {
      throw misused("--embedded is a server of its own; use it without --url and --user");
    }
    return embedded;
  }

  /** Whether any database was named. */
  public final boolean isGiven() {
    return given() != null;
  }

  private @Nullable String given() {
    String text = url != null ? url : environment.get("PGKEEPER_URL");
    return text == null || text.isBlank() ? null : text;
  }

  /**
   * The data source that was asked for; nothing is connected yet. Its connections say in {@code
   * pg_stat_activity} which command they are of.
   */
  public final PGSimpleDataSource dataSource() {
    String given = given();
    if (given == null) {
      throw misused("no database was given; use --url or set PGKEEPER_URL");
    }
    PinnedSource source = new PinnedSource();
    Properties parsed;
    try {
      parsed = DatabaseUrl.parse(given, null);
      source.setUrl(given);
      if (source.getLoginTimeout() == 0) {
        source.setLoginTimeout(LONGEST_LOGIN_SECONDS);
      }
    } catch (NumberFormatException e) {
      throw notAUrl("a property is to be a number and is not");
    } catch (IllegalArgumentException e) {
      throw notAUrl(e.getMessage());
    }
    if (user != null) {
      source.setUser(user);
    } else if (PGProperty.USER.getOrNull(parsed) == null && environment.containsKey("PGUSER")) {
      source.setUser(environment.get("PGUSER"));
    }
    if (PGProperty.PASSWORD.getOrNull(parsed) == null && environment.containsKey("PGPASSWORD")) {
      source.setPassword(environment.get("PGPASSWORD"));
    }
    if (!parsed.containsKey(PGProperty.APPLICATION_NAME.getName())) {
      source.setApplicationName(spec.qualifiedName());
    }
    source.pin();
    return source;
  }

  /** Says where it was given and nothing that is in it: nobody knows where its password is. */
  private ParameterException notAUrl(@Nullable String why) {
    return misused(
        (url != null ? "--url" : "PGKEEPER_URL")
            + " is not a URL of the PostgreSQL driver: "
            + why
            + "; write jdbc:postgresql://host:5432/database, the role in --user or PGUSER, and the"
            + " password in PGPASSWORD or ~/.pgpass");
  }

  public final ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
