package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Style;
import dev.pgkeeper.cli.terminal.Terminals;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code pgkeeper top}. */
@Command(
    name = "top",
    description = {
      "Shows sessions, locks, leaders, queues, jobs and the slowest waits, live, on the whole screen; q quits.",
      "",
      "It looks again when the library rings a client, at most once a second, and every few seconds in any case. An "
          + "inspector's rights suffice, and no session is opened.",
      ""
    })
public final class TopCommand extends DatabaseCommand {
  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--every",
      paramLabel = "SPAN",
      defaultValue = "5s",
      converter = DurationText.class,
      description = "The longest pause between two looks; ${DEFAULT-VALUE} if not given.")
  private Duration every = Duration.ofSeconds(5);

  @Option(names = "--once", description = "Prints what is there now, and ends; so does --json.")
  private boolean once;

  public TopCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (every.compareTo(Duration.ofSeconds(1)) < 0 || every.compareTo(Duration.ofHours(1)) > 0) {
      throw misused("--every is too short or too long; use 1s to 1h");
    }
  }

  @Override
  protected int run(TargetDatabase database) throws Exception {
    if (json.isGiven()) {
      print(database.ask(connection -> Snapshot.json(connection, database.schema())));
      return 0;
    }
    Snapshot first = database.ask(connection -> Snapshot.take(connection, database.schema()));
    if (once) {
      Frame.whole(Style.of(context().environment()), first, database.where()).forEach(this::print);
      return 0;
    } else if (!Terminals.isThere()) {
      throw new Failure("there is no terminal to show it on; use --once or --json");
    }
    return new LiveTop(
            database,
            every,
            Style.of(context().environment()),
            events -> during(() -> events.poll(1, TimeUnit.SECONDS)))
        .show(first);
  }
}
