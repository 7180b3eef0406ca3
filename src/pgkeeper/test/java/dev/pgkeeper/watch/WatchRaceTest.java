package dev.pgkeeper.watch;

import static dev.pgkeeper.testing.Futures.onThread;
import static dev.pgkeeper.testing.Futures.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Gate;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A watch and a change meet at the same path, with nothing but rings to bring the news: either the
 * read saw the change, or its watcher is notified. Which of them is first is forced here; the part
 * {@code races} of the proof leaves it to chance.
 */
class WatchRaceTest {
  private static final byte[] NOTHING = {};

  private static TestDatabase database;
  private static Keeper watching;
  private static Keeper changing;

  /** Shut while a registration has to wait for its commit. */
  private static Gate gate;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    watching = database.keeper();
    changing = database.keeper();
    gate = Gate.after(database, "INSERT", "watch", "true");
  }

  @AfterAll
  static void close() {
    watching.close();
    changing.close();
    database.close();
  }

  private enum Change {
    CREATE,
    SET,
    DELETE,
    CREATE_CHILD,
    DELETE_CHILD;

    void apply(TreeOperations tree, String path) {
      switch (this) {
        case CREATE -> tree.create(path, NOTHING);
        case SET -> tree.set(path, NOTHING);
        case DELETE -> tree.delete(path);
        case CREATE_CHILD -> tree.create(path + "/child", NOTHING);
        case DELETE_CHILD -> tree.delete(path + "/child");
      }
    }
  }

  private enum Watch {
    EXISTS,
    GET,
    CHILDREN,
    PERSISTENT,
    RECURSIVE;

    boolean staysOn() {
      return this == PERSISTENT || this == RECURSIVE;
    }

    boolean isFor(Change change) {
      return switch (this) {
        case EXISTS -> change.ordinal() <= Change.DELETE.ordinal();
        case GET -> change == Change.SET || change == Change.DELETE;
        case CHILDREN -> change.ordinal() >= Change.DELETE.ordinal();
        default -> true;
      };
    }

    /** Leaves the watch; returns whether it read what is there, and else throws NoNode. */
    State leave(Tree tree, String path, Watcher watcher) {
      switch (this) {
        case EXISTS -> {
          return State.of(tree.exists(path, watcher));
        }
        case GET -> {
          return State.of(Optional.of(tree.get(path, watcher).stat()));
        }
        case CHILDREN -> {
          return new State(true, 0, tree.children(path, watcher).size());
        }
        case PERSISTENT -> tree.watch(path, WatchMode.PERSISTENT, watcher);
        case RECURSIVE -> tree.watch(path, WatchMode.PERSISTENT_RECURSIVE, watcher);
      }
      return State.of(tree.exists(path));
    }
  }

  /** What a watcher can see of a node. */
  private record State(boolean present, int version, int children) {
    static State of(Optional<Stat> stat) {
      return stat.map(s -> new State(true, s.version(), s.numChildren()))
          .orElse(new State(false, 0, 0));
    }
  }

  record Meeting(Watch watch, Change change) {
    String path() {
      return "/" + watch + "-" + change;
    }

    /** Makes what the change needs; returns the state before it. */
    State prepare(String path) {
      if (change != Change.CREATE) {
        changing.tree().create(path, NOTHING);
      }
      if (change == Change.DELETE_CHILD) {
        changing.tree().create(path + "/child", NOTHING);
      }
      return State.of(changing.tree().exists(path));
    }
  }

  static List<Meeting> meetings() {
    List<Meeting> meetings = new ArrayList<>();
    for (Watch watch : Watch.values()) {
      for (Change change : Change.values()) {
        if (watch.isFor(change)) {
          meetings.add(new Meeting(watch, change));
        }
      }
    }
    return meetings;
  }

  /** The writer looked for watchers when there was none, and has not committed yet. */
  @ParameterizedTest
  @MethodSource("meetings")
  void aWatchThatComesJustBeforeTheCommitSeesTheChangeOrHearsOfIt(Meeting meeting)
      throws Exception {
    String path = meeting.path() + "-before";
    State before = meeting.prepare(path);
    CompletableFuture<WatchedEvent> heard = new CompletableFuture<>();
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      meeting.change().apply(changing.tree(connection), path);
      CompletableFuture<State> seen =
          onThread(() -> meeting.watch().leave(watching.tree(), path, heard::complete));
      if (meeting.watch() == Watch.RECURSIVE) {
        Await.until("registered", () -> isRegistered(path));
      } else {
        awaitWaiting(1);
      }
      assertThat(seen).isNotDone();
      connection.commit();
      State state;
      try {
        state = soon(seen);
      } catch (KeeperException.NoNode e) {
        assertThat(meeting.change()).isEqualTo(Change.DELETE);
        return;
      }
      assertThat(state).as("it waited for the change").isNotEqualTo(before);
    }
    if (!meeting.watch().staysOn()) {
      assertThat(heard).as("it saw the change already").isNotDone();
    }
    // Then it hears of the next change.
    next(meeting).apply(changing.tree(), path);
    soon(heard);
  }

  private static Change next(Meeting meeting) {
    return switch (meeting.change()) {
      case DELETE -> Change.CREATE;
      case CREATE_CHILD -> meeting.watch() == Watch.CHILDREN ? Change.DELETE_CHILD : Change.SET;
      case DELETE_CHILD -> Change.CREATE_CHILD;
      default -> Change.SET;
    };
  }

  private static boolean isRegistered(String path) {
    return database.queryLong("SELECT count(*) FROM ${schema}.watch WHERE path = '" + path + "'")
        > 0;
  }

  /** The watcher has read, or is about to, and has not committed its registration yet. */
  @ParameterizedTest
  @MethodSource("meetings")
  void aChangeThatComesJustBeforeTheRegistrationIsCommittedIsSeenOrHeardOf(Meeting meeting)
      throws Exception {
    String path = meeting.path() + "-after";
    State before = meeting.prepare(path);
    CompletableFuture<WatchedEvent> heard = new CompletableFuture<>();
    CompletableFuture<State> seen;
    CompletableFuture<Boolean> changed;
    try (Gate.Shut shut = gate.shut()) {
      seen = onThread(() -> meeting.watch().leave(watching.tree(), path, heard::complete));
      awaitWaiting(1);
      changed =
          onThread(
              () -> {
                meeting.change().apply(changing.tree(), path);
                return true;
              });
      if (meeting.watch() == Watch.RECURSIVE) {
        soon(changed); // A subtree cannot be kept out: its watch reads once all have ended.
      } else {
        awaitWaiting(2);
      }
    }
    State state = soon(seen);
    soon(changed);
    if (meeting.watch() == Watch.RECURSIVE) {
      assertThat(state).isNotEqualTo(before);
      next(meeting).apply(changing.tree(), path);
    } else if (!meeting.watch().staysOn()) {
      assertThat(state.children()).isEqualTo(before.children());
      assertThat(state.present()).isEqualTo(before.present());
    }
    soon(heard);
  }

  /** Then the watch is left in the client alone, and nothing keeps the writer out. */
  @ParameterizedTest
  @MethodSource("meetings")
  void aSecondWatchOnAPathThatReadBeforeTheCommitHearsOfTheChange(Meeting meeting)
      throws Exception {
    String path = meeting.path() + "-second";
    State before = meeting.prepare(path);
    meeting.watch().leave(watching.tree(), path, event -> {});
    CompletableFuture<WatchedEvent> heard = new CompletableFuture<>();
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      meeting.change().apply(changing.tree(connection), path);
      State state = meeting.watch().leave(watching.tree(), path, heard::complete);
      assertThat(state.children()).isEqualTo(before.children());
      assertThat(state.present()).isEqualTo(before.present());
      connection.commit();
    }
    soon(heard);
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
}
