package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The commands of this package, by name. */
public final class TreeCommands {
  private TreeCommands() {}

  public static Map<String, Supplier<Object>> all(Context context) {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("ls", () -> new LsCommand(context));
    commands.put("tree", () -> new TreeCommand(context));
    commands.put("stat", () -> new StatCommand(context));
    commands.put("get", () -> new GetCommand(context));
    commands.put("set", () -> new SetCommand(context));
    commands.put("create", () -> new CreateCommand(context));
    commands.put("rm", () -> new RmCommand(context));
    commands.put("watch", () -> new WatchCommand(context));
    return commands;
  }
}
