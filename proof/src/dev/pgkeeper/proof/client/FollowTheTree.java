package dev.pgkeeper.proof.client;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.scenario.Client;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Knows the nodes below one by nothing but its watch: whatever it is told of, it reads again. In a
 * new session it begins anew, unless it is to look {@code once-only}. Beside it is a cache, which
 * lasts as long as its keeper.
 */
final class FollowTheTree {
  private final Client client;
  private final Map<String, String> known = new TreeMap<>();
  private BlockingQueue<String> told = new LinkedBlockingQueue<>();
  private Session followed;
  private NodeCache cache;

  FollowTheTree(Client client) {
    this.client = client;
    Thread thread = new Thread(this::follow, "follower");
    thread.setDaemon(true);
    thread.start();
  }

  private void follow() {
    while (true) {
      try {
        openCache();
        Session session = client.keeper().session();
        if (session != followed && (followed == null || !client.mode().contains("once-only"))) {
          begin(session);
        }
        String path = told.poll(100, TimeUnit.MILLISECONDS);
        if (path != null) {
          look(path);
        }
      } catch (KeeperException | IllegalStateException e) {
        // The session has ended or the database is away: looked at again in the next session, or
        // now.
        client.say("trouble of the follower " + e.getClass().getSimpleName());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void openCache() {
    if (cache == null) {
      NodeCache opened = client.keeper().cache(ChangeTheTree.ROOT, Scope.SUBTREE);
      synchronized (this) {
        cache = opened;
      }
    }
  }

  private void begin(Session session) {
    BlockingQueue<String> paths = new LinkedBlockingQueue<>();
    session
        .tree()
        .watch(
            ChangeTheTree.ROOT,
            WatchMode.PERSISTENT_RECURSIVE,
            event -> {
              if (event.path() != null) {
                paths.add(event.path());
              }
            });
    for (int i = 0; i < ChangeTheTree.NODES; i++) {
      paths.add(ChangeTheTree.node(i));
    }
    synchronized (this) {
      known.clear();
      told = paths;
      followed = session;
    }
  }

  private void look(String path) {
    boolean seen = false;
    try {
      String value = text(followed.tree().get(path).data());
      synchronized (this) {
        known.put(path, value);
      }
      seen = true;
    } catch (KeeperException.NoNode e) {
      synchronized (this) {
        known.remove(path);
      }
      seen = true;
    } finally {
      if (!seen) {
        told.add(path);
      }
    }
  }

  /** What it knows by now: of the watch, and of the cache. */
  synchronized List<Map<String, String>> known() {
    Map<String, String> cached = new TreeMap<>();
    if (cache != null) {
      cache.stream()
          .filter(node -> !node.path().equals(ChangeTheTree.ROOT))
          .forEach(node -> cached.put(node.path(), text(node.node().data())));
    }
    return List.of(new TreeMap<>(known), cached);
  }

  /** Says what it knows by now: {@code watched path value} and {@code cached path value}. */
  synchronized void tell() {
    client.say("follower " + client.name());
    known().get(0).forEach((path, value) -> client.say("watched " + path + " " + value));
    known().get(1).forEach((path, value) -> client.say("cached " + path + " " + value));
  }

  private static String text(byte[] data) {
    return new String(data, StandardCharsets.UTF_8);
  }
}
