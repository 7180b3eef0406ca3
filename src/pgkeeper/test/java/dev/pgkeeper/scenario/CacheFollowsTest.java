package dev.pgkeeper.scenario;

import static dev.pgkeeper.scenario.CacheComparison.ROOT;
import static dev.pgkeeper.scenario.CacheComparison.change;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.testing.TcpProxy;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Caches become what the database has, and the comparison of both finds those that do not. Clients
 * that change nodes while connections, sessions and the server are lost are the proof's part {@code
 * caches}.
 */
class CacheFollowsTest {
  private final TestDatabase database = TestDatabase.fresh();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void everyCacheIsTheDatabaseAfterEveryKindOfChange() {
    try (Keeper keeper = database.keeper();
        Keeper writer = database.keeper()) {
      CacheComparison comparison = new CacheComparison(database, keeper);
      for (int what = 0; what < 10; what++) {
        for (String path : CacheComparison.PATHS) {
          change(writer.tree(), path, what);
        }
        comparison.awaitEqual();
      }
    }
  }

  @Test
  void aCacheThatMissesAChangeIsFoundUntilItHearsOfIt() {
    try (TcpProxy proxy = TcpProxy.before(database.jdbcUrl());
        Keeper cutOff = Keeper.connect(through(proxy), database.keeperOptions());
        Keeper writer = database.keeper()) {
      CacheComparison comparison = new CacheComparison(database, cutOff);
      change(writer.tree(), "/r/a", 0);
      comparison.awaitEqual();
      proxy.cut();
      change(writer.tree(), "/r/a", 5);
      assertThat(comparison.differences())
          .isNotEmpty()
          .allMatch(difference -> difference.contains(" is not {/r"));
      proxy.mend();
      comparison.awaitEqual();
    }
  }

  private PGSimpleDataSource through(TcpProxy proxy) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(proxy.through(database.jdbcUrl()));
    return source;
  }

  @Test
  void aListenerThatMissesAChangeOrIsToldOneTwiceIsFound() {
    try (Keeper keeper = database.keeper();
        NodeCache cache = keeper.cache(ROOT, Scope.SUBTREE)) {
      change(keeper.tree(), ROOT, 0);
      CacheComparison.Mirror once = new CacheComparison.Mirror();
      cache.listen(once::changed);
      new CacheComparison(database, cache, once).awaitEqual();
      assertThat(new CacheComparison(database, cache, new CacheComparison.Mirror()).differences())
          .singleElement()
          .asString()
          .contains("it told of []");
      CacheComparison.Mirror twice = new CacheComparison.Mirror();
      cache.listen(twice::changed);
      cache.listen(twice::changed);
      change(keeper.tree(), ROOT, 5);
      new CacheComparison(database, cache, once).awaitEqual();
      assertThat(new CacheComparison(database, cache, twice).differences())
          .singleElement()
          .asString()
          .contains("but /r was");
    }
  }
}
