package dev.pgkeeper.cli;

import dev.pgkeeper.cli.change.ChangeCommands;
import dev.pgkeeper.cli.command.ConnectionOptions;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.look.HeldAtCommand;
import dev.pgkeeper.cli.look.LookCommand;
import dev.pgkeeper.cli.shell.ShellCommand;
import dev.pgkeeper.cli.top.TopCommand;
import dev.pgkeeper.cli.tree.TreeCommands;
import dev.pgkeeper.cli.ui.UiCommand;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** All commands, by name; each is made only if it is needed, since making all takes its time. */
final class Commands {
  private Commands() {}

  /** The one that is named, or all of them where none is: for help, or for a likely name. */
  static Map<String, Supplier<Object>> named(Context context, String... arguments) {
    return chosen(all(context, arguments), arguments);
  }

  private static Map<String, Supplier<Object>> chosen(
      Map<String, Supplier<Object>> all, String... arguments) {
    Supplier<Object> named = arguments.length == 0 ? null : all.get(arguments[0]);
    boolean needsAll = named == null || arguments[0].equals("generate-completion");
    return needsAll ? all : Map.of(arguments[0], named);
  }

  private static Map<String, Supplier<Object>> all(Context context, String... arguments) {
    Map<String, String> environment = context.environment();
    Map<String, Supplier<Object>> all = new LinkedHashMap<>();
    all.put("demo", DemoCommand::new);
    all.put("example", () -> new ExampleCommand(environment));
    all.put("migrate", () -> new MigrateCommand(environment));
    all.put("lead", () -> new LeadCommand(environment));
    all.put("guard", () -> new GuardCommand(environment));
    all.putAll(inShell(context));
    Supplier<Object> changing = Objects.requireNonNull(all.get("lock"));
    all.put("lock", () -> lock(environment, (CommandSpec) changing.get(), arguments));
    all.put("top", () -> new TopCommand(context));
    all.put("ui", () -> new UiCommand(context));
    all.put("shell", () -> new ShellCommand(context, Commands::lineInShell));
    all.put("generate-completion", CompletionCommand::new);
    return all;
  }

  /**
   * Runs a command under a lock, or, with one more word, changes a lock; then it wants none of what
   * the former needs.
   */
  private static CommandSpec lock(
      Map<String, String> environment, CommandSpec changing, String... arguments) {
    if (arguments.length > 1 && changing.subcommands().containsKey(arguments[1])) {
      return changing;
    }
    CommandSpec lock = CommandSpec.forAnnotatedObject(new LockCommand(environment));
    changing.subcommands().forEach(lock::addSubcommand);
    return lock;
  }

  /** Those that the shell knows too. */
  static Map<String, Supplier<Object>> inShell(Context context) {
    Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.putAll(TreeCommands.all(context));
    LookCommand.all(context).forEach((name, command) -> commands.put(name, command::get));
    commands.put("held-at", () -> new HeldAtCommand(context));
    commands.putAll(ChangeCommands.all(context));
    commands.put("doctor", () -> new DoctorCommand(context));
    return commands;
  }

  /** One line of the shell's: its connection is the shell's too. */
  private static CommandLine lineInShell(
      Context context, PrintWriter out, PrintWriter err, String... words) {
    CommandLine line = Main.line(chosen(inShell(context), words), out, err);
    withoutConnection(line);
    return line;
  }

  private static void withoutConnection(CommandLine line) {
    for (String option : ConnectionOptions.NAMES) {
      OptionSpec given = line.getCommandSpec().findOption(option);
      if (given != null) {
        line.getCommandSpec().remove(given);
      }
    }
    line.getSubcommands().values().forEach(Commands::withoutConnection);
  }
}
