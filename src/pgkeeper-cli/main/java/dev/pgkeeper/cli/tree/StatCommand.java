package dev.pgkeeper.cli.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Rows;
import picocli.CommandLine.Command;

/** {@code pgkeeper stat}. */
@Command(
    name = "stat",
    description = "Shows what is known of a node besides its data. An inspector's rights suffice.")
final class StatCommand extends NodeCommand {
  StatCommand(Context context) {
    super(context);
  }

  @Override
  protected int run(TargetDatabase database) {
    Nodes nodes = new Nodes(database);
    Rows rows = nodes.at(path);
    database.ask(
        connection -> {
          if (json.isGiven()) {
            nodes.ensureThere(connection, path);
            rows.printJson(connection, null, out());
          } else if (!rows.printOne(connection, style(), out())) {
            throw KeeperException.of(Code.NO_NODE, path);
          }
          return true;
        });
    return 0;
  }
}
