package dev.pgkeeper.cli.shell;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.terminal.Terminals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code pgkeeper shell}. */
@Command(
    name = "shell",
    description = {
      "Reads commands and runs them, on one connection's worth of options and with one session.",
      "",
      "At a terminal: Tab completes commands, options and paths; Ctrl-C ends what runs; Ctrl-D, quit or exit ends the shell. "
          + "Lines are remembered in ~/.pgkeeper_history, or where the variable PGKEEPER_HISTORY says (nowhere, if it is "
          + "empty); those that begin with a space are not.",
      "",
      "From a file or a pipe: ends at the first command that fails, with its status.",
      ""
    })
public final class ShellCommand extends DatabaseCommand {
  private final Lines lines;

  /** Makes the line of commands that can run one line of the shell's. */
  @FunctionalInterface
  public interface Lines {
    CommandLine of(Context context, PrintWriter out, PrintWriter err, String... words);
  }

  public ShellCommand(Context context, Lines lines) {
    super(context);
    this.lines = lines;
  }

  CommandLine line(Context inside, PrintWriter out, PrintWriter err, String... words) {
    return lines.of(inside, out, err, words);
  }

  @Override
  protected int run(TargetDatabase database) throws Exception {
    database.check();
    return Terminals.isThere()
        ? new Conversation(this, context(), database).hold()
        : follow(database);
  }

  /** Says it once for each session that was lost. */
  void tellOfLoss(PrintWriter out, TargetDatabase database) {
    if (database.takeLostSession()) {
      out.println(
          "the session was lost, and its ephemeral nodes with it; the next one opens by itself");
    }
  }

  private int follow(TargetDatabase database) throws IOException {
    OutputStream stdout = context().out();
    Context inside = context().inShell(stdout, database);
    PrintWriter out = spec().commandLine().getOut();
    PrintWriter err = spec().commandLine().getErr();
    BufferedReader script =
        new BufferedReader(new InputStreamReader(context().in(), StandardCharsets.UTF_8));
    for (String line = script.readLine(); line != null; line = script.readLine()) {
      List<String> words = Reading.words(line);
      if (isEnd(words)) {
        return 0;
      }
      int status = run(inside, out, err, words);
      out.flush();
      if (status != 0) {
        return status;
      }
    }
    return 0;
  }

  static boolean isEnd(List<String> words) {
    return words.size() == 1 && (words.get(0).equals("quit") || words.get(0).equals("exit"));
  }

  /** One line of words, and its status. */
  int run(Context inside, PrintWriter out, PrintWriter err, List<String> words) {
    if (words.isEmpty() || words.get(0).startsWith("#")) {
      return 0;
    }
    String[] line = words.toArray(String[]::new);
    if (line[0].equals("help")) {
      line = line.length > 1 ? new String[] {line[1], "--help"} : new String[] {"--help"};
    }
    return line(inside, out, err, line).execute(line);
  }
}
