package dev.pgkeeper.cli.output;

import picocli.CommandLine.Option;

/** {@code --json}: of every command that prints data. */
public final class JsonOption {
  @Option(names = "--json", description = "Prints JSON, for programs.")
  private boolean json;

  public boolean isGiven() {
    return json;
  }
}
