package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ls}, {@code get}, {@code set} and so on. */
class TreeCommandsTest {
  private static final byte[] BYTES = {0, (byte) 0xff, '\n', '"', 0x1b};

  private static TestDatabase database;

  @BeforeAll
  static void migrate() {
    database = TestDatabase.fresh();
  }

  @AfterAll
  static void drop() {
    database.close();
  }

  private static String[] all(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--url", database.jdbcUrl(), "--schema", database.schema()));
    return all.toArray(String[]::new);
  }

  private static Ran run(String... arguments) {
    return Ran.here(Map.of(), all(arguments));
  }

  private static String done(String... arguments) {
    Ran ran = run(arguments);
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
    return ran.out();
  }

  private static void failed(Ran ran, String line) {
    assertThat(ran.err()).isEqualTo(line + System.lineSeparator());
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  /** Every byte that the command wrote. */
  private static byte[] written(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Context context = new Context(Map.of(), new ByteArrayInputStream(new byte[0]), out, null);
    Main.run(all(arguments), context, new PrintWriter(new StringWriter()));
    return out.toByteArray();
  }

  @Test
  void createPrintsThePathAndGetWritesTheDataAsItIs() {
    assertThat(done("create", "/made", "two words")).isEqualTo("/made\n");
    assertThat(written("get", "/made")).isEqualTo("two words".getBytes(StandardCharsets.UTF_8));
    assertThat(done("get", "/made", "--json"))
        .isEqualTo("{\"path\": \"/made\", \"version\": 0, \"data\": \"two words\"}\n");
  }

  @Test
  void dataComesFromStandardInputOrAFileByteForByte(@TempDir Path directory) throws Exception {
    assertThat(Ran.here(Map.of(), BYTES, all("create", "/in", "-")).status()).isZero();
    assertThat(written("get", "/in")).isEqualTo(BYTES);
    assertThat(done("get", "/in", "--json")).contains("\"base64\": \"AP8KIhs=\"");
    Path file = Files.write(directory.resolve("data"), BYTES);
    done("create", "/file", "--file", file.toString());
    assertThat(written("get", "/file")).isEqualTo(BYTES);
    assertThat(run("create", "/no", "--file", "/not/there").err())
        .startsWith("pgkeeper create: /not/there cannot be read")
        .hasLineCount(1);
  }

  @Test
  void kindsAndNumbersAreAskedForByFlags() {
    assertThat(done("create", "-s", "-p", "/kinds/deep/n-"))
        .isEqualTo("/kinds/deep/n-0000000000\n");
    assertThat(done("create", "-s", "/kinds/deep/n-", "--json"))
        .matches("\\{\"path\": \"/kinds/deep/n-0000000001\", \"czxid\": \\d+}\n");
    done("create", "-c", "/kinds/c");
    done("create", "-t", "90s", "/kinds/t");
    assertThat(
            database.queryString(
                "SELECT string_agg(name || ' ' || kind || coalesce(' ' || ttl, ''), ', ' ORDER BY name)"
                    + " FROM ${schema}.nodes WHERE parent = '/kinds'"))
        .isEqualTo("c container, deep persistent, t ttl 00:01:30");
  }

  @Test
  void setComparesTheVersionIfOneIsGiven() {
    done("create", "/v", "a");
    assertThat(done("set", "/v", "b")).isEqualTo("version 1\n");
    assertThat(done("set", "/v", "c", "-v", "1", "--json"))
        .matches("\\{\"path\": \"/v\", \"version\": 2, \"mzxid\": \\d+}\n");
    failed(run("set", "/v", "d", "-v", "1"), "pgkeeper set: /v: the node has another version");
    assertThat(done("get", "/v")).isEqualTo("c");
  }

  @Test
  void rmTakesOneNodeOrAllBelow() {
    done("create", "-p", "/gone/a/b");
    failed(run("rm", "/gone"), "pgkeeper rm: /gone: the node has children");
    assertThat(done("rm", "/gone/a/b")).isEqualTo("deleted 1 node\n");
    assertThat(done("rm", "-r", "/gone", "--json"))
        .isEqualTo("{\"path\": \"/gone\", \"deleted\": 2}\n");
    failed(run("rm", "/gone"), "pgkeeper rm: /gone: there is no such node");
  }

  @Test
  void childrenAreListedSortedAndOneALine() {
    done("create", "-p", "/list/b");
    done("create", "-p", "/list/a/deep", "xyz");
    done("create", "/list/a-b");
    assertThat(done("ls", "/list")).isEqualTo("a\na-b\nb\n");
    assertThat(done("ls", "/list/b")).isEmpty();
    assertThat(done("ls", "-R", "/list"))
        .isEqualTo("/list\n/list/a\n/list/a/deep\n/list/a-b\n/list/b\n");
    assertThat(done("ls", "-l", "/list/a"))
        .matches("kind .*name\npersistent +0 +3 +0 +20\\d\\d-\\S+ \\S+ +- +deep\n");
    assertThat(done("ls", "/list/a", "--json"))
        .startsWith(
            "[\n  {\"path\":\"/list/a/deep\",\"kind\":\"persistent\",\"version\":0,\"data_length\":3,")
        .endsWith("}\n]\n");
    failed(run("ls", "/list/z"), "pgkeeper ls: /list/z: there is no such node");
  }

  @Test
  void theTreeIsDrawnWithEachNodeBelowItsParent() {
    done("create", "-p", "/trunk/a/deep/er");
    done("create", "/trunk/a-b");
    done("create", "-c", "/trunk/z");
    assertThat(done("tree", "/trunk"))
        .isEqualTo(
            """
            /trunk
            ├─ a
            │  └─ deep
            │     └─ er
            ├─ a-b
            └─ z (container)
            """);
    assertThat(done("tree", "/trunk", "--limit", "2"))
        .isEqualTo(
            """
            /trunk
            └─ a
            … and more: the first 2 are shown, --limit shows others
            """);
    assertThat(done("tree", "/trunk", "--json").lines()).hasSize(8);
    assertThat(done("tree")).startsWith("/\n").contains("trunk");
    failed(run("tree", "/no"), "pgkeeper tree: /no: there is no such node");
  }

  @Test
  void statShowsAllButTheData() {
    done("create", "/stat", "payload");
    assertThat(done("stat", "/stat"))
        .containsPattern("(?m)^data_length +7$")
        .containsPattern("(?m)^kind +persistent$")
        .doesNotContain("payload");
    assertThat(done("stat", "/stat", "--json")).contains("\"data_length\":7,");
    failed(run("stat", "/no"), "pgkeeper stat: /no: there is no such node");
    failed(run("stat", "/no", "--json"), "pgkeeper stat: /no: there is no such node");
    failed(run("get", "/no"), "pgkeeper get: /no: there is no such node");
  }

  @Test
  void anEphemeralNodeIsThereUntilTheCommandIsEnded() throws Exception {
    try (ChildProcess create = ChildProcess.start(Main.class, all("create", "-e", "/eph"))) {
      create.awaitLine("/eph");
      assertThat(done("stat", "/eph")).containsPattern("(?m)^kind +ephemeral$");
      ProcessHandle.of(create.pid()).orElseThrow().destroy();
      assertThat(create.awaitExit()).isEqualTo(143);
      failed(run("stat", "/eph"), "pgkeeper stat: /eph: there is no such node");
    }
  }

  @Test
  void whoWatchesIsToldWhatHappensInOrder() throws Exception {
    String path = "/watched";
    done("create", path);
    try (ChildProcess watch = ChildProcess.start(Main.class, all("watch", path, "-R"))) {
      untilTold(watch, "changed /watched", () -> done("set", path, "again"));
      done("create", "/watched/a");
      watch.awaitLine("created /watched/a");
      done("rm", "-r", path);
      watch.awaitLine("deleted /watched/a");
      watch.awaitLine("deleted /watched");
    }
  }

  /** Does it again and again: what comes before the watch is in place is told to nobody. */
  private static void untilTold(ChildProcess watch, String line, Runnable change)
      throws InterruptedException {
    long deadline = System.nanoTime() + Await.LIMIT.toNanos();
    do {
      assertThat(System.nanoTime() - deadline).as("%s within %s", line, Await.LIMIT).isNegative();
      change.run();
    } while (watch.lineWithin(line, Duration.ofMillis(100)).isEmpty());
  }

  @Test
  void aWatchInJsonIsAnObjectALine() throws Exception {
    String path = "/watched-json";
    try (ChildProcess watch =
        ChildProcess.start(Main.class, all("watch", path, "--json", "--count", "2"))) {
      awaitWatcher(path);
      done("create", path);
      watch.awaitLine("{\"event\": \"created\", \"path\": \"/watched-json\"}");
      done("rm", path);
      watch.awaitLine("{\"event\": \"deleted\", \"path\": \"/watched-json\"}");
      assertThat(watch.awaitExit()).isZero();
    }
  }

  private static void awaitWatcher(String path) {
    Await.until(
        "a watcher of " + path,
        () ->
            database.queryLong(
                    "SELECT count(*) FROM ${schema}.watchers WHERE path = '" + path + "'")
                > 0);
  }
}
