package dev.pgkeeper.cli.shell;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.terminal.Terminals;
import java.io.PrintWriter;
import java.util.List;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;

/** Reads the lines that somebody types at a terminal, and runs each of them. */
final class Conversation {
  private final ShellCommand shell;
  private final Context context;
  private final TargetDatabase database;

  Conversation(ShellCommand shell, Context context, TargetDatabase database) {
    this.shell = shell;
    this.context = context;
    this.database = database;
  }

  int hold() throws Exception {
    return Terminals.use(this::with);
  }

  private int with(Terminal terminal) {
    Context inside = context.inShell(terminal.output(), database);
    PrintWriter out = terminal.writer();
    Thread thread = Thread.currentThread();
    terminal.handle(
        Terminal.Signal.INT,
        signal -> {
          out.println(); // the prompt is not to follow the ^C that the terminal shows
          thread.interrupt();
        });
    LineReader reader =
        Reading.at(
            terminal,
            context.environment(),
            new Completion(shell.line(inside, out, out), new KnownPaths(database)));
    String prompt = database.where() + "> ";
    while (true) {
      try {
        List<String> words = Reading.words(reader.readLine(prompt));
        if (ShellCommand.isEnd(words)) {
          return 0;
        }
        var unused = shell.run(inside, out, out, words);
        shell.tellOfLoss(out, database);
        out.flush();
        Thread.interrupted(); // meant for what has just ended
      } catch (UserInterruptException e) {
        continue; // a line that is not wanted any more
      } catch (EndOfFileException e) {
        return 0;
      }
    }
  }
}
