package dev.pgkeeper.cli.command;

import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Bytes that somebody gives to a command: as an argument of it, or with the option of this mixin.
 */
public final class DataOptions {
  private final Context context;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  /** What the argument is called, and what it may be. */
  public static final String LABEL = "DATA";

  public static final String DESCRIPTION = "The data, as text; - for standard input, as it is.";

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "The data is in this file, as it is.")
  private @Nullable Path file;

  public DataOptions(Context context) {
    this.context = context;
  }

  private boolean isGiven(@Nullable String data) {
    return data != null || file != null;
  }

  /** Refuses what cannot be understood, or is needed and was not given. */
  public void check(@Nullable String data, boolean isNeeded) {
    if (data != null && file != null) {
      throw misused("the data is given twice; use DATA or --file");
    } else if (isNeeded && !isGiven(data)) {
      throw misused("no data was given; use DATA, - for standard input, or --file");
    } else if (context.isShell() && "-".equals(data)) {
      throw misused("the shell has no standard input for data; use DATA or --file");
    }
  }

  /** Nothing if none was given. */
  public byte[] bytes(@Nullable String data) {
    try {
      if (file != null) {
        return Files.readAllBytes(file);
      } else if ("-".equals(data)) {
        return context.in().readAllBytes();
      }
    } catch (IOException e) {
      throw new Failure((file == null ? "standard input" : file) + " cannot be read: " + e, e);
    }
    return data == null ? new byte[0] : data.getBytes(StandardCharsets.UTF_8);
  }

  private ParameterException misused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
