package dev.pgkeeper.differential;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Tree;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A schema of pgkeeper's on the tests' PostgreSQL. */
final class PgkeeperSubject implements Subject {

  /** No sweep ever helps: whatever is told was rung for. */
  static final Duration NO_SWEEP = Duration.ofDays(1);

  /** Sweeps look at the same time as everything else does. */
  static final Duration RESTLESS = Duration.ofMillis(100);

  private static final int CONNECTIONS = 8;

  private final TestDatabase database = TestDatabase.fresh();
  private final HikariDataSource pool = database.newPool(CONNECTIONS);
  private final Duration sweep;
  private final Session eye;
  private int opened;

  /**
   * What goes by itself goes only when asked to.
   *
   * @param sweep how often each client looks for what it was not rung for
   */
  PgkeeperSubject(Duration sweep) {
    this.sweep = sweep;
    database.execute("ALTER FUNCTION ${schema}.reap_nodes(integer) RENAME TO reap_nodes_now");
    database.execute(
        "CREATE FUNCTION ${schema}.reap_nodes(in_most integer) RETURNS integer LANGUAGE sql"
            + " AS 'SELECT 0'");
    eye = open("/");
  }

  private record Session(Keeper keeper, Tree tree) implements Client {
    @Override
    public long sessionId() {
      return keeper.sessionId();
    }

    @Override
    public void close() {
      keeper.close();
    }
  }

  @Override
  public String name() {
    return "pgkeeper";
  }

  @Override
  public Tree eye() {
    return eye.tree;
  }

  /** Both ways to a chroot are taken by turns. */
  @Override
  public Session open(String chroot) {
    boolean asAnOption = ++opened % 2 == 0;
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(database.schema())
            .withClientName("client " + opened)
            .withTimeout(Duration.ofMinutes(10))
            .withSweep(sweep)
            .withChroot(asAnOption ? chroot : "/");
    Keeper keeper = Keeper.connect(pool, options);
    return new Session(keeper, asAnOption ? keeper.tree() : keeper.tree().chroot(chroot));
  }

  @Override
  public void settle(Collection<? extends Client> clients) {
    List<CompletableFuture<?>> told =
        clients.stream()
            .<CompletableFuture<?>>map(
                client ->
                    ((Session) client)
                        .keeper()
                        .async(
                            tree -> {
                              tree.sync();
                              return true;
                            }))
            .toList();
    told.forEach(CompletableFuture::join);
  }

  /** What a sweep finds it finds at one moment. */
  @Override
  public boolean tellsInOrder() {
    return sweep.equals(NO_SWEEP);
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
    database.close();
  }
}
