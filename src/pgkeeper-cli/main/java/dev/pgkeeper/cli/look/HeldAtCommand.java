package dev.pgkeeper.cli.look;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Rows;
import dev.pgkeeper.cli.output.Style;
import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper held-at}: who held something at a moment. */
@Command(
    name = "held-at",
    description = {
      "Shows who held a lock or a leadership, or ran a job, at a moment: what has ended and what has not.",
      "This is the function held_at of the schema."
    })
public final class HeldAtCommand extends DatabaseCommand {
  private static final List<String> COLUMNS =
      List.of("path", "what", "client", "host", "session", "token", "since", "until", "how");
  private static final int MOST = 1000;

  @Mixin private final JsonOption json = new JsonOption();

  @Parameters(index = "0", paramLabel = "PATH", description = "Its path, or the name of the job.")
  @SuppressWarnings("NullAway.Init")
  private String path;

  @Option(
      names = "--at",
      paramLabel = "TIME",
      description = "The moment, for example 2026-11-21T03:00:00Z; now if not given.")
  private @Nullable String at;

  public HeldAtCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (at != null) {
      moment(at);
    }
  }

  private OffsetDateTime moment(String text) {
    try {
      return OffsetDateTime.parse(text);
    } catch (DateTimeParseException e) {
      throw misused("--at is \"" + text + "\"; write it like 2026-11-21T03:00:00Z");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    String function = "FROM " + database.schema() + ".held_at(?" + (at == null ? "" : ", ?") + ")";
    Rows rows =
        new Rows(
            function + " ORDER BY since, token",
            at == null ? List.of(path) : List.of(path, moment(at)));
    PrintWriter out = spec().commandLine().getOut();
    database.ask(
        connection -> {
          if (json.isGiven()) {
            rows.printJson(connection, null, out);
          } else {
            Style style = Style.of(context().environment());
            rows.printTable(connection, COLUMNS, "nobody held " + path, MOST, style, out);
          }
          return true;
        });
    return 0;
  }
}
