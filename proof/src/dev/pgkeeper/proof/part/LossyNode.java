package dev.pgkeeper.proof.part;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.proof.check.Finding;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Futures;
import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A node that its client keeps there, that it sets, and that another client deletes. */
final class LossyNode implements RepliesPart.Subject {
  private static final int PASSING = 30;
  private static final int ENOUGH = 40;
  private static final String PARENT = "/kept";
  private static final String PATH = PARENT + "/node";

  private final List<String> violations = new ArrayList<>();
  private final AtomicInteger sets = new AtomicInteger();
  private final AtomicBoolean stopped = new AtomicBoolean();

  @Override
  public String promise() {
    return "a kept node is never there twice, and ends up there with its latest data";
  }

  @Override
  public int threads() {
    return 4;
  }

  @Override
  public Finding work(LossyNetwork network, Random random, Duration length) throws Exception {
    try (Keeper others = Keeper.connect(network.database().plainDataSource(), network.options());
        Keeper keeper = network.connectThrough();
        PersistentNode node = keeper.persistentNode(PATH, bytes(0));
        AutoCloseable mended = network::mend) {
      Tree tree = others.tree();
      network.lose(random, PASSING);
      CompletableFuture<Boolean> running = Futures.onThread(() -> set(node, tree));
      network.workFor(length, List.of(running), () -> sets.get() > ENOUGH);
      stopped.set(true);
      running.get(LossyNetwork.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      network.mend();
      awaitLast(tree);
      if (violations.isEmpty()) {
        int changes = tree.stat(PARENT).cversion();
        expectOne(tree);
        tree.delete(PATH);
        awaitLast(tree);
        if (tree.stat(PARENT).cversion() != changes + 2) {
          violations.add("the node was created more than once in the end");
        }
      }
    }
    return new Finding(sets.get(), "sets", violations);
  }

  private boolean set(PersistentNode node, Tree tree) {
    while (!stopped.get()) {
      int number = sets.incrementAndGet();
      if (number % 3 == 0 && tree.exists(PATH).isPresent()) {
        tree.delete(PATH);
      }
      node.setData(bytes(number));
      if (tree.children(PARENT).size() > 1) {
        violations.add("there are " + tree.children(PARENT));
      }
    }
    return true;
  }

  private void expectOne(Tree tree) {
    if (tree.stat(PARENT).numChildren() != 1) {
      violations.add("there are " + tree.children(PARENT));
    }
  }

  private void awaitLast(Tree tree) {
    String last = Integer.toString(sets.get());
    try {
      Await.until("the last data", () -> last.equals(seen(tree)));
    } catch (AssertionError e) {
      violations.add("there is %s, not %s".formatted(seen(tree), last));
    }
  }

  private static String seen(Tree tree) {
    try {
      return new String(tree.get(PATH).data(), UTF_8);
    } catch (KeeperException.NoNode e) {
      return "nothing";
    }
  }

  private static byte[] bytes(int number) {
    return Integer.toString(number).getBytes(UTF_8);
  }
}
