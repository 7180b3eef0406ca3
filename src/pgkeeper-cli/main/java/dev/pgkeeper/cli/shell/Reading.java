package dev.pgkeeper.cli.shell;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.Parser;
import org.jline.reader.SyntaxError;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jspecify.annotations.Nullable;

/** How the shell reads its lines: words as of a Unix shell, quotes included. */
final class Reading {
  private Reading() {}

  static LineReader at(Terminal terminal, Map<String, String> environment, Completer completer) {
    LineReaderBuilder builder =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .appName("pgkeeper")
            .parser(parser())
            .completer(completer)
            // data may have a !
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .option(LineReader.Option.HISTORY_IGNORE_SPACE, true);
    Path history = history(environment);
    if (history != null) {
      builder.variable(LineReader.HISTORY_FILE, history);
    }
    return builder.build();
  }

  /** Nobody else may read what was typed. */
  private static @Nullable Path history(Map<String, String> environment) {
    String given =
        environment.getOrDefault(
            "PGKEEPER_HISTORY", System.getProperty("user.home") + "/.pgkeeper_history");
    if (given.isEmpty()) {
      return null;
    }
    Path file = Path.of(given);
    try {
      if (Files.notExists(file)) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      }
      return file;
    } catch (IOException e) {
      throw new Failure(
          "lines cannot be remembered in " + file + ": " + e + "; set PGKEEPER_HISTORY", e);
    }
  }

  private static DefaultParser parser() {
    DefaultParser parser = new DefaultParser();
    parser.setEofOnUnclosedQuote(true);
    parser.setEofOnEscapedNewLine(true);
    return parser;
  }

  /** The words of a line; a space after the last one begins no other. */
  static List<String> words(String line) {
    String text = line.strip();
    try {
      return text.isEmpty()
          ? List.of()
          : parser().parse(text, text.length(), Parser.ParseContext.ACCEPT_LINE).words();
    } catch (SyntaxError e) {
      throw new Failure("a quote is not closed in: " + line, e);
    }
  }
}
