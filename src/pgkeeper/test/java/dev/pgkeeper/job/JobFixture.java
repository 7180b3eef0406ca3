package dev.pgkeeper.job;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A database with a table of effects, the keepers of a test class, and looks at what there is. */
final class JobFixture implements AutoCloseable {

  final TestDatabase database = TestDatabase.fresh();
  private final List<Keeper> keepers = new ArrayList<>();

  JobFixture() {
    database.execute("CREATE TABLE ${schema}.effect (job text, by text)");
  }

  KeeperOptions options(String client) {
    return KeeperOptions.defaults().withSchema(database.schema()).withClientName(client);
  }

  Keeper connect(String client) {
    Keeper keeper = Keeper.connect(database.dataSource(), options(client));
    keepers.add(keeper);
    return keeper;
  }

  /** Leaves an effect in the transaction of this connection. */
  void effect(Connection connection, String job) throws SQLException {
    execute(connection, "INSERT INTO ${schema}.effect VALUES ('" + job + "', '')");
  }

  void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql.replace("${schema}", database.schema()));
    }
  }

  long effects(String job) {
    return database.queryLong("SELECT count(*) FROM ${schema}.effect WHERE job = '" + job + "'");
  }

  /** These columns of the job's one run. */
  String run(String job, String columns) {
    return database.queryString(
        "SELECT concat_ws(' ', " + columns + ") FROM ${schema}.job_runs WHERE job = '" + job + "'");
  }

  /** A session of nobody's, which lives until it is ended or half a minute has passed. */
  long openSession() {
    return database.queryLong(
        "SELECT ${schema}.session_open(30000, 2000, false, 'nobody', 'nowhere', 1)");
  }

  void endSession(long session) {
    database.execute("SELECT ${schema}.session_end(" + session + ")");
  }

  @Override
  public void close() {
    keepers.forEach(Keeper::close);
    database.close();
  }
}
