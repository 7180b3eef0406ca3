package dev.pgkeeper.cli.tree;

import dev.pgkeeper.SessionState;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.Text;
import dev.pgkeeper.tree.Tree;
import dev.pgkeeper.tree.WatchKind;
import dev.pgkeeper.tree.WatchMode;
import dev.pgkeeper.tree.WatchedEvent;
import dev.pgkeeper.tree.Watcher;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code pgkeeper watch}. */
@Command(
    name = "watch",
    description = {
      "Prints what happens to a node and to the list of its children, until it is ended (Ctrl-C).",
      "The node need not exist. With --json: an object a line."
    })
final class WatchCommand extends NodeCommand {
  @Option(
      names = {"-R", "--recursive"},
      description = "What happens to the node and to everything below it.")
  private boolean isRecursive;

  @Option(names = "--count", paramLabel = "N", description = "Ends after so many events.")
  private @Nullable Integer count;

  WatchCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (count != null && count < 1) {
      throw misused("--count is " + count + "; use 1 or more");
    }
  }

  @Override
  protected int run(TargetDatabase database) throws InterruptedException {
    BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
    Tree tree = keeper(database).tree();
    Watcher watcher = events::add;
    tree.watch(path, isRecursive ? WatchMode.PERSISTENT_RECURSIVE : WatchMode.PERSISTENT, watcher);
    try {
      follow(events);
    } finally {
      if (context().isShell()) {
        tree.unwatch(path, WatchKind.ANY, watcher);
      }
    }
    return 0;
  }

  private void follow(BlockingQueue<WatchedEvent> events) throws InterruptedException {
    for (int told = 0; count == null || told < count; ) {
      WatchedEvent event = during(events::take);
      String what = what(event);
      if (what != null) {
        out()
            .println(
                json.isGiven()
                    ? Json.object("event", what, "path", event.path())
                    : what + " " + Text.harmless(String.valueOf(event.path())));
        out().flush();
        told++;
      } else {
        tellState(event.state());
      }
    }
  }

  /** A watch that is silent is not to look like one that has nothing to tell. */
  private void tellState(SessionState state) {
    switch (state) {
      case HELD -> remark("connected again");
      case JEOPARDY ->
          remark("the database does not answer; what happens meanwhile is told when it does");
      default -> throw new Failure("the session was lost, and the watch with it");
    }
  }

  private void remark(String what) {
    spec().commandLine().getErr().println(spec().qualifiedName() + ": " + what);
  }

  private static @Nullable String what(WatchedEvent event) {
    return switch (event.type()) {
      case NODE_CREATED -> "created";
      case NODE_DATA_CHANGED -> "changed";
      case NODE_DELETED -> "deleted";
      case NODE_CHILDREN_CHANGED -> "children";
      case NONE -> null;
    };
  }
}
