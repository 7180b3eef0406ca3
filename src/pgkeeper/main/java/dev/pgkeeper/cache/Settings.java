package dev.pgkeeper.cache;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Session;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.recipe.FirstLook;
import dev.pgkeeper.internal.recipe.NodePages;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Scope;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Settings that all processes share. Reading takes no round trip: a {@link NodeCache} has them all,
 * follows every change, and goes on answering while the database is away ({@link #age} says how
 * fresh that is). A value that is set is read here a moment later, when its ring has come.
 *
 * <pre>{@code
 * Setting<Long> limit = Setting.number("limit", 100);
 * try (Settings settings = keeper.settings("/settings")) {
 *   long now = settings.get(limit); // no round trip
 *   settings.onChange(limit, each -> apply(each));
 *   settings.set(limit, 200L);
 * }
 * }</pre>
 *
 * <p>Values are nodes below {@code path/values}, as text where their codec writes text. What was
 * done to a key, by whom and when, is kept in nodes below {@code path/history/key}, written in the
 * same transaction as the change; the oldest nodes are deleted. A value that cannot be read,
 * whoever set it, is reported with its key, and the value before it stays in force here.
 */
public final class Settings implements AutoCloseable {
  private final Sessions sessions;
  private final String path;
  private final NodeCache values;
  private final ErrorListeners errors;
  private final Map<Setting<?>, Known<?>> known = new ConcurrentHashMap<>();

  /** What a setting's node was when it was last read, and the last value that could be read. */
  private record Known<T>(long mzxid, T value) {}

  /**
   * Returns when all values are here.
   *
   * @throws KeeperException.ConnectionLoss if that took longer than the operation timeout
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Settings(Sessions sessions, String path) {
    this.sessions = sessions;
    this.path = path;
    this.errors = new ErrorListeners(toString());
    this.values = new NodeCache(sessions, valuesPath(path), Scope.CHILDREN);
    FirstLook.await(
        values.initialised(), path, sessions.options().operationTimeout(), values::close);
  }

  static String valuesPath(String path) {
    return ChildPaths.of(path, "values");
  }

  static String valuePath(String path, String name) {
    return valuesPath(path) + "/" + name;
  }

  static String historiesPath(String path) {
    return ChildPaths.of(path, "history");
  }

  static String historyPath(String path, String name) {
    return historiesPath(path) + "/" + name;
  }

  public String path() {
    return path;
  }

  // Reading, without a round trip.

  /** The value, or the default while nobody has set it. */
  public <T> T get(Setting<T> setting) {
    return find(setting).orElse(setting.defaultValue());
  }

  /** Empty while nobody has set it. */
  public <T> Optional<T> find(Setting<T> setting) {
    String at = valuePath(path, setting.name());
    Optional<Node> node = values.get(at);
    if (node.isEmpty()) {
      known.remove(setting);
    }
    return node.map(found -> value(setting, at, found));
  }

  @SuppressWarnings("unchecked") // a setting's value is of its type
  private <T> T value(Setting<T> setting, String at, Node node) {
    Known<T> before = (Known<T>) known.get(setting);
    if (before != null && before.mzxid == node.stat().mzxid()) {
      return before.value;
    }
    T value;
    Exception unreadable = null;
    try {
      value = setting.codec().decode(node.data());
    } catch (Exception e) {
      value = before == null ? setting.defaultValue() : before.value;
      unreadable = e;
    }
    // Of several threads that read at the same time, one has learnt the value, and only that one
    // reports.
    if (learn(setting, before, new Known<>(node.stat().mzxid(), value)) && unreadable != null) {
      errors.report(
          new IllegalArgumentException(
              at
                  + ": the value, version "
                  + node.stat().version()
                  + ", cannot be read; the one before it is kept. Set it as its codec writes it",
              unreadable));
    }
    return value;
  }

  private boolean learn(Setting<?> setting, @Nullable Known<?> before, Known<?> now) {
    return before == null
        ? known.putIfAbsent(setting, now) == null
        : known.replace(setting, before, now);
  }

  /** Everything that somebody has set, as text. */
  public SortedMap<String, String> all() {
    SortedMap<String, String> all = new TreeMap<>();
    int prefix = valuesPath(path).length() + 1;
    values.stream()
        .forEach(
            each ->
                all.put(
                    each.path().substring(prefix),
                    new String(each.node().data(), StandardCharsets.UTF_8)));
    return all;
  }

  /** How long ago what is read here was last known to be what the database has. */
  public Duration age() {
    return values.age().orElseThrow();
  }

  /**
   * Waits until everything that was committed before this call is read here. Returns false if it is
   * not in this time.
   */
  public boolean awaitCurrent(Duration patience) throws InterruptedException {
    return values.awaitCurrent(patience);
  }

  /**
   * Tells the value as it is now, and then each time it has changed, on a thread of the settings',
   * also after lost sessions. Of values that are set in quick succession, perhaps only the last is
   * told.
   */
  public <T> Subscription onChange(Setting<T> setting, Consumer<T> listener) {
    Objects.requireNonNull(listener, "listener");
    return values.onChange(new Telling<>(setting, listener));
  }

  private final class Telling<T> implements Runnable {
    private final Setting<T> setting;
    private final Consumer<T> listener;
    private @Nullable T told;

    Telling(Setting<T> setting, Consumer<T> listener) {
      this.setting = setting;
      this.listener = listener;
    }

    @Override
    public void run() {
      T now = get(setting);
      if (!now.equals(told)) {
        told = now;
        listener.accept(now);
      }
    }
  }

  /** Tells of values that cannot be read, and of listeners that fail. */
  public Subscription onError(Consumer<Throwable> listener) {
    Subscription ofValues = errors.add(listener);
    Subscription ofListeners = values.onError(listener);
    return () -> {
      ofValues.close();
      ofListeners.close();
    };
  }

  // Changing.

  public <T> void set(Setting<T> setting, T value) {
    edit().set(setting, value).commit();
  }

  /** Deletes the value, so that the default holds again. */
  public void delete(Setting<?> setting) {
    edit().delete(setting).commit();
  }

  /** Sets it if it has the expected value in the database. Returns false if it has another one. */
  public <T> boolean compareAndSet(Setting<T> setting, T expected, T value) {
    return edit().expect(setting, expected).set(setting, value).commit();
  }

  /** Several changes in one transaction. */
  public SettingsEdit edit() {
    return new SettingsEdit(sessions, Session::tree, path);
  }

  /** Several changes as a part of the transaction on this connection. */
  public SettingsEdit edit(Connection connection) {
    return new SettingsEdit(sessions, now -> now.tree(connection), path);
  }

  /** The last hundred changes of a key, the oldest first, read from the database. */
  public List<SettingChange> history(Setting<?> setting) {
    String past = historyPath(path, setting.name());
    return sessions.inPresent(now -> NodePages.all(now.tree(), Scope.CHILDREN, past)).stream()
        .map(each -> SettingChange.decode(setting.name(), each.node()))
        .toList();
  }

  @Override
  public void close() {
    values.close();
  }

  @Override
  public String toString() {
    return "Settings[" + path + "]";
  }
}
