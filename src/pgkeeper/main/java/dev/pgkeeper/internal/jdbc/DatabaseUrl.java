package dev.pgkeeper.internal.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Properties;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.ds.common.BaseDataSource;

/**
 * Refuses a URL that is mistyped before the driver, the pool or the server quote it: a password is
 * then in what they take for a host, a database or a role. No exception of this class quotes any of
 * it, nor has a cause that does.
 */
public final class DatabaseUrl {
  private static final String BEGIN = "jdbc:postgresql:";

  /** Hosts with their ports; each may be left out. */
  private static final Pattern HOSTS = hosts("([\\w.%-]*|\\[[\\p{XDigit}:.%\\w]+])(:\\d{0,5})?");

  /** A database; what has a meaning elsewhere in a URL is written as {@code %3D}. */
  private static final Pattern DATABASE = Pattern.compile("[^@=;&:/\\s]*");

  private static final Pattern NAME = Pattern.compile("[A-Za-z]\\w*");
  private static final Pattern PASSWORD_INSIDE =
      Pattern.compile("(?i)(pass(word|wd)?|pwd)\\s*[=:]|:.*@");
  private static final Pattern NO_ROLE = Pattern.compile("[:=;?]");

  private DatabaseUrl() {}

  private static Pattern hosts(String one) {
    return Pattern.compile(one + "(," + one + ")*");
  }

  /**
   * Returns what the driver makes of the URL.
   *
   * @param properties what is given beside it
   * @throws IllegalArgumentException if it is mistyped, saying what is wrong and nothing of it
   */
  public static Properties parse(String url, @Nullable Properties properties) {
    String wrong = wrongIn(url);
    if (wrong != null) {
      throw new IllegalArgumentException(wrong);
    }
    try {
      Properties parsed = Driver.parseURL(url, properties);
      if (parsed != null) {
        return parsed;
      }
    } catch (RuntimeException e) {
      // Its message may quote the URL.
    }
    throw new IllegalArgumentException("the driver does not understand it");
  }

  /**
   * Refuses a data source whose URL no driver understands, or pgkeeper's driver would not.
   *
   * @throws IllegalArgumentException if it is mistyped
   */
  public static void check(DataSource dataSource) {
    String url = urlOf(dataSource);
    if (url == null) {
      return;
    } else if (url.startsWith(BEGIN)) {
      refuse(wrongIn(url));
    } else if (DriverManager.drivers().noneMatch(driver -> accepts(driver, url))) {
      refuse("no driver accepts it");
    }
  }

  private static void refuse(@Nullable String wrong) {
    if (wrong != null) {
      throw new IllegalArgumentException(
          "the URL of the data source is not a URL of the PostgreSQL driver: "
              + wrong
              + "; write jdbc:postgresql://host:5432/database, and give role and password apart");
    }
  }

  private static @Nullable String urlOf(DataSource dataSource) {
    try {
      HikariDataSource pool = HikariPools.of(dataSource);
      if (pool != null) {
        return pool.getDriverClassName() == null ? pool.getJdbcUrl() : null;
      }
      return dataSource instanceof BaseDataSource plain ? plain.getUrl() : null;
    } catch (SQLException e) {
      return null; // it does not tell
    }
  }

  private static boolean accepts(java.sql.Driver driver, String url) {
    try {
      return driver.acceptsURL(url);
    } catch (SQLException e) {
      return false;
    }
  }

  private static @Nullable String wrongIn(String url) {
    if (!url.startsWith(BEGIN)) {
      return "it does not begin with " + BEGIN;
    }
    String[] parts = url.substring(BEGIN.length()).split("\\?", 2);
    String database = parts[0];
    if (database.startsWith("//")) {
      String[] place = database.substring(2).split("/", 2);
      if (!HOSTS.matcher(place[0]).matches()) {
        return "between // and / is more than hosts with their ports";
      }
      database = place.length > 1 ? place[1] : "";
    } else if (database.startsWith("/")) {
      database = database.substring(1);
    }
    if (!DATABASE.matcher(database).matches() || hasPassword(decoded(database))) {
      return "the database has characters that are to be written as %3D and the like";
    }
    boolean mistyped =
        parts.length > 1 && Arrays.stream(parts[1].split("&")).anyMatch(DatabaseUrl::isMistyped);
    return mistyped ? "what follows the ? is not name=value&name=value" : null;
  }

  private static boolean isMistyped(String parameter) {
    String[] pair = parameter.split("=", 2);
    if (parameter.isEmpty() || pair[0].equals("password") && pair.length == 2) {
      return false;
    }
    String value = pair.length < 2 ? "" : pair[1];
    return !NAME.matcher(pair[0]).matches()
        || hasPassword(decoded(value))
        || pair[0].equals("user") && NO_ROLE.matcher(value).find();
  }

  private static boolean hasPassword(String text) {
    return PASSWORD_INSIDE.matcher(text).find();
  }

  /** A data source makes a URL of its properties that hides by % what was mistyped. */
  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }
}
