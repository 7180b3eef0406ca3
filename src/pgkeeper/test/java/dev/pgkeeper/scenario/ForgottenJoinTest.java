package dev.pgkeeper.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.lock.Mutex;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The server is killed after somebody joined a line and before the place was durable: the join was
 * answered and is forgotten.
 */
class ForgottenJoinTest {

  /** Nobody but who asks for it writes the log: what is not flushed by a commit is forgotten. */
  private static final Map<String, String> LATE_LOG =
      Map.of("wal_writer_delay", "10s", "wal_writer_flush_after", "1GB");

  private final AtomicInteger killed = new AtomicInteger();

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoIsForgottenJoinsAgainAndGetsItsTurn(boolean hasNode) throws Exception {
    try (PrivateServer server = PrivateServer.start(LATE_LOG);
        TestDatabase database = TestDatabase.freshOn(server);
        Keeper owner = Keeper.connect(database.newPool(3), options(database));
        Keeper waiter =
            Keeper.connect(killingBeforeTheFlush(database.newPool(3), server), options(database))) {
      Held held = owner.lock("/lock").acquire(Await.LIMIT);
      Mutex lock = waiter.lock("/lock");
      CompletableFuture<Held> waits = (hasNode ? lock.withData(new byte[1]) : lock).acquireAsync();
      Await.until(
          "the server was killed and one waits",
          () -> killed.get() == 1 && (waits.isDone() || !owner.lock("/lock").waiters().isEmpty()));
      assertThat(waits).isNotDone();
      Await.until("the owner is back", held::isHeld);
      held.release();
      assertThat(waits.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).token())
          .isGreaterThan(held.token());
    }
  }

  private static KeeperOptions options(TestDatabase database) {
    return KeeperOptions.defaults()
        .withSchema(database.schema())
        .withOperationTimeout(Await.LIMIT)
        .withSweep(Duration.ofSeconds(1));
  }

  /** Of a pool's connections, the first that is to make a place durable meets a killed server. */
  private DataSource killingBeforeTheFlush(DataSource pool, PrivateServer server) {
    return wrapped(
        DataSource.class,
        pool,
        (name, result, argument) ->
            name.equals("getConnection")
                ? wrapped(
                    Connection.class,
                    result,
                    (called, statement, sql) -> {
                      if (called.equals("prepareStatement")
                          && String.valueOf(sql).contains("line_flush")
                          && killed.compareAndSet(0, 1)) {
                        server.kill9();
                        server.startAgain();
                      }
                      return statement;
                    })
                : result);
  }

  /** Looks at what a method gives, with its first argument. */
  private interface Look {
    Object at(String method, Object result, Object argument);
  }

  private static <T> T wrapped(Class<T> type, Object one, Look look) {
    return type.cast(
        Proxy.newProxyInstance(
            ForgottenJoinTest.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                Object argument = arguments == null ? null : arguments[0];
                return look.at(method.getName(), method.invoke(one, arguments), argument);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
