package dev.pgkeeper.bench.ways;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.Lab;
import dev.pgkeeper.bench.Report;
import dev.pgkeeper.bench.Unavailable;
import dev.pgkeeper.bench.Worker;
import dev.pgkeeper.bench.Workload;
import dev.pgkeeper.bench.server.Postgres;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A client in a database of its own with two pools, one at a time. Of two clients one may be served
 * better for a while, by more than what is measured; and so are the connections that a client began
 * with, hence a third pool for that.
 */
final class JitClient implements AutoCloseable {
  private static final int POOL_SIZE = 16;

  private final HikariDataSource toBegin;
  private final HikariDataSource asItIs;
  private final HikariDataSource off;
  private final OneOfThePools pools;
  private final Keeper keeper;

  private JitClient(String url) {
    toBegin = Postgres.pool(url, 1);
    asItIs = Postgres.pool(url, POOL_SIZE);
    off = Postgres.pool(url + (url.contains("?") ? "&" : "?") + "options=-c%20jit=off", POOL_SIZE);
    pools = new OneOfThePools(url, toBegin);
    keeper = Keeper.connect(pools);
  }

  static JitClient open(Lab lab, Report report) throws Exception {
    Postgres postgres = Postgres.of(lab, report);
    if (!postgres.compiles()) {
      throw new Unavailable("this server compiles nothing; name one that does with --url");
    }
    return new JitClient(postgres.createMigrated("jit"));
  }

  Keeper keeper() {
    return keeper;
  }

  /** The work on the connections that may have plans compiled, or on the others. */
  Workload with(boolean compiled, Work work) {
    return new Workload() {
      @Override
      public Worker worker(int thread) {
        return Worker.timing(work.step(keeper, thread));
      }

      @Override
      public void before() {
        pools.use(compiled ? asItIs : off);
      }
    };
  }

  @Override
  public void close() {
    keeper.close();
    toBegin.close();
    asItIs.close();
    off.close();
  }

  /** Borrows from the pool that is used at the moment; tells the driver's properties of all. */
  private static final class OneOfThePools extends PGSimpleDataSource {
    private transient volatile HikariDataSource used;

    OneOfThePools(String url, HikariDataSource first) {
      setUrl(url);
      used = first;
    }

    void use(HikariDataSource next) {
      used = next;
    }

    @Override
    public Connection getConnection() throws SQLException {
      return used.getConnection();
    }
  }
}
