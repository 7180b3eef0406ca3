package dev.pgkeeper.cli.tree;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** For compare-and-set: only if the node is as it was read. */
final class VersionOption {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(
      names = {"-v", "--if-version"},
      paramLabel = "N",
      description = "Only if the node has this version.")
  private @Nullable Integer version;

  boolean isGiven() {
    return version != null;
  }

  void check() {
    if (version != null && version < 0) {
      throw new ParameterException(
          spec.commandLine(), "--if-version is " + version + "; use 0 or more");
    }
  }

  int orElse(int any) {
    return version == null ? any : version;
  }
}
