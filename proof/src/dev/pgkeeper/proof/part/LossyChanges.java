package dev.pgkeeper.proof.part;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Changes of every kind, by so many threads that they go to the database together. */
final class LossyChanges implements RepliesPart.Subject {
  private static final int THREADS = 8;
  private static final int PASSING = 6;

  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger[] rounds = new AtomicInteger[THREADS];

  @Override
  public String promise() {
    return "every change is done once, and its caller learns the result";
  }

  @Override
  public int threads() {
    return THREADS;
  }

  @Override
  public Finding work(LossyNetwork network, Random random, Duration length) throws Exception {
    Tree tree = network.keeper().tree();
    tree.create("/sum", bytes(0));
    for (int thread = 0; thread < THREADS; thread++) {
      rounds[thread] = new AtomicInteger();
      String root = root(thread);
      tree.create(NewNode.at(root + "/sequence").withParents());
      for (String name : List.of("/counter", "/both", "/sum")) {
        tree.create(root + name, bytes(0));
      }
    }
    network.lose(random, PASSING);
    List<CompletableFuture<Boolean>> running = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      int number = thread;
      running.add(Futures.onThread(() -> change(tree, root(number), rounds[number])));
    }
    network.workFor(length, running, () -> sum() > 2 * THREADS);
    stopped.set(true);
    for (CompletableFuture<Boolean> one : running) {
      one.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    network.mend();
    for (int thread = 0; thread < THREADS; thread++) {
      compare(tree, root(thread), rounds[thread].get());
    }
    expect("the sum of all", sum(), number(tree, "/sum"));
    return new Finding(sum(), "rounds of eleven changes", List.copyOf(violations));
  }

  private int sum() {
    int sum = 0;
    for (AtomicInteger one : rounds) {
      sum += one.get();
    }
    return sum;
  }

  private void compare(Tree tree, String root, int done) {
    Stat sequence = tree.stat(root + "/sequence");
    expect("sequential nodes", 2L * done, sequence.numChildren());
    expect("creations", 2L * done, sequence.cversion());
    expect("changes", 2L * done, tree.stat(root + "/counter").version());
    expect("multis", done, tree.stat(root + "/both").version());
    // The plain node came and went once a round, the tree with its two nodes too.
    expect("children that came and went", 4 + 4L * done, tree.stat(root).cversion());
    expect("the sum of one thread", 3L * done, number(tree, root + "/sum"));
  }

  private boolean change(Tree tree, String root, AtomicInteger done) {
    Set<String> sequential = new HashSet<>();
    while (!stopped.get()) {
      int round = done.get();
      String name = root + "/plain";
      expect("the path of the plain node", name, tree.create(name, bytes(round)));
      tree.delete(name, 0);

      String numbered =
          tree.create(root + "/sequence/n-", bytes(round), CreateMode.PERSISTENT_SEQUENTIAL);
      expect("a path of its own", true, sequential.add(numbered));

      Stat set = tree.set(root + "/counter", bytes(round));
      expect("the version after a set", 2 * round + 1, set.version());
      Stat compared = tree.set(root + "/counter", bytes(round), set.version());
      expect("the version after a set of a version", 2 * round + 2, compared.version());
      expect("a later number", true, compared.mzxid() > set.mzxid());

      String inMulti =
          tree.multi(
                  Op.create(root + "/sequence/m-", bytes(round), CreateMode.EPHEMERAL_SEQUENTIAL),
                  Op.set(root + "/both", bytes(round), round))
              .get(0)
              .path();
      expect("a path of its own", true, sequential.add(inMulti));

      long sum = 3L * (round + 1);
      expect("the sum", sum, tree.add(root + "/sum", 3));
      expect("compared", true, tree.compareAndSet(root + "/sum", sum, -1));
      expect("compared again", true, tree.compareAndSet(root + "/sum", -1, sum));
      expect("a sum with its own part", true, tree.add("/sum", 1) >= 1L + round);

      tree.create(NewNode.at(root + "/deep/er").withParents());
      expect("deleted nodes", 2L, tree.deleteRecursive(root + "/deep"));
      done.incrementAndGet();
    }
    return true;
  }

  private void expect(String what, long expected, long actual) {
    expect(what, (Object) expected, (Object) actual);
  }

  private void expect(String what, Object expected, Object actual) {
    if (!expected.equals(actual)) {
      violations.add("%s: %s, not %s".formatted(what, actual, expected));
    }
  }

  private static long number(Tree tree, String path) {
    return Long.parseLong(new String(tree.get(path).data(), UTF_8));
  }

  private static String root(int thread) {
    return "/t" + thread;
  }

  private static byte[] bytes(int number) {
    return Integer.toString(number).getBytes(UTF_8);
  }
}
