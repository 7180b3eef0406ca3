package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.WatchMode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Two-phase commit: PostgreSQL prepares no transaction that has notified somebody. */
class PreparedTransactionTest {
  private static final byte[] NOTHING = {};

  @Test
  void aTransactionThatIsToldToRingNobodyCanBePrepared() throws Exception {
    try (PrivateServer server = PrivateServer.start(Map.of("max_prepared_transactions", "2"));
        TestDatabase database = TestDatabase.freshOn(server);
        Keeper keeper = database.keeper()) {
      MessageQueue<String> queue = keeper.queue("orders", Codec.text());
      assertThat(queue.take()).as("nothing, but it is there now").isEmpty();
      keeper.tree().create("/watched", NOTHING);
      keeper.tree().watch("/watched", WatchMode.PERSISTENT, event -> {});
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        keeper.tree(connection).set("/watched", NOTHING);
        assertThatThrownBy(() -> statement.execute("PREPARE TRANSACTION 'rings'"))
            .isInstanceOf(SQLException.class)
            .hasMessageContaining("NOTIFY");
        connection.rollback();

        statement.execute("SET LOCAL " + database.schema() + ".rings = off");
        keeper.tree(connection).set("/watched", NOTHING);
        queue.enqueue(connection, "prepared");
        statement.execute("PREPARE TRANSACTION 'silent'");
      }
      try {
        assertThat(queue.take()).isEmpty();
      } finally {
        database.execute("COMMIT PREPARED 'silent'"); // else it holds its locks for ever
      }
      assertThat(queue.take().orElseThrow().body()).isEqualTo("prepared");
    }
  }
}
