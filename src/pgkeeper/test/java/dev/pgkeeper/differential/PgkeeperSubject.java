package dev.pgkeeper.differential;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A schema of pgkeeper's on the tests' PostgreSQL. */
final class PgkeeperSubject implements Subject {

  /** How it is used. */
  enum Way {
    /** No sweep ever helps: whatever is told was rung for. */
    RUNG,
    /** Sweeps look ten times a second, at the same time as everything else does. */
    SWEEPING,
    /** Whatever can be is done in transactions of the caller's. */
    TRANSACTED
  }

  private static final int CONNECTIONS = 8;

  private final TestDatabase database = TestDatabase.fresh();
  private final HikariDataSource pool;
  private final Way way;
  private final Joined eye;
  private int opened;

  /** What goes by itself goes only when asked to. */
  PgkeeperSubject(Way way) {
    this.way = way;
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.jdbcUrl());
    config.setMaximumPoolSize(CONNECTIONS);
    // What it answers is judged, not what survives a crash.
    config.setConnectionInitSql("SET synchronous_commit = off");
    pool = new HikariDataSource(config);
    database.execute("ALTER FUNCTION ${schema}.reap_nodes(integer) RENAME TO reap_nodes_now");
    database.execute(
        "CREATE FUNCTION ${schema}.reap_nodes(in_most integer) RETURNS integer LANGUAGE sql"
            + " AS 'SELECT 0'");
    eye = open("/");
  }

  private record Joined(Keeper keeper, long sessionId, Tree tree) implements Client {
    @Override
    public void close() {
      keeper.close();
    }
  }

  @Override
  public String name() {
    return "pgkeeper " + way;
  }

  @Override
  public Tree eye() {
    return eye.tree;
  }

  /** Both ways to a chroot are taken by turns; only an option reaches a caller's transaction. */
  @Override
  public Joined open(String chroot) {
    boolean asAnOption = way == Way.TRANSACTED || ++opened % 2 == 0;
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withTimeout(Duration.ofMinutes(10))
            .withSweep(way == Way.SWEEPING ? Duration.ofMillis(100) : Duration.ofDays(1))
            .withChroot(asAnOption ? chroot : "/");
    Keeper keeper = Keeper.connect(pool, options);
    // As ZooKeeper's: what its session was is over when that has ended.
    Session session = keeper.session();
    Tree tree = asAnOption ? session.tree() : session.tree().chroot(chroot);
    return new Joined(
        keeper, session.id(), way == Way.TRANSACTED ? TransactedTree.of(session, pool) : tree);
  }

  @Override
  public void settle(Collection<? extends Client> clients) {
    List<CompletableFuture<?>> told =
        clients.stream()
            .<CompletableFuture<?>>map(
                client -> {
                  Joined one = (Joined) client;
                  return one.keeper()
                      .async(
                          present -> {
                            one.tree().sync();
                            return true;
                          });
                })
            .toList();
    told.forEach(CompletableFuture::join);
  }

  /** What a sweep finds it finds at one moment. */
  @Override
  public boolean tellsInOrder() {
    return way != Way.SWEEPING;
  }

  @Override
  public void expire(Client client) {
    database.execute("SELECT ${schema}.session_end(" + client.sessionId() + ")");
  }

  /** The times are moved and moved back in one transaction, so that nobody reads them moved. */
  @Override
  public void reap(long millis) {
    String move =
        "UPDATE ${schema}.node SET ctime = ctime %1$s interval '%2$d ms', mtime = mtime %1$s"
            + " interval '%2$d ms'";
    String count = "SELECT count(*) FROM ${schema}.node";
    long before;
    do {
      before = database.queryLong(count);
      database.execute(
          "BEGIN; "
              + move.formatted("-", millis)
              + "; SELECT ${schema}.reap_nodes_now(1000); "
              + move.formatted("+", millis)
              + "; COMMIT");
    } while (database.queryLong(count) < before);
  }

  @Override
  public void close() {
    eye.close();
    pool.close();
    database.close();
  }
}
