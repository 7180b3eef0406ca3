package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.PathText;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Style;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** A command about one node. */
@Command
abstract class NodeCommand extends DatabaseCommand {
  @Mixin final JsonOption json = new JsonOption();

  @Parameters(
      index = "0",
      paramLabel = "PATH",
      converter = PathText.class,
      description = "The node, for example /shop/sign.")
  @SuppressWarnings("NullAway.Init")
  String path;

  NodeCommand(Context context) {
    super(context);
  }

  final PrintWriter out() {
    return spec().commandLine().getOut();
  }

  final Style style() {
    return Style.of(context().environment());
  }
}
