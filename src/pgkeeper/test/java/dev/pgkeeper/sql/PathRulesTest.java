package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.InvalidPathException;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rules for paths are written twice, in Java and in SQL: they are the same rules. */
class PathRulesTest {

  private static final long SEED = 42;

  private static final Connection TAKES_NOTHING =
      (Connection)
          Proxy.newProxyInstance(
              PathRulesTest.class.getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, arguments) -> {
                throw new SQLException("nothing is taken here");
              });

  private static TestDatabase database;
  private static Keeper keeper;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper =
        Keeper.connect(
            database.dataSource(), KeeperOptions.defaults().withSchema(database.schema()));
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  @Test
  void javaAndSqlRefuseTheSamePaths() throws SQLException {
    Set<String> paths = new LinkedHashSet<>();
    for (int c = 1;
        c <= 0xffff;
        c += c < 0x200 || c > 0xd700 && c < 0xe100 || c > 0xf700 ? 1 : 37) {
      if (c < 0xd800 || c > 0xdfff) { // half a character cannot be sent at all
        paths.add("/" + (char) c);
      }
    }
    for (int length = 1970; length <= 2010; length++) {
      paths.add("/" + "a".repeat(length - 1));
      paths.add("/" + "é".repeat((length - 1) / 2));
    }
    Random random = new Random(SEED);
    String[] parts = {
      "/",
      "/",
      "/",
      ".",
      "..",
      "a",
      "b",
      "\u0001",
      "\u007f",
      "é",
      "日",
      "\ue000",
      "\ufff0",
      "\ud83d\ude00",
      " ",
      "\n",
      "\\",
      "'",
      "%",
      "-",
      "0",
      "",
      "1",
      "\uffef",
      "\u2028"
    };
    for (int i = 0; i < 5000; i++) {
      StringBuilder path = new StringBuilder(random.nextInt(10) == 0 ? "" : "/");
      for (int n = random.nextInt(8); n > 0; n--) {
        path.append(parts[random.nextInt(parts.length)]);
      }
      paths.add(path.toString());
    }
    assertSame(new ArrayList<>(paths), false);
    assertSame(new ArrayList<>(paths), true);
  }

  private static void assertSame(List<String> paths, boolean sequential) throws SQLException {
    Set<String> bySql = refusedBySql(paths, sequential);
    List<String> different = new ArrayList<>();
    int refused = 0;
    for (String path : paths) {
      boolean byJava = refusedByJava(path, sequential);
      refused += byJava ? 1 : 0;
      if (byJava != bySql.contains(path)) {
        different.add(shown(path) + (byJava ? " is refused by Java only" : " by SQL only"));
      }
    }
    assertThat(different).as("sequential: " + sequential + ", seed " + SEED).isEmpty();
    assertThat(refused).isBetween(paths.size() / 10, paths.size() * 9 / 10);
  }

  /** So that a failure can be read. */
  private static String shown(String path) {
    StringBuilder shown = new StringBuilder();
    path.chars()
        .forEach(
            c -> shown.append(c >= 0x20 && c < 0x7f ? "" + (char) c : String.format("\\u%04x", c)));
    return shown.length() > 200 ? shown.length() + " characters" : shown.toString();
  }

  /** Asks the public API, on a connection that takes no statement: only Java's rules answer. */
  private static boolean refusedByJava(String path, boolean sequential) {
    CreateMode mode = sequential ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT;
    try {
      keeper.tree(TAKES_NOTHING).create(path, new byte[0], mode);
      throw new AssertionError("Created without a database: " + path);
    } catch (InvalidPathException e) {
      return true;
    } catch (KeeperException.DatabaseError e) {
      return false;
    }
  }

  private static Set<String> refusedBySql(List<String> paths, boolean sequential)
      throws SQLException {
    Set<String> refused = new LinkedHashSet<>();
    try (Connection connection = database.connect();
        PreparedStatement statement =
            connection.prepareStatement(
                "SELECT path FROM unnest(?::text[]) WITH ORDINALITY AS asked (path, number) WHERE ("
                    + database.schema()
                    + ".create(path, in_sequential => ?)).code = 'bad_arguments' ORDER BY number")) {
      connection.setAutoCommit(false);
      statement.setArray(1, connection.createArrayOf("text", paths.toArray()));
      statement.setBoolean(2, sequential);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          refused.add(rows.getString(1));
        }
      }
      connection.rollback();
    }
    return refused;
  }
}
