package dev.pgkeeper.cli.shell;

import dev.pgkeeper.cli.output.Text;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;
import picocli.CommandLine;

/** Completes commands, their options, and paths. */
final class Completion implements Completer {
  private final CommandLine commands;
  private final KnownPaths paths;

  Completion(CommandLine commands, KnownPaths paths) {
    this.commands = commands;
    this.paths = paths;
  }

  @Override
  public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
    CommandLine command = commands;
    List<String> before = line.words().subList(0, line.wordIndex());
    for (String word : before) {
      CommandLine named = command.getSubcommands().get(word);
      if (named == null) {
        break;
      }
      command = named;
    }
    String begun = line.word().substring(0, line.wordCursor());
    if (!command.getSubcommands().isEmpty()) {
      Set<String> names = new TreeSet<>(command.getSubcommands().keySet());
      if (command == commands) {
        names.addAll(List.of("help", "quit"));
      }
      names.forEach(name -> candidates.add(new Candidate(name)));
    } else if (begun.startsWith("-")) {
      command.getCommandSpec().options().stream()
          .filter(option -> !option.hidden())
          .forEach(option -> candidates.add(new Candidate(option.longestName())));
    } else if (begun.startsWith("/")) {
      paths.beginningWith(begun).forEach(known -> candidates.add(candidate(known)));
    } else if (begun.isEmpty() && wantsPath(command)) {
      paths.beginningWith("/").forEach(known -> candidates.add(candidate(known)));
    }
  }

  private static boolean wantsPath(CommandLine command) {
    return command.getCommandSpec().positionalParameters().stream()
        .anyMatch(parameter -> parameter.paramLabel().contains("PATH"));
  }

  /** No space after a path that can go on. */
  private static Candidate candidate(KnownPaths.Known known) {
    return new Candidate(
        known.path(), Text.harmless(known.path()), null, null, null, null, !known.hasChildren());
  }
}
