package dev.pgkeeper.cli.demo;

import dev.pgkeeper.Keeper;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** A znode and a row of the application's, together or not at all. */
final class TransactionChapter {
  private static final String NODE = "/demo/order-1";

  private TransactionChapter() {}

  static void play(Stage stage) throws SQLException {
    Story story = stage.story();
    Keeper keeper = stage.keeper();
    story.chapter("Your own transaction: a znode and a row of yours, together or not at all");
    try (Connection connection = stage.connection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE orders (id integer)");
      connection.setAutoCommit(false);
      statement.execute("INSERT INTO orders VALUES (1)");
      keeper.tree(connection).create(NODE, ZnodeChapter.bytes("open"));
      boolean visible = keeper.tree().exists(NODE).isPresent();
      connection.rollback();
      ended(stage, connection, "INSERT, create " + NODE + ", ROLLBACK", false);
      story.check(!visible, "nobody saw the node before the transaction ended");

      statement.execute("INSERT INTO orders VALUES (1)");
      keeper.tree(connection).create(NODE, ZnodeChapter.bytes("open"));
      connection.commit();
      ended(stage, connection, "INSERT, create " + NODE + ", COMMIT", true);
      connection.setAutoCommit(true);
    }
  }

  private static void ended(Stage stage, Connection connection, String what, boolean expected)
      throws SQLException {
    String rows = Table.query(connection, "SELECT count(*) FROM orders").get(1).get(0);
    connection.rollback();
    boolean there = stage.keeper().tree().exists(NODE).isPresent();
    stage
        .story()
        .call(
            what,
            (there ? "one node, " : "no node, ") + (rows.equals("1") ? "one row" : rows + " rows"));
    stage
        .story()
        .check(
            there == expected && rows.equals(expected ? "1" : "0"),
            "node and row are " + (expected ? "both there" : "both not there"));
  }
}
