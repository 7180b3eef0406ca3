package dev.pgkeeper.cache;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.Session;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.TreeOperations;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Several keys of a {@link Settings} that are changed together: all or none, with an entry in the
 * history of each.
 *
 * <p>The node of a key's history is set with every change of the key, and never deleted: its
 * version tells whether anybody changed the key since it was read, also if it was deleted and set
 * again.
 */
public final class SettingsEdit {
  private static final int MOST_HISTORY = 100;
  private static final int MOST_ATTEMPTS = 100;

  private final Sessions sessions;
  private final Function<Session, TreeOperations> tree;
  private final String path;
  private final Map<String, Optional<byte[]>> changes = new LinkedHashMap<>();
  private final Map<String, Expected<?>> expected = new LinkedHashMap<>();
  private String by;

  private record Expected<T>(Setting<T> setting, T value) {
    boolean isMetBy(@Nullable Node node) {
      try {
        T found = node == null ? setting.defaultValue() : setting.codec().decode(node.data());
        return value.equals(found);
      } catch (Exception e) {
        return false; // what cannot be read is not what was expected
      }
    }
  }

  SettingsEdit(Sessions sessions, Function<Session, TreeOperations> tree, String path) {
    this.sessions = sessions;
    this.tree = tree;
    this.path = path;
    this.by = sessions.options().clientName();
  }

  /** Who the history says it was; the client's name unless it is said. */
  public SettingsEdit by(String name) {
    if (name.indexOf('\n') >= 0) {
      throw new IllegalArgumentException(
          "the name of who changes a setting cannot contain line breaks");
    }
    this.by = name;
    return this;
  }

  public <T> SettingsEdit set(Setting<T> setting, T value) {
    changes.put(
        setting.name(),
        Optional.of(setting.codec().encode(Objects.requireNonNull(value, "value"))));
    return this;
  }

  /** Deletes the value, so that the default holds again. */
  public SettingsEdit delete(Setting<?> setting) {
    changes.put(setting.name(), Optional.empty());
    return this;
  }

  /**
   * Makes {@link #commit} change nothing unless the value is this one; the default counts while
   * nobody has set it.
   */
  public <T> SettingsEdit expect(Setting<T> setting, T value) {
    expected.put(setting.name(), new Expected<>(setting, Objects.requireNonNull(value, "value")));
    return this;
  }

  /** False, and nothing is changed: a value was not what was expected. */
  public boolean commit() {
    return sessions.inPresent(now -> commit(tree.apply(now)));
  }

  private boolean commit(TreeOperations in) {
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      List<String> names = new ArrayList<>(changes.keySet());
      expected.keySet().stream().filter(name -> !changes.containsKey(name)).forEach(names::add);
      List<Op> ops = ops(in, names);
      if (ops == null) {
        return false;
      }
      try {
        in.multi(ops);
        return true;
      } catch (KeeperException.MultiFailed e) {
        if (e.code() == Code.NO_NODE) {
          createParents(in);
        } else if (e.code() != Code.BAD_VERSION && e.code() != Code.NODE_EXISTS) {
          throw e;
        }
      }
    }
    throw new KeeperException.Busy(
        path,
        path + ": others change the same settings all the time; " + MOST_ATTEMPTS + " attempts");
  }

  /** Returns the operations of this edit, or null if something is not as expected. */
  private @Nullable List<Op> ops(TreeOperations in, List<String> names) {
    List<Read> reads = new ArrayList<>();
    for (String name : names) {
      reads.add(Read.node(Settings.valuePath(path, name)));
      reads.add(Read.node(Settings.historyPath(path, name)));
      reads.add(Read.children(Settings.historyPath(path, name)));
    }
    List<ReadResult> found = in.readAll(reads);
    List<Op> ops = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      Node value = found.get(3 * i).node();
      Node history = found.get(3 * i + 1).node();
      Expected<?> wanted = expected.get(name);
      if (wanted != null && !wanted.isMetBy(value)) {
        return null;
      }
      Optional<byte[]> change = changes.get(name);
      if (change != null && (value != null || change.isPresent())) {
        addChange(ops, name, change, value, history, found.get(3 * i + 2).children());
      } else if (history != null) {
        ops.add(Op.check(Settings.historyPath(path, name), history.stat().version()));
      }
    }
    return ops;
  }

  private void addChange(
      List<Op> ops,
      String name,
      Optional<byte[]> change,
      @Nullable Node value,
      @Nullable Node history,
      @Nullable List<String> entries) {
    String at = Settings.valuePath(path, name);
    String past = Settings.historyPath(path, name);
    ops.add(
        history == null
            ? Op.create(past, new byte[0])
            : Op.set(past, new byte[0], history.stat().version()));
    if (change.isEmpty()) {
      ops.add(Op.delete(at));
    } else {
      ops.add(value == null ? Op.create(at, change.get()) : Op.set(at, change.get()));
    }
    ops.add(
        Op.create(past + "/", SettingChange.encode(by, change), CreateMode.PERSISTENT_SEQUENTIAL));
    if (entries != null) {
      entries.stream()
          .limit(Math.max(0, entries.size() + 1 - MOST_HISTORY))
          .forEach(oldest -> ops.add(Op.delete(past + "/" + oldest)));
    }
  }

  private void createParents(TreeOperations in) {
    for (String parent : List.of(Settings.valuesPath(path), Settings.historiesPath(path))) {
      try {
        in.create(NewNode.at(parent).withParents());
      } catch (KeeperException.NodeExists e) {
        // created before, or by somebody else just now
      }
    }
  }
}
