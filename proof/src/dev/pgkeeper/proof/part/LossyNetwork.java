package dev.pgkeeper.proof.part;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TcpProxy.Fate;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.postgresql.ds.PGSimpleDataSource;

/** A client whose requests and replies are lost and torn, until {@link #mend}. */
final class LossyNetwork implements AutoCloseable {
  /** Only what hangs takes this long. */
  static final Duration PATIENCE = Duration.ofMinutes(10);

  private static final Duration SWEEP = Duration.ofMillis(500);

  private final TestDatabase database;
  private final TcpProxy proxy;
  private final HikariDataSource pool;
  private final Keeper keeper;

  /** The client's session keeps a connection of its own that nothing breaks. */
  LossyNetwork(TestDatabase database, int threads) {
    this.database = database;
    proxy = TcpProxy.before(database.jdbcUrl());
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(proxy.through(database.jdbcUrl()));
    config.setMaximumPoolSize(threads);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    pool = new HikariDataSource(config);
    keeper = Keeper.connect(pool, options().withListener(database::connect));
  }

  TestDatabase database() {
    return database;
  }

  Keeper keeper() {
    return keeper;
  }

  /** Connects a client whose own connection is broken too; the caller closes it. */
  Keeper connectThrough() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(proxy.through(database.jdbcUrl()));
    return Keeper.connect(source, options());
  }

  /** What a client connects with that always gets its answer in the end. */
  KeeperOptions options() {
    return KeeperOptions.defaults()
        .withSchema(database.schema())
        .withTimeout(PATIENCE)
        .withGrace(PATIENCE)
        .withOperationTimeout(PATIENCE)
        .withSweep(SWEEP);
  }

  /** Breaks connections from now on; this many requests pass for each of the other fates. */
  void lose(Random random, int passing) {
    List<Fate> mix = TcpProxy.mix(passing);
    proxy.decideBy(
        () -> {
          synchronized (random) {
            return mix.get(random.nextInt(mix.size()));
          }
        });
  }

  void mend() {
    proxy.decideBy(() -> Fate.PASSES);
  }

  /** Returns after this time, once every fate was met and there was enough. */
  void workFor(Duration length, List<CompletableFuture<Boolean>> work, BooleanSupplier isEnough) {
    Await.pause(length);
    Await.until(
        PATIENCE,
        () -> "every fate met and enough done; fates: " + fates(),
        () ->
            fates().size() == Fate.values().length && isEnough.getAsBoolean()
                || work.stream().anyMatch(CompletableFuture::isDone));
  }

  Map<Fate, Integer> fates() {
    return proxy.fates();
  }

  @Override
  public void close() {
    mend();
    keeper.close();
    pool.close();
    proxy.close();
  }
}
