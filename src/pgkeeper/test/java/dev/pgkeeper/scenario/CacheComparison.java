package dev.pgkeeper.scenario;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cache.CacheChange;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.PathNode;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Caches of each scope beside the nodes that they follow. Each has to become what the database has,
 * and to have told its listeners just that.
 */
public final class CacheComparison {
  public static final String ROOT = "/r";

  public static final List<String> PATHS =
      List.of("/r", "/r/a", "/r/a!", "/r/a/x", "/r/a/x/1", "/r/a/y", "/r/b", "/r/b/z", "/r/c");

  private final Map<NodeCache, Mirror> caches = new LinkedHashMap<>();
  private final TestDatabase database;

  /** One cache of each scope for each keeper, closed with its keeper. */
  public CacheComparison(TestDatabase database, Keeper... keepers) {
    this.database = database;
    for (Keeper keeper : keepers) {
      for (Scope scope : Scope.values()) {
        NodeCache cache = keeper.cache(ROOT, scope);
        Mirror mirror = new Mirror();
        cache.listen(mirror::changed);
        caches.put(cache, mirror);
      }
    }
  }

  /** What one cache has is compared with the database, and with what a listener was told. */
  CacheComparison(TestDatabase database, NodeCache cache, Mirror mirror) {
    this.database = database;
    caches.put(cache, mirror);
  }

  /** What is wrong with each cache by now; nothing if all is well. */
  public List<String> differences() {
    List<String> differences = new ArrayList<>();
    try (Keeper looking = Keeper.connect(database.plainDataSource(), database.keeperOptions())) {
      caches.forEach(
          (cache, mirror) -> {
            Scope scope =
                Stream.of(Scope.values())
                    .filter(each -> cache.toString().contains(each.name()))
                    .findFirst()
                    .orElseThrow();
            Map<String, String> truth =
                shown(looking.tree().nodePage(scope, ROOT, "", 10_000).nodes().stream());
            Map<String, String> has = shown(cache.stream());
            if (!has.equals(truth)) {
              differences.add(cache + " is not " + truth + ": it is " + has);
            }
            if (!mirror.told().equals(truth.keySet().toString())) {
              differences.add(
                  cache + " did not tell of " + truth + ": it told of " + mirror.told());
            }
          });
    }
    return differences;
  }

  /** Returns once nothing is wrong. */
  public void awaitEqual() {
    Await.until(
        () -> "every cache is the database: " + differences(), () -> differences().isEmpty());
  }

  private static Map<String, String> shown(Stream<PathNode> nodes) {
    return nodes.collect(
        Collectors.toMap(PathNode::path, each -> shown(each.node()), (a, b) -> a, TreeMap::new));
  }

  /**
   * Without pzxid: of two that create the same node at the same time the second leaves its number
   * there, though nothing has come or gone, and nobody is rung for that.
   */
  private static String shown(Node node) {
    Stat stat = node.stat();
    return "%s created by %d at %s for %d, changed by %d at %s, version %d, %d children, cversion %d"
        .formatted(
            new String(node.data(), StandardCharsets.UTF_8),
            stat.czxid(),
            stat.ctime(),
            stat.ephemeralOwner(),
            stat.mzxid(),
            stat.mtime(),
            stat.version(),
            stat.numChildren(),
            stat.cversion());
  }

  /** What a listener knows: each change has to follow from the one before it. */
  static final class Mirror {
    private final TreeMap<String, Long> known = new TreeMap<>();
    private String broken = "";

    synchronized void changed(CacheChange change) {
      Long before = change.before() == null ? null : change.before().stat().mzxid();
      Long expected = known.get(change.path());
      if (before == null ? expected != null : !before.equals(expected)) {
        broken = " but " + change.path() + " was " + expected + " and not " + before;
      }
      if (change.now() == null) {
        known.remove(change.path());
      } else {
        known.put(change.path(), change.now().stat().mzxid());
      }
    }

    synchronized String told() {
      return known.keySet() + broken;
    }
  }

  /** Does one of ten things to a node; nothing if it is not as it was thought to be. */
  public static void change(Tree tree, String path, int what) {
    try {
      if (what < 5) {
        tree.create(NewNode.at(path).data(bytes(what)).withParents());
      } else if (what < 8) {
        tree.set(path, bytes(what));
      } else if (what == 8) {
        tree.delete(path);
      } else {
        tree.deleteRecursive(path);
      }
    } catch (KeeperException.NoNode | KeeperException.NodeExists | KeeperException.NotEmpty e) {
      // not as it was thought to be
    }
  }

  private static byte[] bytes(int what) {
    return ("v" + what).getBytes(StandardCharsets.UTF_8);
  }
}
