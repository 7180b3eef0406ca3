package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Rows;
import dev.pgkeeper.cli.output.Text;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code pgkeeper ls}. */
@Command(
    name = "ls",
    description = "Lists the children of a node, one a line. An inspector's rights suffice.")
final class LsCommand extends NodeCommand {
  private static final List<String> LONG =
      List.of("kind", "version", "data_length", "children", "modified", "session");

  @Option(
      names = {"-l", "--long"},
      description = "With kind, version, length of the data, and so on.")
  private boolean isLong;

  @Option(
      names = {"-R", "--recursive"},
      description = "The node and everything below it, by path.")
  private boolean isRecursive;

  LsCommand(Context context) {
    super(context);
  }

  @Override
  protected int run(TargetDatabase database) {
    Nodes nodes = new Nodes(database);
    Rows rows = isRecursive ? nodes.from(path) : nodes.childrenOf(path);
    database.ask(
        connection -> {
          nodes.ensureThere(connection, path);
          print(connection, rows);
          return true;
        });
    return 0;
  }

  private void print(Connection connection, Rows rows) throws SQLException {
    String shown = isRecursive ? "path" : "name";
    if (json.isGiven()) {
      rows.printJson(connection, null, out());
    } else if (isLong) {
      List<String> columns = new java.util.ArrayList<>(LONG);
      columns.add(shown);
      rows.printTable(connection, columns, "no children", Integer.MAX_VALUE - 1, style(), out());
    } else {
      rows.forEach(connection, shown, name -> out().println(Text.harmless(name)));
    }
  }
}
