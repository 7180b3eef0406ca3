package dev.pgkeeper.cli;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.postgresql.ds.PGSimpleDataSource;
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

  /** The database that was asked for, if there is one. */
  final PGSimpleDataSource checkedSource() {
    PGSimpleDataSource source = connection.dataSource();
    ConnectionOptions.check(source);
    return source;
  }

  final ChildCommand child() {
    return hold.child(command);
  }
}
