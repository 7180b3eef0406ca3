package dev.pgkeeper.cli;

import dev.pgkeeper.cli.command.VersionText;
import dev.pgkeeper.cli.demo.Demo;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code pgkeeper demo}: the product at work, on a PostgreSQL of its own. */
@Command(
    name = "demo",
    description = {
      "Starts a PostgreSQL of its own and shows pgkeeper at work in several processes.",
      "Ends by itself and leaves nothing behind; fails if anything is not as told."
    },
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true)
final class DemoCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    return Demo.play(spec.commandLine().getOut()) ? 0 : 1;
  }
}
