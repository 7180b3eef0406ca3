package dev.pgkeeper.cli.command;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command finds around it.
 *
 * @param environment the variables of the process
 * @param in standard input
 * @param out standard output, for bytes that are to be written as they are: flush the command
 *     line's writer first
 * @param database the one that the shell is connected to; null outside of the shell
 */
public record Context(
    Map<String, String> environment,
    InputStream in,
    OutputStream out,
    @Nullable TargetDatabase database) {

  /** Makes a context for the commands of a shell: they use its database and write to its output. */
  public Context inShell(OutputStream shellsOut, TargetDatabase shellsDatabase) {
    return new Context(environment, in, shellsOut, shellsDatabase);
  }

  public boolean isShell() {
    return database != null;
  }
}
