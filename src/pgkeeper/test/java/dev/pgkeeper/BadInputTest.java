package dev.pgkeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeInvariants;
import dev.pgkeeper.tree.TreeOperations;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.Watcher;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** What is wrong gets an error that names what and why, and changes nothing. */
class BadInputTest {

  private static final byte[] NONE = {};

  private static TestDatabase database;
  private static Keeper keeper;
  private static Tree tree;

  @BeforeAll
  static void connect() {
    database = TestDatabase.fresh();
    keeper = Keeper.connect(database.dataSource(), options());
    tree = keeper.tree();
  }

  private static KeeperOptions options() {
    return KeeperOptions.defaults().withSchema(database.schema());
  }

  @AfterAll
  static void close() {
    keeper.close();
    database.close();
  }

  // Paths.

  static Stream<Arguments> badPaths() {
    return Stream.of(
        Arguments.of("", "empty"),
        Arguments.of("a", "start with /"),
        Arguments.of("a/b", "start with /"),
        Arguments.of("/a/", "ends with /"),
        Arguments.of("//", "ends with /"),
        Arguments.of("//a", "empty part at 1"),
        Arguments.of("/a//b", "empty part at 3"),
        Arguments.of("/.", "relative part \".\" at 1"),
        Arguments.of("/a/./b", "relative part \".\" at 3"),
        Arguments.of("/a/..", "relative part \"..\" at 3"),
        Arguments.of("/../a", "relative part \"..\" at 1"),
        Arguments.of("/a\u0000b", "U+0000 at 2"),
        Arguments.of("/a\u0001", "U+0001 at 2"),
        Arguments.of("/a\u001f", "U+001F at 2"),
        Arguments.of("/a\u007f", "U+007F at 2"),
        Arguments.of("/a\u009f", "U+009F at 2"),
        Arguments.of("/a\ud800", "U+D800 at 2"),
        Arguments.of("/a\ud83d\ude00", "U+D83D at 2"),
        Arguments.of("/a\ue000", "U+E000 at 2"),
        Arguments.of("/a\uf8ff", "U+F8FF at 2"),
        Arguments.of("/a\ufff0", "U+FFF0 at 2"),
        Arguments.of("/a\uffff", "U+FFFF at 2"),
        Arguments.of("/" + "é".repeat(1000), "2001 bytes are more than the limit of 2000"));
  }

  @ParameterizedTest
  @MethodSource("badPaths")
  void everyOperationRefusesAPathThatBreaksARuleAndNamesBoth(String path, String rule)
      throws SQLException {
    String before = TreeInvariants.snapshot(database);
    Watcher watcher = event -> {};
    try (Connection connection = database.connect()) {
      TreeOperations inside = keeper.tree(connection);
      Map<String, ThrowingCallable> operations = new LinkedHashMap<>();
      operations.put("create", () -> tree.create(path, NONE));
      operations.put("with parents", () -> tree.create(NewNode.at(path).withParents()));
      operations.put("create inside", () -> inside.create(path, NONE));
      operations.put("exists", () -> tree.exists(path));
      operations.put("exists, watched", () -> tree.exists(path, watcher));
      operations.put("stat", () -> tree.stat(path));
      operations.put("get", () -> tree.get(path));
      operations.put("get inside", () -> inside.get(path));
      operations.put("get, watched", () -> tree.get(path, watcher));
      operations.put("set", () -> tree.set(path, NONE));
      operations.put("set inside", () -> inside.set(path, NONE));
      operations.put("add", () -> tree.add(path, 1));
      operations.put("add inside", () -> inside.add(path, 1));
      operations.put("delete", () -> tree.delete(path));
      operations.put("deleteRecursive", () -> tree.deleteRecursive(path));
      operations.put("children", () -> tree.children(path));
      operations.put("children, watched", () -> tree.children(path, watcher));
      operations.put("childPage", () -> tree.childPage(path, "", 10));
      operations.put("multi create", () -> tree.multi(Op.create(path, NONE)));
      operations.put("multi set", () -> tree.multi(Op.check("/", -1), Op.set(path, NONE)));
      operations.put("multi delete", () -> tree.multi(Op.delete(path)));
      operations.put("multi check", () -> tree.multi(Op.check(path, 0)));
      operations.put("readAll", () -> tree.readAll(List.of(Read.node("/"), Read.children(path))));
      operations.put("watch", () -> tree.watch(path, WatchMode.PERSISTENT, watcher));
      operations.put("unwatch", () -> tree.unwatch(path, WatchKind.ANY, watcher));
      operations.put("unwatchAll", () -> tree.unwatchAll(path, WatchKind.ANY));
      operations.put("chroot", () -> tree.chroot(path));
      operations.forEach(
          (name, operation) ->
              assertThatThrownBy(operation)
                  .as(name)
                  .isInstanceOfSatisfying(
                      InvalidPathException.class, e -> assertThat(e.path()).isEqualTo(path))
                  .hasMessageContaining(path)
                  .hasMessageContaining(rule));
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "s", "//", "/a//", "/./", "/a\u0001", "/a\ud800-"})
  void aSequentialPathKeepsTheRulesWithItsNumber(String path) {
    assertThatThrownBy(() -> tree.create(path, NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isInstanceOfSatisfying(
            InvalidPathException.class, e -> assertThat(e.path()).isEqualTo(path))
        .hasMessageContaining("\"" + path + "\"");
    assertThatThrownBy(() -> tree.multi(Op.create(path, NONE, CreateMode.EPHEMERAL_SEQUENTIAL)))
        .isInstanceOf(InvalidPathException.class);
  }

  @Test
  void theLongestSequentialPathCanBeReadBack() {
    tree.create("/long", NONE);
    int length = 2000;
    while (true) {
      String path = "/long/" + "x".repeat(length - 6);
      try {
        String real = tree.create(path, NONE, CreateMode.PERSISTENT_SEQUENTIAL);
        assertThat(tree.exists(real)).isPresent();
        break;
      } catch (InvalidPathException e) {
        assertThat(e).hasMessageContaining("limit");
        length--;
      }
    }
    assertThat(length).isGreaterThan(1900);
    String longest = "/" + "y".repeat(1999);
    tree.create(longest, NONE);
    assertThat(tree.get(longest).data()).isEmpty();
    tree.delete(longest);
    tree.deleteRecursive("/long");
  }

  @Test
  void aChrootCountsForTheLengthOfAPath() {
    Tree below = tree.chroot("/" + "r".repeat(999));
    assertThatThrownBy(() -> below.exists("/" + "x".repeat(1000)))
        .isInstanceOf(InvalidPathException.class)
        .hasMessageContaining("limit of 2000");
    assertThat(below.exists("/" + "x".repeat(999))).isEmpty();
  }

  // Data, versions, times.

  @Test
  void dataOverTheLimitIsRefusedWithItsPathAndLimit() {
    tree.create("/data", new byte[] {1});
    String before = TreeInvariants.snapshot(database);
    byte[] tooLarge = new byte[1024 * 1024];
    List<ThrowingCallable> operations =
        List.of(
            () -> tree.create("/data", tooLarge),
            () -> tree.set("/data", tooLarge),
            () -> tree.multi(Op.set("/data", NONE), Op.set("/data", tooLarge)),
            () -> tree.multi(Op.create("/data", tooLarge)));
    for (ThrowingCallable operation : operations) {
      assertThatThrownBy(operation)
          .isInstanceOfSatisfying(
              DataTooLargeException.class, e -> assertThat(e.path()).isEqualTo("/data"))
          .hasMessageContaining("/data")
          .hasMessageContaining("1048576")
          .hasMessageContaining("1048575");
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void theLimitOfDataIsASetting() {
    try (Keeper small = Keeper.connect(database.dataSource(), options().withMaxDataBytes(3));
        Keeper large =
            Keeper.connect(database.dataSource(), options().withMaxDataBytes(4 * 1024 * 1024))) {
      small.tree().create("/three", new byte[3]);
      assertThatThrownBy(() -> small.tree().set("/three", new byte[4]))
          .isInstanceOf(DataTooLargeException.class);
      large.tree().set("/three", new byte[3 * 1024 * 1024]);
      assertThat(small.tree().get("/three").data()).hasSize(3 * 1024 * 1024);
    }
    for (int bytes : new int[] {-1, Integer.MIN_VALUE, 256 * 1024 * 1024 + 1}) {
      assertThatThrownBy(() -> options().withMaxDataBytes(bytes))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("maxDataBytes is " + bytes);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-2, -100, Integer.MIN_VALUE})
  void aNegativeVersionOtherThanMinusOneIsRefused(int version) {
    String before = TreeInvariants.snapshot(database);
    List<ThrowingCallable> operations =
        List.of(
            () -> tree.set("/versioned", NONE, version),
            () -> tree.delete("/versioned", version),
            () -> tree.multi(Op.set("/versioned", NONE, version)),
            () -> tree.multi(Op.delete("/versioned", version)),
            () -> tree.multi(Op.check("/versioned", version)));
    for (ThrowingCallable operation : operations) {
      assertThatThrownBy(operation)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("/versioned")
          .hasMessageContaining("version is " + version);
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aTtlIsNeededByAndOnlyByModesThatHaveOneAndIsWithinBounds() {
    String before = TreeInvariants.snapshot(database);
    for (CreateMode mode : CreateMode.values()) {
      NewNode node = NewNode.at("/ttl").mode(mode);
      NewNode wrong = mode.hasTtl() ? node : node.ttl(Duration.ofSeconds(1));
      assertThatThrownBy(() -> tree.create(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("/ttl")
          .hasMessageContaining(mode.name());
      if (mode.hasTtl()) {
        for (Duration ttl :
            List.of(
                Duration.ZERO,
                Duration.ofNanos(1),
                Duration.ofMillis(-1),
                Duration.ofMillis(1L << 40),
                Duration.ofDays(365_000_000))) {
          assertThatThrownBy(() -> tree.create(node.ttl(ttl)))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("/ttl")
              .hasMessageContaining("ttl is " + ttl);
        }
      }
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  @Test
  void aPageHasALimitWithinBounds() {
    for (int limit : new int[] {0, -1, 100_001, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tree.childPage("/", "", limit))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("limit is " + limit);
    }
  }

  // Options.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Upper",
        "1st",
        "with space",
        "semi;colon",
        "quo\"te",
        "drop table x",
        "pg_mine",
        "select",
        "ümlaut",
        "a-b",
        "a.b",
        "x2345678901234567890123456789012345678901"
      })
  void aSchemaNameThatIsNoPlainIdentifierIsRefused(String schema) {
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            () -> KeeperOptions.defaults().withSchema(schema),
            () -> Keeper.migrate(database.dataSource(), schema),
            () -> Keeper.migrationScript(schema))) {
      assertThatThrownBy(use)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("\"" + schema + "\"");
    }
  }

  static Stream<Arguments> durations() {
    return Stream.of(
            List.<Object>of("timeout", Duration.ofMillis(999)),
            List.<Object>of("timeout", Duration.ofHours(24).plusMillis(1)),
            List.<Object>of("grace", Duration.ofMillis(199)),
            List.<Object>of("grace", Duration.ofSeconds(31)),
            List.<Object>of("operationTimeout", Duration.ofMillis(99)),
            List.<Object>of("operationTimeout", Duration.ofDays(2)),
            List.<Object>of("sweep", Duration.ofMillis(99)),
            List.<Object>of("sweep", Duration.ofDays(2)))
        .flatMap(
            one ->
                Stream.of((Duration) one.get(1), Duration.ZERO, Duration.ofSeconds(-1))
                    .map(duration -> Arguments.of(one.get(0), duration)))
        .distinct();
  }

  @ParameterizedTest
  @MethodSource("durations")
  void aTimeThatIsZeroOrAbsurdIsRefusedByItsName(String name, Duration value) {
    assertThatThrownBy(() -> with(name, value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name + " is " + value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"timeout", "grace", "operationTimeout", "sweep"})
  void theLongestDurationIsAbsurdToo(String name) {
    Duration longest = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
    assertThatThrownBy(() -> with(name, longest))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name + " is " + longest);
  }

  private static KeeperOptions with(String name, Duration value) {
    KeeperOptions options = KeeperOptions.defaults();
    return switch (name) {
      case "timeout" -> options.withTimeout(value);
      case "grace" -> options.withGrace(value);
      case "operationTimeout" -> options.withOperationTimeout(value);
      default -> options.withSweep(value);
    };
  }

  // A keeper that is over.

  @Test
  void everyUseAfterCloseSaysThatItWasClosed() throws SQLException {
    Keeper closed = Keeper.connect(database.dataSource(), options());
    Tree stale = closed.tree();
    Tree rooted = stale.chroot("/app");
    closed.close();
    closed.close();
    String before = TreeInvariants.snapshot(database);
    Watcher watcher = event -> {};
    try (Connection connection = database.connect()) {
      for (ThrowingCallable use :
          List.<ThrowingCallable>of(
              () -> stale.create("/x", NONE),
              () -> rooted.create("/x", NONE),
              () -> closed.tree().create("/x", NONE),
              () -> closed.tree(connection).create("/x", NONE),
              () -> closed.tree(connection).readAll(List.of()),
              () -> stale.get("/"),
              () -> stale.get("/", watcher),
              () -> stale.exists("/"),
              () -> stale.children("/"),
              () -> stale.childPage("/", "", 1),
              () -> stale.set("/", NONE),
              () -> stale.delete("/x"),
              () -> stale.deleteRecursive("/x"),
              () -> stale.multi(),
              () -> stale.multi(Op.check("/", -1)),
              () -> stale.readAll(List.of(Read.node("/"))),
              () -> stale.watch("/", WatchMode.PERSISTENT_RECURSIVE, watcher),
              () -> stale.unwatch("/", WatchKind.ANY, watcher),
              () -> stale.unwatchAll("/", WatchKind.ANY),
              () -> stale.chroot("/a"),
              () -> stale.sync(),
              () -> closed.async(t -> t.exists("/")))) {
        assertThatThrownBy(use)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("closed");
      }
    }
    assertThat(closed.state()).isEqualTo(SessionState.CLOSED);
    assertThat(closed.session().isHeld()).isFalse();
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }

  // Servers and schemas that will not do.

  private static ThrowingCallable connecting(TestDatabase to) {
    return () ->
        Keeper.connect(to.plainDataSource(), KeeperOptions.defaults().withSchema(to.schema()))
            .close();
  }

  @Test
  void aMissingSchemaSaysHowToCreateIt() {
    try (TestDatabase empty = TestDatabase.unmigrated()) {
      assertThatThrownBy(connecting(empty))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("\"" + empty.schema() + "\"")
          .hasMessageContaining("Keeper.migrate");
      empty.execute("CREATE SCHEMA ${schema}");
      assertThatThrownBy(connecting(empty))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("\"" + empty.schema() + "\"")
          .hasMessageContaining("Keeper.migrate");
    }
  }

  @Test
  void anOlderSchemaSaysHowToUpdateIt() {
    try (TestDatabase old = withProtocol(1, 1)) {
      assertThatThrownBy(connecting(old))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("\"" + old.schema() + "\" has version 1")
          .hasMessageContaining("older")
          .hasMessageContaining("Keeper.migrate");
    }
  }

  @Test
  void aSchemaTooNewForThisLibraryAsksForANewerLibrary() {
    try (TestDatabase newer = withProtocol(1002, 1001)) {
      assertThatThrownBy(connecting(newer))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("\"" + newer.schema() + "\" has version 1002")
          .hasMessageContaining("1001")
          .hasMessageContaining("Update the library");
    }
  }

  @Test
  void aNewerSchemaThatStillServesThisLibraryIsUsed() {
    try (TestDatabase newer = withProtocol(1002, 1)) {
      Keeper.connect(newer.plainDataSource(), KeeperOptions.defaults().withSchema(newer.schema()))
          .close();
    }
  }

  private static TestDatabase withProtocol(int version, int oldestClient) {
    TestDatabase changed = TestDatabase.fresh();
    changed.execute(
        "CREATE OR REPLACE FUNCTION ${schema}.protocol() RETURNS TABLE (version integer, oldest_client integer)"
            + " LANGUAGE sql IMMUTABLE AS $$ SELECT "
            + version
            + ", "
            + oldestClient
            + " $$");
    return changed;
  }

  @Test
  void aReadOnlyServerIsRefusedAtTheStart() {
    PGSimpleDataSource readOnly = database.plainDataSource();
    readOnly.setOptions("-c default_transaction_read_only=on");
    assertThatThrownBy(() -> Keeper.connect(readOnly, options()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("read-only");
  }

  @Test
  void aServerThatBecomesReadOnlySaysSoAndReadsGoOn() {
    PGSimpleDataSource changing = database.plainDataSource();
    try (Keeper unlucky = Keeper.connect(changing, options())) {
      unlucky.tree().create("/readonly", new byte[] {1});
      changing.setOptions("-c default_transaction_read_only=on");
      String before = TreeInvariants.snapshot(database);
      assertThatThrownBy(() -> unlucky.tree().set("/readonly", NONE))
          .isInstanceOf(KeeperException.DatabaseError.class)
          .hasMessageContaining("takes no writes");
      assertThat(unlucky.tree().get("/readonly").data()).containsExactly(1);
      assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
      changing.setOptions(null);
      unlucky.tree().set("/readonly", NONE);
    }
  }

  @Test
  void aStandbyIsRefusedAtTheStart() throws IOException {
    try (PrivateServer server = PrivateServer.start(Map.of("hot_standby", "on"))) {
      TestDatabase there = TestDatabase.freshOn(server);
      server.stopFast();
      Files.createFile(server.dataDirectory().resolve("standby.signal"));
      server.startAgain();
      assertThatThrownBy(connecting(there))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("standby")
          .hasMessageContaining("targetServerType=primary");
    }
  }

  @Test
  void aDatabaseThatIsNotThereIsGivenUpOnAfterTheConfiguredTime() throws IOException {
    PGSimpleDataSource nobody = new PGSimpleDataSource();
    nobody.setUrl("jdbc:postgresql://127.0.0.1:" + unusedPort() + "/x?user=x");
    HikariConfig config = new HikariConfig();
    config.setDataSource(nobody);
    config.setConnectionTimeout(250);
    config.setInitializationFailTimeout(-1);
    config.setMinimumIdle(0);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      for (javax.sql.DataSource dataSource : List.of(nobody, pool)) {
        CompletableFuture<?> patient = connecting(dataSource, Await.LIMIT);
        long began = System.nanoTime();
        assertThatThrownBy(() -> Futures.soon(connecting(dataSource, Duration.ofMillis(700))))
            .isInstanceOf(KeeperException.ConnectionLoss.class)
            .hasMessageContaining("cannot be reached")
            .as("why")
            .hasMessageContaining("refused");
        assertThat(Duration.ofNanos(System.nanoTime() - began))
            .isGreaterThanOrEqualTo(Duration.ofMillis(650));
        assertThat(patient).as("who was given longer, and began before").isNotDone();
      }
    }
  }

  private static CompletableFuture<?> connecting(
      javax.sql.DataSource dataSource, Duration timeout) {
    return Futures.onThread(
        () -> Keeper.connect(dataSource, options().withOperationTimeout(timeout)));
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void whatIsNullIsRefusedBeforeAnythingIsSent() {
    String before = TreeInvariants.snapshot(database);
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            () -> Keeper.connect(null),
            () -> Keeper.connect(database.dataSource(), null),
            () -> tree.create("/null", null),
            () -> tree.set("/", null),
            () -> tree.multi((List<Op>) null),
            () -> Op.set("/", null),
            () -> tree.readAll(null),
            () -> tree.watch("/", WatchMode.PERSISTENT, null),
            () -> tree.exists("/", null),
            () -> tree.childPage("/", null, 1),
            () -> keeper.async(null),
            () -> keeper.tree(null),
            () -> keeper.onStateChange(null))) {
      assertThatThrownBy(use).isInstanceOf(NullPointerException.class);
    }
    assertThat(TreeInvariants.snapshot(database)).isEqualTo(before);
  }
}
