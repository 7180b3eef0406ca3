package dev.pgkeeper.cli;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.postgresql.ds.PGSimpleDataSource;

/** A database of its own with the things that README and guides speak of, under their names. */
final class GuideState implements AutoCloseable {

  private final PrivateServer server;
  private final String url;
  private final List<Keeper> keepers = new ArrayList<>();
  private final List<Candidacy> candidacies = new ArrayList<>();

  GuideState(PrivateServer server) throws Exception {
    this.server = server;
    execute(server.jdbcUrl(), "CREATE DATABASE guide");
    url = server.jdbcUrl().replace("/postgres?", "/guide?");
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(url);
    Keeper.migrate(dataSource);
    Keeper billing = keeper(dataSource, "billing");
    Keeper stuck = keeper(dataSource, "stuck");
    billing.tree().create("/app", new byte[0]);
    billing.lock("/orders/O005").acquire();
    stuck.lock("/orders/O005").acquireAsync();
    stuck.lock("/orders/O006").acquire();
    billing.lock("/orders/O006").acquireAsync();
    stand(billing, "node-1");
    stand(stuck, "node-2");
    stand(billing, "node-3");
    billing.queue("invoices", Codec.text()).enqueue("O005");
    MessageQueue<String> mails = billing.queue("mails", Codec.text());
    mails.enqueueAll(List.of("to Ada", "to Bob"));
    mails.take().orElseThrow().bury("no such address");
    billing.jobs().once("nightly", "2026-11-20", connection -> {});
    Await.until(
        "a leader and two who wait",
        () -> count("SELECT count(*) FROM pgkeeper.leaders, pgkeeper.candidates") == 3);
  }

  private Keeper keeper(PGSimpleDataSource dataSource, String client) {
    Keeper keeper = Keeper.connect(dataSource, KeeperOptions.defaults().withClientName(client));
    keepers.add(keeper);
    return keeper;
  }

  private void stand(Keeper keeper, String identity) {
    candidacies.add(
        keeper
            .election("/leader")
            .withIdentity(identity)
            .requeueing()
            .run(leadership -> new CountDownLatch(1).await()));
    // They come one after the other, so that the guides know who is next.
    Await.until(
        identity + " stands",
        () -> count("SELECT count(*) FROM pgkeeper.candidates") == candidacies.size());
  }

  private long count(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A superuser's, credentials included. */
  String url() {
    return url;
  }

  Connection connect() throws SQLException {
    return DriverManager.getConnection(url);
  }

  @Override
  public void close() throws SQLException {
    candidacies.forEach(Candidacy::close);
    keepers.forEach(Keeper::close);
    execute(server.jdbcUrl(), "DROP DATABASE guide WITH (FORCE)");
  }

  private static void execute(String where, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(where);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
