package dev.pgkeeper.internal.keeper;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.job.Runs;
import dev.pgkeeper.internal.line.Lines;
import dev.pgkeeper.internal.line.SharedLine;
import dev.pgkeeper.internal.meeting.Meetings;
import dev.pgkeeper.internal.meeting.SharedMeeting;
import dev.pgkeeper.internal.queue.Queues;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.tree.SharedTree;
import dev.pgkeeper.internal.tree.TransactionTree;
import dev.pgkeeper.internal.watch.WatchLooks;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.Meeting;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.TreeOperations;
import java.sql.Connection;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** One session, with all that lives and ends with it. */
public final class OpenSession implements Session {
  private final KeeperOptions options;
  private final Database database;
  private final Executor background;
  private final ClientSession client;
  private final SharedTree tree;
  private final Lines lines;
  private final Meetings meetings;
  private final Queues queues;
  private final Runs runs;

  OpenSession(KeeperOptions options, Database database, ClientSession client, Executor background) {
    this.options = options;
    this.database = database;
    this.background = background;
    this.client = client;
    this.lines = new Lines(database, client, background);
    this.meetings = new Meetings(database, client);
    this.queues = new Queues(database, client, options, background);
    this.runs = new Runs(database, client, background);
    WatchLooks watches = new WatchLooks(database, client, options.operationTimeout());
    this.tree = new SharedTree(database, client, watches, options.chroot(), options.maxDataBytes());
  }

  public Database database() {
    return database;
  }

  public ClientSession client() {
    return client;
  }

  public Lines lines() {
    return lines;
  }

  public Meetings meetings() {
    return meetings;
  }

  public Queues queues() {
    return queues;
  }

  public Runs runs() {
    return runs;
  }

  @Override
  public long id() {
    return client.id();
  }

  @Override
  public SessionState state() {
    return client.seenState();
  }

  @Override
  public boolean isHeld() {
    return client.isHeld();
  }

  @Override
  public Tree tree() {
    return tree;
  }

  @Override
  public TreeOperations tree(Connection connection) {
    return new TransactionTree(
        Objects.requireNonNull(connection, "connection"),
        client,
        options.schema(),
        options.chroot(),
        options.maxDataBytes());
  }

  @Override
  public Line line(String path, String recipe, int permits) {
    client.ensureUsable();
    return new SharedLine(() -> lines, background, options.chroot(), path, recipe, permits);
  }

  @Override
  public Meeting meeting(String path, int size) {
    client.ensureUsable();
    return new SharedMeeting(() -> meetings, options.chroot(), path, size);
  }

  @Override
  public Subscription onStateChange(Consumer<SessionState> listener) {
    return client.onStateChange(Objects.requireNonNull(listener, "listener"));
  }

  @Override
  public Subscription onEnd(Runnable listener) {
    Objects.requireNonNull(listener, "listener");
    AtomicBoolean over = new AtomicBoolean();
    Subscription states =
        client.onStateChange(
            state -> {
              if (state.isTerminal() && over.compareAndSet(false, true)) {
                listener.run();
              }
            });
    if (client.state().isTerminal()) {
      client.tell(
          () -> {
            if (over.compareAndSet(false, true)) {
              listener.run();
            }
          });
    }
    return () -> {
      over.set(true);
      states.close();
    };
  }

  /** Ends it in the database too, if that has not ended it. */
  void close() {
    try {
      queues.close();
    } finally {
      client.close();
    }
  }

  @Override
  public String toString() {
    return "Session[" + id() + ", " + state() + "]";
  }
}
