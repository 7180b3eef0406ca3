package dev.pgkeeper.cli;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.Credentials;
import dev.pgkeeper.cli.command.Logs;
import dev.pgkeeper.cli.command.VersionText;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.HarmlessStream;
import dev.pgkeeper.cli.output.HarmlessWriter;
import dev.pgkeeper.migration.MigrationException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Exit statuses: 0, it was done; 1, it failed; 2, it was not understood. What a
 * user can mend is told in one line on standard error; a stack trace is a fault of ours.
 */
@Command(
    name = "pgkeeper",
    description = "What ZooKeeper and Curator give, for teams that already run PostgreSQL.",
    versionProvider = VersionText.class,
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {"0:done", "1:failed", "2:not understood"})
public final class Main implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  private Main() {}

  public static void main(String[] arguments) {
    Logs.quiet("error");
    OutputStream out = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out));
    Context context = new Context(System.getenv(), System.in, out, null);
    PrintWriter err = utf8(System.err);
    System.setErr(new HarmlessStream(System.err)); // what the libraries log
    System.exit(run(arguments, context, err));
  }

  /** Runs one command and returns its exit status. */
  static int run(String[] arguments, Context context, PrintWriter err) {
    CommandLine line = line(Commands.named(context, arguments), utf8(context.out()), err);
    int status = line.execute(arguments);
    line.getOut().flush();
    err.flush();
    return status;
  }

  /** A line of commands that tells in one line what went wrong. */
  static CommandLine line(
      Map<String, Supplier<Object>> commands, PrintWriter out, PrintWriter err) {
    CommandLine line = new CommandLine(new Main());
    commands.forEach((name, command) -> line.addSubcommand(name, command.get()));
    return line
        // an @ belongs to the command that is run: curl -d @file
        .setExpandAtFiles(false)
        .setOut(out)
        .setErr(HarmlessWriter.of(err))
        .setParameterExceptionHandler(Main::misunderstood)
        .setExecutionExceptionHandler((e, command, parsed) -> failed(e, command));
  }

  private static PrintWriter utf8(OutputStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
  }

  /** Without a command: how to use it. */
  @Override
  public void run() {
    throw new MissingParameterException(spec.commandLine(), spec.args(), "no command was given");
  }

  private static int misunderstood(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command
        .getErr()
        .println(name + ": " + withoutStop(oneLine(reason(e))) + "; see " + name + " --help");
    return CommandLine.ExitCode.USAGE;
  }

  private static String reason(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
      String first = unmatched.getUnmatched().get(0);
      boolean command =
          !unmatched.getCommandLine().getSubcommands().isEmpty() && !first.startsWith("-");
      return (command ? "unknown command \"" : "unknown argument \"")
          + first
          + "\""
          + (unmatched.getSuggestions().isEmpty()
              ? ""
              : " (did you mean " + unmatched.getSuggestions().get(0) + "?)");
    }
    return String.valueOf(e.getMessage());
  }

  private static int failed(Exception e, CommandLine command) throws Exception {
    if (e instanceof Failure || e instanceof MigrationException || e instanceof KeeperException) {
      String name = command.getCommandSpec().qualifiedName();
      command.getErr().println(name + ": " + oneLine(String.valueOf(e.getMessage())));
      return CommandLine.ExitCode.SOFTWARE;
    }
    throw e;
  }

  private static String withoutStop(String sentence) {
    return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
  }

  private static String oneLine(String text) {
    return Credentials.withheld(text).strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
