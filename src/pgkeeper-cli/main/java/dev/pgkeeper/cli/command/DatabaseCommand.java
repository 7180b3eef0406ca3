package dev.pgkeeper.cli.command;

import dev.pgkeeper.Keeper;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that asks or changes something in the database and is done. */
@Command(
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true,
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {"0:done", "1:failed", "2:not understood"})
public abstract class DatabaseCommand implements Callable<Integer> {
  /** What a process ends with that SIGTERM ended: 128 and the signal's number. */
  public static final int TERMINATED = 143;

  private final Context context;

  @Mixin private final ConnectionOptions connection;

  private @Nullable Waiting waiting;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  protected DatabaseCommand(Context context) {
    this.context = context;
    connection = new ConnectionOptions(context);
  }

  @Override
  public final Integer call() throws Exception {
    checkArguments();
    try (Waiting whole = new Waiting();
        TargetDatabase database = connection.open()) {
      waiting = whole;
      return run(database);
    } catch (InterruptedException e) {
      return TERMINATED;
    }
  }

  /** What cannot be understood is refused here, before anything is connected. */
  protected void checkArguments() {}

  /** Returns the exit status. */
  protected abstract int run(TargetDatabase database) throws Exception;

  protected final Context context() {
    return context;
  }

  protected final CommandSpec spec() {
    return spec;
  }

  /** The one session of this process, called as the command. */
  protected final Keeper keeper(TargetDatabase database) {
    return database.keeper(context.isShell() ? "pgkeeper shell" : spec.qualifiedName());
  }

  /** What lasts is waited for here, so that a signal ends it and all is given back. */
  protected final <T extends @Nullable Object> T during(Callable<T> wait)
      throws InterruptedException {
    return Objects.requireNonNull(waiting, "not running").during(wait);
  }

  protected final void print(String line) {
    spec.commandLine().getOut().println(line);
  }

  /** What a call returns; what it refuses as an argument, the user gave. */
  protected final <T> T understood(Supplier<T> call) {
    try {
      return call.get();
    } catch (IllegalArgumentException e) {
      throw misused(e.getMessage());
    }
  }

  protected final ParameterException misused(@Nullable String message) {
    return new ParameterException(spec.commandLine(), String.valueOf(message));
  }
}
