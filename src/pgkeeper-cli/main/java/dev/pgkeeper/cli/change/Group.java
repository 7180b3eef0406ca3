package dev.pgkeeper.cli.change;

import dev.pgkeeper.cli.command.VersionText;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A word that others follow: {@code pgkeeper queue push}. */
@Command(
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND")
final class Group implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  static CommandSpec of(String name) {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new Group());
    spec.name(name);
    spec.usageMessage().description("Changes a " + name + ".");
    return spec;
  }

  @Override
  public void run() {
    throw new MissingParameterException(
        spec.commandLine(),
        spec.args(),
        "no command was given; there are " + String.join(", ", spec.subcommands().keySet()));
  }
}
