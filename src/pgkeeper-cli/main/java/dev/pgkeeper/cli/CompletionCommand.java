package dev.pgkeeper.cli;

import dev.pgkeeper.cli.command.VersionText;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code pgkeeper generate-completion}. */
@Command(
    name = "generate-completion",
    description = {
      "Prints a script with which bash and zsh complete commands and options:",
      "source <(pgkeeper generate-completion)"
    },
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true)
final class CompletionCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    String script = AutoComplete.bash("pgkeeper", spec.root().commandLine());
    spec.commandLine().getOut().print(script);
    return 0;
  }
}
