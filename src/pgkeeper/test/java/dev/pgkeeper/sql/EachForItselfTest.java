package dev.pgkeeper.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.TreeInvariants;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changes of several callers in one transaction, each for itself. */
class EachForItselfTest {
  private final long seed = Long.getLong("pgkeeper.seed", 1);

  private TestDatabase database;
  private Connection connection;
  private long requests;
  private long session;

  private record Step(
      String type,
      String path,
      @Nullable Integer version,
      @Nullable String kind,
      boolean sequential) {

    static Step create(String path) {
      return new Step("create", path, null, "persistent", false);
    }

    static Step numbered(String path, String kind) {
      return new Step("create", path, null, kind, true);
    }

    static Step set(String path, int version) {
      return new Step("set", path, version, null, false);
    }

    static Step delete(String path, int version) {
      return new Step("delete", path, version, null, false);
    }
  }

  private record Answer(String code, String path, int version, long owner) {}

  @BeforeEach
  void open() throws SQLException {
    database = TestDatabase.fresh();
    connection = database.connect();
    session =
        database.queryLong("SELECT ${schema}.session_open(60000, 2000, false, 'test', 'host', 1)");
  }

  @AfterEach
  void close() throws SQLException {
    TreeInvariants.check(database);
    connection.close();
    database.close();
  }

  @Test
  void eachIsDoneOrRefusedAsIfItWereAlone() throws SQLException {
    for (String path : List.of("/a", "/a/leaf", "/a/full", "/a/full/x", "/a/was", "/a/was/x")) {
      database.execute("SELECT ${schema}.create('" + path + "')");
    }
    database.execute("SELECT ${schema}.delete('/a/was/x')");
    List<Answer> answers =
        ask(
            Step.create("/a/new"),
            Step.create("/a/leaf"),
            Step.create("/none/new"),
            Step.create("/a/.."),
            new Step("create", "/a/eph", null, "ephemeral", false),
            new Step("create", "/a/ttl", null, "ttl", false),
            Step.numbered("/", "persistent"),
            Step.numbered("/a/n-", "container"),
            Step.numbered("/a/n-", "ephemeral"),
            Step.create("/a/leaf/first"),
            Step.set("/a/full", 0),
            Step.set("/a/full/x", 7),
            Step.set("/a/none", -1),
            Step.delete("/a/full", -1),
            Step.delete("/a/full/x", 3),
            Step.delete("/a/was", 0),
            Step.delete("/a/none", -1),
            Step.delete("/", -1));
    assertThat(answers)
        .extracting(Answer::code)
        .containsExactly(
            "ok",
            "node_exists",
            "no_node",
            "bad_arguments",
            "ok",
            "bad_arguments",
            "ok",
            "ok",
            "ok",
            "ok",
            "ok",
            "bad_version",
            "no_node",
            "not_empty",
            "bad_version",
            "ok",
            "no_node",
            "bad_arguments");
    assertThat(answers.get(4).owner()).isEqualTo(session);
    assertThat(answers.get(8).owner()).isEqualTo(session);
    assertThat(answers.get(6).path()).isEqualTo("/0000000001");
    // Three children before, and two of these before it; the numbers follow the steps.
    assertThat(answers.get(7).path()).isEqualTo("/a/n-0000000005");
    assertThat(answers.get(8).path()).isEqualTo("/a/n-0000000006");
    assertThat(answers.get(10).version()).isEqualTo(1);
  }

  @Test
  void ofTwoForTheSameNodeOneIsFirst() throws SQLException {
    assertThat(ask(Step.create("/a"), Step.create("/a")))
        .extracting(Answer::code)
        .containsExactlyInAnyOrder("ok", "node_exists");
    assertThat(ask(Step.set("/a", -1), Step.set("/a", -1)))
        .extracting(Answer::version)
        .containsExactlyInAnyOrder(1, 2);
    assertThat(ask(Step.set("/a", 2), Step.set("/a", 2)))
        .extracting(Answer::code)
        .containsExactlyInAnyOrder("ok", "bad_version");
    assertThat(ask(Step.delete("/a", -1), Step.delete("/a", -1)))
        .extracting(Answer::code)
        .containsExactlyInAnyOrder("ok", "no_node");
  }

  @Test
  void whoseSessionHasEndedCreatesNothingEphemeral() throws SQLException {
    database.execute("SELECT ${schema}.session_end(" + session + ")");
    assertThat(ask(Step.create("/a"), new Step("create", "/e", null, "ephemeral", false)))
        .extracting(Answer::code)
        .containsExactly("ok", "session_expired");
  }

  /** Whatever comes together, what was answered is what was done. */
  @Test
  void whatIsAnsweredIsWhatIsDone() throws SQLException {
    System.out.println("EachForItselfTest: -Dpgkeeper.seed=" + seed);
    Random random = new Random(seed);
    Map<String, Integer> there = new HashMap<>(Map.of("/", 1));
    int versions = 0;
    for (int batch = 0; batch < 120; batch++) {
      Step[] steps = new Step[1 + random.nextInt(12)];
      for (int i = 0; i < steps.length; i++) {
        steps[i] = random(random);
      }
      List<Answer> answers = ask(steps);
      for (int i = 0; i < steps.length; i++) {
        if (answers.get(i).code().equals("ok")) {
          switch (steps[i].type()) {
            case "create" -> there.merge(answers.get(i).path(), 1, Integer::sum);
            case "delete" -> there.merge(steps[i].path(), -1, Integer::sum);
            default -> versions++;
          }
        }
      }
      assertThat(there.values()).as("batch %d", batch).allMatch(times -> times == 0 || times == 1);
      there.values().removeIf(times -> times == 0);
      assertThat(
              database.queryString(
                  "SELECT array_agg(path ORDER BY path)::text FROM ${schema}.node"))
          .as("batch %d", batch)
          .isEqualTo("{" + String.join(",", there.keySet().stream().sorted().toList()) + "}");
      if (batch % 20 == 0) {
        TreeInvariants.check(database);
      }
    }
    assertThat(versions).as("sets that were done").isGreaterThan(50);
  }

  private static Step random(Random random) {
    StringBuilder path = new StringBuilder();
    for (int depth = random.nextInt(3); depth >= 0; depth--) {
      path.append('/').append((char) ('a' + random.nextInt(3)));
    }
    return switch (random.nextInt(5)) {
      case 0, 1 -> Step.create(path.toString());
      case 2 ->
          random.nextInt(6) == 0
              ? Step.numbered(path.toString(), "persistent")
              : Step.create(path.toString());
      case 3 -> Step.set(path.toString(), random.nextInt(3) - 1);
      default -> Step.delete(path.toString(), random.nextInt(3) - 1);
    };
  }

  private List<Answer> ask(Step... steps) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            ("SELECT o.*, watched FROM ${schema}.request_each(?, 1, ?, ?, ?, ?, ?, ?, ?, ?),"
                    + " unnest(outcomes) AS o")
                .replace("${schema}", database.schema()))) {
      statement.setLong(1, session);
      statement.setLong(2, ++requests);
      statement.setArray(3, array("text", Step::type, steps));
      statement.setArray(4, array("text", Step::path, steps));
      statement.setArray(
          5,
          array("bytea", step -> step.type().matches("create|set") ? new byte[] {1} : null, steps));
      statement.setArray(6, array("int4", Step::version, steps));
      statement.setArray(7, array("text", Step::kind, steps));
      statement.setArray(8, array("bool", Step::sequential, steps));
      statement.setArray(9, array("int8", step -> null, steps));
      List<Answer> answers = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          answers.add(
              new Answer(
                  rows.getString("code"),
                  rows.getString("path"),
                  rows.getInt("version"),
                  rows.getLong("owner")));
        }
      }
      assertThat(answers).hasSize(steps.length);
      return answers;
    }
  }

  private Array array(String type, Function<Step, @Nullable Object> field, Step... steps)
      throws SQLException {
    Object[] values = type.equals("bytea") ? new byte[steps.length][] : new Object[steps.length];
    for (int i = 0; i < steps.length; i++) {
      values[i] = field.apply(steps[i]);
    }
    return connection.createArrayOf(type, values);
  }
}
