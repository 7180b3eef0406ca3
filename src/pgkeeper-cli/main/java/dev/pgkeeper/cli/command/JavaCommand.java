package dev.pgkeeper.cli.command;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How this command line starts other Java processes. */
public final class JavaCommand {
  private JavaCommand() {}

  /** The beginning of a command whose process is to start quickly and does not last. */
  public static List<String> quick() {
    return new ArrayList<>(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData"));
  }
}
