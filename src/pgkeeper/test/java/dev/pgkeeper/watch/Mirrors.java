package dev.pgkeeper.watch;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** Copies of a few nodes that clients keep by watches alone, one of each kind a client. */
final class Mirrors {
  static final int PATHS = 12;

  private final List<Keeper> keepers;
  private final List<Mirror> mirrors = new ArrayList<>();

  /** Creates the parent of the nodes and a mirror of each kind for each of these clients. */
  Mirrors(List<Keeper> keepers) {
    this.keepers = keepers;
    keepers.get(0).tree().create("/m", bytes(""));
    for (Keeper keeper : keepers) {
      mirrors.add(new OneShotMirror(keeper.tree()));
      mirrors.add(new PersistentMirror(keeper.tree()));
      mirrors.add(new RecursiveMirror(keeper.tree()));
    }
  }

  /** Returns once each mirror shows the database; an AssertionError if one never does. */
  void awaitTruth() {
    Map<String, String> truth = new TreeMap<>();
    for (int i = 0; i < PATHS; i++) {
      truth.put(path(i), read(keepers.get(0).tree(), path(i)));
    }
    for (Mirror mirror : mirrors) {
      Await.until(
          () -> mirror + " shows the database, " + truth + "; it shows " + mirror.shown,
          () -> mirror.shown.equals(truth));
    }
  }

  /** Changes each node, by one client after the other. */
  void changeAll(String value) {
    for (int i = 0; i < PATHS; i++) {
      change(keepers.get(i % keepers.size()).tree(), path(i), value);
    }
  }

  static String path(int i) {
    return "/m/" + i;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Sets or creates the node, or deletes it for ""; returns the new value. */
  static String change(Tree tree, String path, String value) {
    while (true) {
      try {
        if (value.isEmpty()) {
          tree.delete(path);
        } else {
          tree.set(path, bytes(value));
        }
        return value;
      } catch (KeeperException.NoNode e) {
        if (value.isEmpty()) {
          return value;
        }
      }
      try {
        tree.create(path, bytes(value));
        return value;
      } catch (KeeperException.NodeExists e) {
        // somebody was faster
      }
    }
  }

  private static String read(Tree tree, String path) {
    try {
      return new String(tree.get(path).data(), StandardCharsets.UTF_8);
    } catch (KeeperException.NoNode e) {
      return "";
    }
  }

  /** A copy of all paths that is kept by watches alone. */
  private abstract static class Mirror {
    final Map<String, String> shown = new ConcurrentSkipListMap<>();
    final Tree tree;

    Mirror(Tree tree) {
      this.tree = tree;
    }

    void refreshAfter(WatchedEvent event, String path) {
      if (event.type() != EventType.NONE) {
        refresh(path);
      }
    }

    void refresh(String path) {
      shown.put(path, read(tree, path));
    }

    @Override
    public String toString() {
      return getClass().getSimpleName();
    }
  }

  private static final class OneShotMirror extends Mirror {
    OneShotMirror(Tree tree) {
      super(tree);
      for (int i = 0; i < PATHS; i++) {
        watch(path(i));
      }
    }

    private void watch(String path) {
      tree.exists(
          path,
          event -> {
            if (event.type() != EventType.NONE) {
              watch(path);
            }
          });
      refresh(path);
    }
  }

  private static final class PersistentMirror extends Mirror {
    PersistentMirror(Tree tree) {
      super(tree);
      for (int i = 0; i < PATHS; i++) {
        String path = path(i);
        tree.watch(path, WatchMode.PERSISTENT, event -> refreshAfter(event, path));
        refresh(path);
      }
    }
  }

  private static final class RecursiveMirror extends Mirror {
    RecursiveMirror(Tree tree) {
      super(tree);
      tree.watch(
          "/m",
          WatchMode.PERSISTENT_RECURSIVE,
          event -> {
            if (event.type() != EventType.NONE && event.path().length() > 2) {
              refresh(event.path());
            }
          });
      for (int i = 0; i < PATHS; i++) {
        refresh(path(i));
      }
    }
  }
}
