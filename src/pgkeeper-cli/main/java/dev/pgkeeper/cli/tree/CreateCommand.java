package dev.pgkeeper.cli.tree;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DataOptions;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.NewNode;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper create}. */
@Command(
    name = "create",
    description = {
      "Creates a node, and prints its path.",
      "",
      "An ephemeral node goes with the session that created it. So with -e this command stays, and the node with it, "
          + "until it is ended by a signal (Ctrl-C) or the session is lost; in the shell the node stays until the shell ends.",
      ""
    })
final class CreateCommand extends NodeCommand {
  @Mixin private final DataOptions options;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = DataOptions.LABEL,
      description = DataOptions.DESCRIPTION)
  private @Nullable String data;

  @Option(
      names = {"-e", "--ephemeral"},
      description = "It goes with the session that created it.")
  private boolean isEphemeral;

  @Option(
      names = {"-s", "--sequential"},
      description = "A growing number is appended to its name.")
  private boolean isSequential;

  @Option(
      names = {"-c", "--container"},
      description = "It goes some time after its last child went.")
  private boolean isContainer;

  @Option(
      names = {"-t", "--ttl"},
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "It goes once it has no children and was not set for so long (10m, 2h).")
  private @Nullable Duration ttl;

  @Option(
      names = {"-p", "--parents"},
      description = "Creates missing nodes above it too.")
  private boolean withParents;

  CreateCommand(Context context) {
    super(context);
    options = new DataOptions(context);
  }

  @Override
  protected void checkArguments() {
    options.check(data, false);
    if ((isEphemeral ? 1 : 0) + (isContainer ? 1 : 0) + (ttl != null ? 1 : 0) > 1) {
      throw misused("a node is of one kind; use one of -e, -c and -t");
    } else if (isContainer && isSequential) {
      throw misused("a container has no number; use -c without -s");
    }
  }

  @Override
  protected int run(TargetDatabase database) throws InterruptedException {
    Keeper keeper = keeper(database);
    CountDownLatch lost = new CountDownLatch(1);
    keeper.onStateChange(
        state -> {
          if (state == SessionState.LOST) {
            lost.countDown();
          }
        });
    String created = create(keeper);
    if (!isEphemeral || context().isShell()) {
      return 0;
    }
    out().flush();
    during(
        () -> {
          lost.await();
          return lost;
        });
    throw new Failure("the session was lost, and " + created + " with it");
  }

  private String create(Keeper keeper) {
    byte[] bytes = options.bytes(data);
    Created created = understood(() -> keeper.tree().create(node(bytes)));
    print(
        json.isGiven()
            ? Json.object("path", created.path(), "czxid", created.stat().czxid())
            : created.path());
    return created.path();
  }

  private NewNode node(byte[] bytes) {
    NewNode node = NewNode.at(path).data(bytes).mode(mode());
    node = ttl == null ? node : node.ttl(ttl);
    return withParents ? node.withParents() : node;
  }

  private CreateMode mode() {
    if (isEphemeral) {
      return isSequential ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.EPHEMERAL;
    } else if (ttl != null) {
      return isSequential
          ? CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL
          : CreateMode.PERSISTENT_WITH_TTL;
    } else if (isContainer) {
      return CreateMode.CONTAINER;
    }
    return isSequential ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT;
  }
}
