package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Tree;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code pgkeeper rm}. */
@Command(name = "rm", description = "Deletes a node, and prints how many went.")
final class RmCommand extends NodeCommand {
  @Mixin private final VersionOption version = new VersionOption();

  @Option(
      names = {"-r", "--recursive"},
      description = "With everything below it, at one moment.")
  private boolean isRecursive;

  RmCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    version.check();
    if (isRecursive && version.isGiven()) {
      throw misused("a version is that of one node; use -v without -r");
    } else if (path.equals("/")) {
      throw misused("the root stays; name a node below it");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    Tree tree = keeper(database).tree();
    int deleted = 1;
    if (isRecursive) {
      deleted = tree.deleteRecursive(path);
    } else {
      tree.delete(path, version.orElse(Op.ANY_VERSION));
    }
    print(
        json.isGiven()
            ? Json.object("path", path, "deleted", deleted)
            : "deleted " + deleted + (deleted == 1 ? " node" : " nodes"));
    return 0;
  }
}
