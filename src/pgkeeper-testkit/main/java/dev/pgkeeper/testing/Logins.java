package dev.pgkeeper.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.postgresql.ds.PGSimpleDataSource;

/** Roles of one database that log in by themselves; {@link #close} drops them. */
public final class Logins implements AutoCloseable {
  private final TestDatabase database;
  private final Set<String> created = new LinkedHashSet<>();
  private final Map<String, KeptConnections> connections = new HashMap<>();

  public Logins(TestDatabase database) {
    this.database = database;
  }

  /** One of each kind: application, inspector, operator, both of the last but one, and nobody. */
  public static Logins ofEveryKind(TestDatabase database) {
    Logins logins = new Logins(database);
    logins.create("nobody");
    for (String kind : new String[] {"application", "inspector", "operator"}) {
      logins.create(kind);
      database.execute("CALL ${schema}.grant_" + kind + "('" + logins.role(kind) + "')");
    }
    logins.create("both");
    database.execute(
        "GRANT %s, %s TO %s"
            .formatted(logins.role("application"), logins.role("operator"), logins.role("both")));
    return logins;
  }

  /** A role that was not let in. */
  public void create(String login) {
    database.execute("CREATE ROLE " + role(login) + " LOGIN PASSWORD 'secret'");
    created.add(login);
  }

  /** The role's name in the whole server. */
  public String role(String login) {
    return database.roleName(login);
  }

  public PGSimpleDataSource dataSource(String login) {
    PGSimpleDataSource dataSource = database.plainDataSource();
    dataSource.setUser(role(login));
    dataSource.setPassword("secret");
    return dataSource;
  }

  /** A connection that nobody else has. */
  public Connection connect(String login) throws SQLException {
    return dataSource(login).getConnection();
  }

  /** Runs SQL; {@code ${schema}} stands for the database's schema. */
  public void run(String login, String sql) throws SQLException {
    connections
        .computeIfAbsent(login, name -> new KeptConnections(dataSource(name)::getConnection))
        .with(
            connection -> {
              try (Statement statement = connection.createStatement()) {
                return statement.execute(sql.replace("${schema}", database.schema()));
              }
            });
  }

  /** Closes what {@link #run} keeps: the next call has a server process of its own. */
  public void disconnect() {
    connections.values().forEach(KeptConnections::close);
  }

  /** Drops a role, as an administrator does. */
  public void drop(String login) {
    KeptConnections kept = connections.remove(login);
    if (kept != null) {
      kept.close();
    }
    database.execute("DROP OWNED BY " + role(login));
    database.execute("DROP ROLE " + role(login));
    created.remove(login);
  }

  @Override
  public void close() {
    Set.copyOf(created).forEach(this::drop);
  }
}
