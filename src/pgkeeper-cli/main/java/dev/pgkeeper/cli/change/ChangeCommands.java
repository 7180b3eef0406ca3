package dev.pgkeeper.cli.change;

import dev.pgkeeper.cli.command.Context;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The commands of this package, by name or by the first of their words. */
public final class ChangeCommands {
  private ChangeCommands() {}

  public static Map<String, Supplier<Object>> all(Context context) {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    for (Operation operation : Operation.ALL) {
      String group = operation.group();
      if (group == null) {
        commands.put(operation.verb(), () -> OperatorCommand.command(context, operation));
      } else {
        commands.putIfAbsent(group, () -> group(context, group));
      }
    }
    return commands;
  }

  private static CommandSpec group(Context context, String name) {
    CommandSpec group = Group.of(name);
    if (name.equals("queue")) {
      group.addSubcommand("push", new CommandLine(new PushCommand(context)));
      group.addSubcommand("pop", new CommandLine(new PopCommand(context)));
      group.addSubcommand("peek", new CommandLine(new PeekCommand(context)));
    }
    Operation.ALL.stream()
        .filter(operation -> Objects.equals(operation.group(), name))
        .forEach(
            operation ->
                group.addSubcommand(
                    operation.verb(),
                    new CommandLine(OperatorCommand.command(context, operation))));
    return group;
  }
}
