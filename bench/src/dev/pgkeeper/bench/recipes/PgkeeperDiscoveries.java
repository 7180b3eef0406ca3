package dev.pgkeeper.bench.recipes;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.bench.server.Postgres;
import dev.pgkeeper.discovery.Discovery;
import dev.pgkeeper.discovery.Registration;
import dev.pgkeeper.discovery.ServiceInstance;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Two keepers, each with a pool and a listener connection of its own. */
final class PgkeeperDiscoveries implements Discoveries {
  private final HikariDataSource firstPool;
  private final HikariDataSource secondPool;
  private final Keeper first;
  private final Keeper second;
  private final Discovery discovery;
  private @Nullable Registration registration;

  /** The database has been migrated. */
  PgkeeperDiscoveries(String url) {
    firstPool = Postgres.pool(url, 2);
    secondPool = Postgres.pool(url, 2);
    first = Keeper.connect(firstPool);
    second = Keeper.connect(secondPool);
    discovery = second.services("/services").discover("a");
  }

  @Override
  public void register() {
    registration = first.services("/services").register("a", ServiceInstance.at("10.0.0.1", 8080));
  }

  @Override
  public void unregister() {
    Registration last = registration;
    if (last != null) {
      last.close();
    }
  }

  @Override
  public void follow(IntConsumer told) {
    var unused = discovery.onChange(instances -> told.accept(instances.size()));
  }

  @Override
  public void close() {
    discovery.close();
    second.close();
    first.close();
    secondPool.close();
    firstPool.close();
  }
}
