package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.PathText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Rows;
import dev.pgkeeper.cli.output.Style;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper tree}. */
@Command(
    name = "tree",
    description = "Shows a node and what is below it as a tree. An inspector's rights suffice.")
final class TreeCommand extends DatabaseCommand {
  @Mixin private final JsonOption json = new JsonOption();

  @Parameters(
      index = "0",
      arity = "0..1",
      defaultValue = "/",
      paramLabel = "PATH",
      converter = PathText.class,
      description = "Where to begin; ${DEFAULT-VALUE} if not given.")
  private String path = "/";

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "1000",
      description = "At most this many nodes; ${DEFAULT-VALUE} if not given, and all in JSON.")
  private int limit;

  TreeCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (limit < 1) {
      throw misused("--limit is " + limit + "; use 1 or more");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    Nodes nodes = new Nodes(database);
    Rows rows = nodes.from(path);
    database.ask(
        connection -> {
          nodes.ensureThere(connection, path);
          if (json.isGiven()) {
            rows.printJson(connection, null, spec().commandLine().getOut());
          } else {
            draw(rows.read(connection, List.of("path", "kind"), limit + 1));
          }
          return true;
        });
    return 0;
  }

  private void draw(List<List<String>> nodes) {
    List<List<String>> shown = nodes.subList(0, Math.min(nodes.size(), limit));
    Branches branches = new Branches(shown.stream().map(node -> node.get(0)).toList());
    Style style = Style.of(context().environment());
    List<String> lines = new ArrayList<>(branches.lines());
    for (int i = 0; i < lines.size(); i++) {
      String kind = shown.get(i).get(1);
      print(lines.get(i) + (kind.equals("persistent") ? "" : style.dim(" (" + kind + ")")));
    }
    if (nodes.size() > limit) {
      print("… and more: the first " + limit + " are shown, --limit shows others");
    }
  }
}
