package dev.pgkeeper.proof.growth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.proof.history.History;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That what is known to be in use on a server is what is written down. */
class ServerLooksTest {
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final int MUCH = 20_000_000;

  @TempDir private Path histories;
  private PrivateServer server;
  private TestDatabase database;

  @BeforeEach
  void start() {
    server = PrivateServer.start();
    database = TestDatabase.freshOn(server);
  }

  @AfterEach
  void stop() {
    database.abandon();
    server.close();
  }

  private ServerLooks begin() {
    return begin(PERIOD);
  }

  private ServerLooks begin(Duration period) {
    return ServerLooks.begin(server, database, histories.resolve(ServerLooks.SERVER), period);
  }

  private List<String> said() {
    try {
      return History.in(histories).said("look");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What each look saw. */
  private List<Double> values(String of, Measure measure) {
    String mark = " " + of + " " + measure.name() + " ";
    return said().stream()
        .filter(line -> line.contains(mark))
        .map(line -> Double.valueOf(line.substring(line.indexOf(mark) + mark.length())))
        .toList();
  }

  /** The last line of a look is the one of the memory. */
  private void awaitLooks(int looks) {
    Await.until(looks + " looks", () -> values(ServerLooks.SERVER, Measure.MEMORY).size() >= looks);
  }

  private Connection connect(String name) throws Exception {
    return DriverManager.getConnection(server.jdbcUrl() + "&ApplicationName=" + name);
  }

  @Test
  void tablesAreCountedWithWhatIsKeptApartAndThoseOfTheWorkLeftOut() throws Exception {
    database.execute(
        "INSERT INTO ${schema}.job_run (job, tick, kind, state, attempt, token, ended)"
            + " SELECT 'job', i, 'o', 'done', 1, i, CASE WHEN i <= 3 THEN clock_timestamp() END"
            + " FROM generate_series(1, 9) AS i");
    database.execute("DELETE FROM ${schema}.job_run WHERE token > 5");
    try (ServerLooks looks = begin()) {
      database.execute("CREATE TABLE ${schema}.effect (job text)");
      awaitLooks(1);
    }
    assertThat(values("job_run", Measure.KEPT_ROWS).get(0)).isEqualTo(3);
    assertThat(values("job_run", Measure.ROWS).get(0)).isEqualTo(2);
    assertThat(values("job_run", Measure.DEAD_ROWS).get(0)).isEqualTo(4);
    assertThat(values("job_run", Measure.SIZE).get(0))
        .isEqualTo(
            database.queryLong("SELECT pg_total_relation_size('${schema}.job_run'::regclass)"));
    assertThat(values("node", Measure.KEPT_ROWS)).as("nothing of it is kept").isEmpty();
    assertThat(values("effect", Measure.ROWS)).isEmpty();
  }

  @Test
  void connectionsAreThoseOfEachClientAndThoseOfNone() throws Exception {
    try (Connection first = connect("c0.1");
        Connection second = connect("c0.1");
        Connection other = connect("psql");
        ServerLooks looks = begin()) {
      awaitLooks(1);
    }
    assertThat(values("c0.1", Measure.CONNECTIONS).get(0)).isEqualTo(2);
    assertThat(values("psql", Measure.CONNECTIONS)).isEmpty();
    assertThat(values(ServerLooks.SERVER, Measure.CONNECTIONS).get(0))
        .as("with the one that looks")
        .isEqualTo(2);
  }

  @Test
  void memoryIsThatOfAProcessInTheMeanAndTheLogWhatWasWrittenSinceTheLastLook() throws Exception {
    try (Connection connection = connect("psql");
        Statement statement = connection.createStatement()) {
      statement.execute("SELECT set_config('a.much', repeat('x', " + MUCH + "), false)");
      try (ServerLooks looks = begin()) {
        awaitLooks(1);
        statement.execute("SELECT pg_logical_emit_message(false, '', repeat('x', " + MUCH + "))");
        awaitLooks(3);
      }
    }
    assertThat(values(ServerLooks.SERVER, Measure.MEMORY).get(0))
        .isBetween(MUCH / 20.0, MUCH / 1.0);
    List<Double> log = values(ServerLooks.SERVER, Measure.WAL);
    assertThat(log.get(0)).isLessThan(MUCH);
    assertThat(log.stream().filter(written -> written > MUCH)).hasSize(1);
  }

  @Test
  void aLookIsOfTheMiddleOfThePeriodBeforeIt() throws Exception {
    Duration half = PERIOD.multipliedBy(2);
    long began = Client.nowMicros();
    long heard;
    try (ServerLooks looks = begin(half.multipliedBy(2))) {
      awaitLooks(1);
      heard = Client.nowMicros();
    }
    String first = said().get(0);
    assertThat(Long.parseLong(first.substring(0, first.indexOf(' '))))
        .isBetween(began + half.toNanos() / 1000, heard - half.toNanos() / 1000);
  }

  @Test
  void afterACrashItLooksAgain() throws Exception {
    try (ServerLooks looks = begin()) {
      awaitLooks(1);
      server.kill9();
      server.startAgain();
      awaitLooks(values(ServerLooks.SERVER, Measure.MEMORY).size() + 2);
    }
  }
}
