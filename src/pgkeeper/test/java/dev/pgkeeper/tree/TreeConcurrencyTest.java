package dev.pgkeeper.tree;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.postgresql.ds.PGSimpleDataSource;

/** Many at once, over a few paths that they all want. */
class TreeConcurrencyTest {

  private static final byte[] NONE = {};
  private static final int THREADS = 8;

  /** What may come of an operation that others get in the way of; anything else is a defect. */
  private static final Set<Code> RULES =
      EnumSet.of(
          Code.NO_NODE,
          Code.NODE_EXISTS,
          Code.NOT_EMPTY,
          Code.BAD_VERSION,
          Code.NO_CHILDREN_FOR_EPHEMERALS);

  private static TestDatabase database;
  private static Keeper keeper;

  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
  private Tree tree;
  private String root;

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

  @BeforeEach
  void ownRoot(TestInfo test) {
    root = "/" + test.getTestMethod().orElseThrow().getName();
    keeper.tree().create(root, NONE);
    tree = keeper.tree().chroot(root);
  }

  @AfterEach
  void theTablesAreSound() {
    threads.shutdownNow();
    TreeInvariants.check(database);
  }

  private interface Part {
    void run(int number, Random random) throws Exception;
  }

  /** Runs one part on each thread, from the same moment on, and fails with the first failure. */
  private void together(Part part) throws Exception {
    CyclicBarrier start = new CyclicBarrier(THREADS);
    List<Callable<Void>> parts = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int number = i;
      parts.add(
          () -> {
            start.await();
            part.run(number, new Random(number));
            return null;
          });
    }
    List<Future<Void>> done = new ArrayList<>();
    for (Callable<Void> one : parts) {
      done.add(threads.submit(one));
    }
    for (Future<Void> one : done) {
      one.get(10, TimeUnit.MINUTES);
    }
  }

  /** Whether it was done; fails if it was neither done nor refused by a rule of the tree. */
  private static boolean done(Runnable operation) {
    try {
      operation.run();
      return true;
    } catch (KeeperException e) {
      if (!RULES.contains(e.code())) {
        throw e;
      }
      return false;
    }
  }

  @Test
  void ofManyWhoCreateOnePathOneWinsAndTheOthersHearThatItExists() throws Exception {
    int rounds = 100;
    AtomicInteger[] winners =
        IntStream.range(0, rounds).mapToObj(i -> new AtomicInteger()).toArray(AtomicInteger[]::new);
    CyclicBarrier round = new CyclicBarrier(THREADS);
    tree.create("/p", NONE);
    together(
        (number, random) -> {
          for (int i = 0; i < rounds; i++) {
            round.await();
            try {
              tree.create("/p/" + i, NONE);
              winners[i].incrementAndGet();
            } catch (KeeperException.NodeExists e) {
              assertThat(e.path()).isEqualTo("/p/" + i);
            }
          }
        });
    assertThat(winners).allSatisfy(wins -> assertThat(wins).hasValue(1));
    assertThat(tree.stat("/p").numChildren()).isEqualTo(rounds);
    assertThat(tree.stat("/p").cversion()).isEqualTo(rounds);
    assertThat(tree.create("/p/s", NONE, CreateMode.PERSISTENT_SEQUENTIAL))
        .isEqualTo("/p/s%010d".formatted(rounds));
  }

  @Test
  void ofManyWhoCreateOneDeepPathWithItsParentsOneWins() throws Exception {
    int rounds = 20;
    AtomicInteger wins = new AtomicInteger();
    CyclicBarrier round = new CyclicBarrier(THREADS);
    together(
        (number, random) -> {
          for (int i = 0; i < rounds; i++) {
            round.await();
            String path = "/r" + i + "/a/b/" + (i % 2 == 0 ? "leaf" : "leaf" + number);
            if (done(() -> tree.create(NewNode.at(path).withParents()))) {
              wins.incrementAndGet();
            }
          }
        });
    assertThat(wins).hasValue(rounds / 2 + rounds / 2 * THREADS);
    assertThat(tree.stat("/").cversion()).isEqualTo(rounds);
  }

  @Test
  void countersAreTrueAfterHundredsOfRandomChanges() throws Exception {
    List<String> parents = List.of("/a", "/b", "/b/c");
    parents.forEach(path -> tree.create(path, NONE));
    ConcurrentHashMap<String, AtomicInteger> changes = new ConcurrentHashMap<>();
    parents.forEach(path -> changes.put(path, new AtomicInteger()));
    changes.get("/b").incrementAndGet();
    together(
        (number, random) -> {
          for (int i = 0; i < 100; i++) {
            String parent = parents.get(random.nextInt(parents.size()));
            String child = parent + "/n" + random.nextInt(4);
            AtomicInteger here = changes.get(parent);
            AtomicInteger there = changes.get("/a");
            switch (random.nextInt(8)) {
              case 0, 1 -> count(here, 1, () -> tree.create(child, NONE));
              case 2 -> count(here, 1, () -> tree.delete(child));
              case 3 -> count(here, 1, () -> tree.deleteRecursive(child));
              case 4 -> done(() -> tree.create(NewNode.at(child + "/x/y").mode(mode(random))));
              case 5 ->
                  count(
                      here,
                      2,
                      () ->
                          tree.multi(
                              Op.create(child, NONE), Op.create(child + "/x", NONE),
                              Op.delete(child + "/x"), Op.delete(child)));
              case 6 -> {
                String other = "/a/m" + number + "-" + random.nextInt(3);
                if (done(() -> tree.multi(Op.create(other, NONE), Op.delete(child)))) {
                  here.incrementAndGet();
                  there.incrementAndGet();
                }
              }
              default -> done(() -> tree.create(child + "/x", NONE));
            }
          }
        });
    for (String parent : parents) {
      assertThat(tree.stat(parent).cversion()).as(parent).isEqualTo(changes.get(parent).get());
      assertThat(tree.stat(parent).numChildren())
          .as(parent)
          .isEqualTo(tree.children(parent).size());
    }
  }

  private static CreateMode mode(Random random) {
    return random.nextBoolean() ? CreateMode.EPHEMERAL : CreateMode.CONTAINER;
  }

  private static void count(AtomicInteger counter, int changes, Runnable operation) {
    if (done(operation)) {
      counter.addAndGet(changes);
    }
  }

  @Test
  void crossingMultisAllEndWell() throws Exception {
    List<String> paths = new ArrayList<>(List.of("/a", "/b", "/a/x", "/b/x", "/a/x/1", "/c"));
    AtomicInteger succeeded = new AtomicInteger();
    together(
        (number, random) -> {
          for (int i = 0; i < 70; i++) {
            List<Op> ops = new ArrayList<>();
            List<String> order = new ArrayList<>(paths);
            Collections.shuffle(order, random);
            for (String path : order.subList(0, 1 + random.nextInt(4))) {
              ops.add(
                  switch (random.nextInt(5)) {
                    case 0 -> Op.delete(path);
                    case 1 -> Op.set(path, NONE);
                    case 2 -> Op.check(path, Op.ANY_VERSION);
                    default -> Op.create(path, NONE);
                  });
            }
            if (done(() -> tree.multi(ops))) {
              succeeded.incrementAndGet();
            }
          }
        });
    assertThat(succeeded.get()).isGreaterThan(20);
  }

  @Test
  void aRecursiveDeleteLeavesNothingBehindWhileOthersCreateBelow() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger created = new AtomicInteger();
    together(
        (number, random) -> {
          if (number == 0) {
            long end = System.nanoTime() + Await.LIMIT.toNanos();
            for (int i = 0; i < 30 || created.get() <= 50 && System.nanoTime() - end < 0; i++) {
              done(() -> tree.deleteRecursive("/d"));
            }
            over.set(true);
          } else {
            while (!over.get()) {
              String path = "/d/" + random.nextInt(3) + "/" + random.nextInt(3) + "/x";
              if (done(() -> tree.create(NewNode.at(path + random.nextInt(50)).withParents()))) {
                created.incrementAndGet();
              }
            }
          }
        });
    assertThat(created.get()).isGreaterThan(50);
    TreeInvariants.check(database);
    done(() -> tree.deleteRecursive("/d"));
    assertThat(
            database.queryLong(
                "SELECT count(*) FROM ${schema}.node WHERE path LIKE '" + root + "/%'"))
        .isZero();
  }

  @Test
  void sequenceNumbersAreUniqueAndGrowAcrossRollbacks() throws Exception {
    tree.create("/q", NONE);
    Set<String> all = ConcurrentHashMap.newKeySet();
    together(
        (number, random) -> {
          String last = "";
          for (int i = 0; i < 40; i++) {
            String path;
            if (random.nextInt(3) > 0) {
              path = tree.create("/q/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL);
            } else {
              try (Connection connection = database.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                path =
                    keeper
                        .tree(connection)
                        .create(root + "/q/s-", NONE, CreateMode.PERSISTENT_SEQUENTIAL)
                        .substring(root.length());
                if (random.nextBoolean()) {
                  connection.rollback();
                  continue;
                }
                connection.commit();
              }
            }
            assertThat(path).isGreaterThan(last);
            assertThat(all.add(path)).as("once: " + path).isTrue();
            last = path;
          }
        });
    assertThat(new HashSet<>(tree.children("/q")))
        .isEqualTo(new HashSet<>(all.stream().map(path -> path.substring(3)).toList()));
  }

  /**
   * They used to: a delete took the node before the row that counts the node's children, a
   * registration too, and a multi that had to begin such a row took nodes out of order.
   */
  @Test
  void operationsThatWantTheSameRowsNeverWaitForEachOther() throws Exception {
    PGSimpleDataSource patient = database.plainDataSource();
    patient.setOptions("-c deadlock_timeout=1min"); // until then nobody ends a deadlock
    try (Keeper other =
        Keeper.connect(patient, KeeperOptions.defaults().withSchema(database.schema()))) {
      wantTheSameRows(other.tree().chroot(root));
    }
  }

  private void wantTheSameRows(Tree tree) throws Exception {
    tree.create(NewNode.at("/a/b/x").withParents());
    tree.delete("/a/b/x");
    tree.create("/b", NONE);
    tree.create("/z", NONE);
    Op[] createAndCheck = {Op.create("/a/b/c", NONE), Op.check("/a/b", Op.ANY_VERSION)};
    assertBothEndWell(tree, "/a/b", () -> tree.children("/a/b", event -> {}), createAndCheck);
    tree.delete("/a/b/c");
    assertBothEndWell(
        tree, "/a/b", () -> tree.watch("/a/b", WatchMode.PERSISTENT, event -> {}), createAndCheck);
    tree.delete("/a/b/c");
    assertBothEndWell(tree, "/a/b", () -> done(() -> tree.delete("/a/b")), createAndCheck);
    assertBothEndWell(
        tree,
        "/z",
        () -> done(() -> tree.multi(Op.set("/z", NONE), Op.create("/b/c", NONE))),
        Op.delete("/b"),
        Op.set("/z", NONE));
  }

  /** Lets both wait for the row of a node, one after the other, and then go on. */
  private void assertBothEndWell(Tree tree, String held, Runnable one, Op... multi)
      throws Exception {
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      keeper.tree(connection).set(root + held, NONE);
      Future<?> first = threads.submit(one);
      awaitWaiting(1);
      Future<?> second = threads.submit(() -> done(() -> tree.multi(multi)));
      awaitWaiting(2);
      connection.rollback();
      first.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
      second.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static void awaitWaiting(int backends) {
    Await.until(
        backends + " wait",
        () ->
            database.queryLong(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        + " AND datname = current_database() AND query LIKE '%${schema}.%'")
                >= backends);
  }

  @Test
  void oneVersionIsSetOnce() throws Exception {
    tree.create("/counter", new byte[] {0});
    AtomicInteger sets = new AtomicInteger();
    together(
        (number, random) -> {
          for (int i = 0; i < 25; i++) {
            while (true) {
              int version = tree.stat("/counter").version();
              if (done(() -> tree.set("/counter", NONE, version))) {
                sets.incrementAndGet();
                break;
              }
            }
          }
        });
    assertThat(sets).hasValue(THREADS * 25);
    assertThat(tree.stat("/counter").version()).isEqualTo(THREADS * 25);
  }
}
