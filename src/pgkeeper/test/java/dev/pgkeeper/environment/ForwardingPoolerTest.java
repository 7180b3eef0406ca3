package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.TestDatabase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/**
 * A pooler in transaction mode that forwards notifications, as PgDog does: what is listened for is
 * heard, and the liveness lock is on whichever connection to the server did that statement.
 */
class ForwardingPoolerTest {

  @Test
  void aConnectionThatHearsAndIsNotOneAndTheSameIsNotTrusted() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        Keeper behind =
            Keeper.connect(
                database.dataSource(),
                database.keeperOptions().withListener(() -> forwarding(database)));
        Keeper direct = Keeper.connect(database.dataSource(), database.keeperOptions())) {
      assertThat(connected(database, behind)).as("it has a lease alone").isNull();
      assertThat(connected(database, direct)).isEqualTo("true");
      try (var held = behind.lock("/lock").acquire()) {
        assertThat(held.isHeld()).isTrue();
      }
    }
  }

  private static String connected(TestDatabase database, Keeper keeper) {
    return database.queryString(
        "SELECT connected::text FROM ${schema}.sessions WHERE session = " + keeper.session().id());
  }

  /** Listens, and hears, on one connection to the server; all else is done by another one. */
  private static Connection forwarding(TestDatabase database) throws SQLException {
    Connection listening = database.connect();
    Connection working = database.connect();
    return (Connection)
        Proxy.newProxyInstance(
            ForwardingPoolerTest.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              try {
                return switch (method.getName()) {
                  case "createStatement", "unwrap", "isWrapperFor" ->
                      method.invoke(listening, arguments);
                  case "close", "abort", "setNetworkTimeout" -> {
                    method.invoke(listening, arguments);
                    yield method.invoke(working, arguments);
                  }
                  default -> method.invoke(working, arguments);
                };
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
