package dev.pgkeeper.proof.check;

import dev.pgkeeper.proof.client.ChangeTheTree;
import dev.pgkeeper.proof.history.History.Account;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether watchers and caches know in the end what is there. */
public final class WatchCheck {
  private WatchCheck() {}

  public static Finding examine(Evidence evidence) throws SQLException {
    Map<String, String> there = there(evidence);
    List<String> violations = new ArrayList<>();
    int watchers = 0;
    for (Account account : evidence.history().accounts()) {
      if (account.lines().stream().anyMatch(line -> line.startsWith("follower "))) {
        for (String what : List.of("watched", "cached")) {
          watchers++;
          Map<String, String> known = known(account, what);
          if (!known.equals(there)) {
            violations.add(
                "%s %s %s, and there is %s".formatted(account.process(), what, known, there));
          }
        }
      }
    }
    long changes =
        evidence.history().operations("add", "remove", "change").stream()
            .filter(operation -> operation.isOk())
            .count();
    return new Finding(watchers, "watchers and caches, after " + changes + " changes", violations);
  }

  private static Map<String, String> known(Account account, String what) {
    Map<String, String> known = new TreeMap<>();
    for (String line : account.lines()) {
      String[] said = line.split(" ");
      if (said[0].equals(what)) {
        known.put(said[1], said[2]);
      }
    }
    return known;
  }

  private static Map<String, String> there(Evidence evidence) throws SQLException {
    return there(evidence.database());
  }

  /** The nodes that are watched, with their data. */
  public static Map<String, String> there(TestDatabase database) throws SQLException {
    Map<String, String> there = new TreeMap<>();
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT path, convert_from(data, 'UTF8') FROM %s.node WHERE parent = '%s'"
                    .formatted(database.schema(), ChangeTheTree.ROOT))) {
      while (rows.next()) {
        there.put(rows.getString(1), rows.getString(2));
      }
    }
    return there;
  }
}
