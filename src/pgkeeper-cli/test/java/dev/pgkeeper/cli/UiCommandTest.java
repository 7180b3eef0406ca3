package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code pgkeeper ui}, as it is started and ended; the page itself has tests of its own. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class UiCommandTest {
  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static ChildProcess start(String... options) {
    String[] all = new String[options.length + 7];
    all[0] = "ui";
    all[1] = "--url";
    all[2] = database.jdbcUrl();
    all[3] = "--schema";
    all[4] = database.schema();
    all[5] = "--port";
    all[6] = "0";
    System.arraycopy(options, 0, all, 7, options.length);
    return ChildProcess.start(Main.class, all);
  }

  private static HttpResponse<String> ask(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** The address out of "pgkeeper shows HOST at ADDRESS". */
  private static String address(ChildProcess ui) throws InterruptedException {
    String said = ui.awaitLine("pgkeeper shows ");
    return said.substring(said.indexOf("http://"));
  }

  @Test
  void itSaysWhereThePageIsAndServesItUntilItIsStopped() throws Exception {
    try (ChildProcess ui = start()) {
      String address = address(ui);
      assertThat(address).matches("http://127\\.0\\.0\\.1:\\d+/");
      assertThat(ask(HttpRequest.newBuilder(URI.create(address))).body()).contains("pgkeeper");
      assertThat(ask(HttpRequest.newBuilder(URI.create(address + "about"))).body())
          .contains("\"changes\":false", database.schema())
          .doesNotContain("user=");
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.sessions"))
          .as("sessions of its own")
          .isZero();
      ProcessHandle.of(ui.pid()).orElseThrow().destroy();
      assertThat(ui.awaitExit()).isEqualTo(143);
    }
  }

  @Test
  void theLinkThatItPrintsAllowsChangesOnce() throws Exception {
    database.execute("SELECT ${schema}.queue_create('mails')");
    try (ChildProcess ui = start("--allow-changes")) {
      String[] page = address(ui).split("#link=");
      HttpRequest.Builder enter =
          HttpRequest.newBuilder(URI.create(page[0] + "enter"))
              .header("X-Pgkeeper-Link", page[1])
              .POST(HttpRequest.BodyPublishers.noBody());
      String token = ask(enter).body().replaceAll(".*:\"|\"}", "");
      assertThat(ask(enter).body()).contains("used before", "start pgkeeper ui again");
      HttpRequest.Builder change =
          HttpRequest.newBuilder(URI.create(page[0] + "change/pause_queue"))
              .header("Content-Type", "application/json")
              .header("X-Pgkeeper-Token", token)
              .POST(
                  HttpRequest.BodyPublishers.ofString("{\"queue\":\"mails\",\"why\":\"a test\"}"));
      assertThat(ask(change).body()).contains("\"true\"");
      assertThat(database.queryLong("SELECT count(paused) FROM ${schema}.queues")).isEqualTo(1);
    }
  }

  @Test
  void aPortThatIsTakenIsSaid() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      Ran ran =
          Ran.here(
              Map.of("PGKEEPER_URL", database.jdbcUrl()),
              "ui",
              "--port",
              Integer.toString(taken.getLocalPort()));
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.err())
          .startsWith("pgkeeper ui: cannot listen on port " + taken.getLocalPort())
          .contains("use --port")
          .hasLineCount(1);
    }
  }

  @Test
  void aPortThatIsNoneIsRefused() {
    Ran ran = Ran.here(Map.of("PGKEEPER_URL", database.jdbcUrl()), "ui", "--port", "70000");
    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err()).contains("--port is 70000; use 0 to 65535").hasLineCount(1);
  }

  @Test
  void aDatabaseThatIsNotThereIsSaid() {
    Ran ran =
        Ran.here(Map.of("PGKEEPER_URL", "jdbc:postgresql://127.0.0.1:1/app"), "ui", "--port", "0");
    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err()).startsWith("pgkeeper ui: cannot connect to 127.0.0.1:1/app");
  }
}
