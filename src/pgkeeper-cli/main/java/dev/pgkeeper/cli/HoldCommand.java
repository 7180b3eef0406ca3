package dev.pgkeeper.cli;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cli.command.ConnectionOptions;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.command.VersionText;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** A command that runs another one while it holds something in the database. */
@Command(
    exitCodeListHeading = "%nExit status:%n",
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true)
abstract class HoldCommand implements Callable<Integer> {
  @Mixin private final ConnectionOptions connection;

  /** What it takes beside its own options, and how it runs the other one. */
  @Mixin final HoldOptions hold;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "COMMAND",
      description = "What to run, with its arguments.")
  @SuppressWarnings("NullAway.Init")
  private List<String> command;

  HoldCommand(Map<String, String> environment, Duration usualGrace) {
    connection = new ConnectionOptions(environment);
    hold = new HoldOptions(usualGrace);
  }

  /**
   * The database that was asked for, if there is one, and how to connect to it; fails if what was
   * given is not understood.
   *
   * @param what what the session is for
   */
  final Place place(String what) {
    KeeperOptions options = hold.keeperOptions(what).withSchema(connection.schema());
    TargetDatabase database = connection.open();
    try {
      database.check();
      return new Place(database, options);
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /** Where something is held. */
  record Place(TargetDatabase database, KeeperOptions options) implements AutoCloseable {
    /** A session of the caller's own. */
    Keeper connect() {
      return TargetDatabase.connect(database.source(), options);
    }

    @Override
    public void close() {
      database.close();
    }
  }

  final ChildCommand child() {
    return hold.child(command);
  }
}
