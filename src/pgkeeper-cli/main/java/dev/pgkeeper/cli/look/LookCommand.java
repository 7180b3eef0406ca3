package dev.pgkeeper.cli.look;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.PathText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Rows;
import dev.pgkeeper.cli.output.Style;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;

/**
 * {@code pgkeeper sessions}, {@code locks}, {@code queues} and so on: shows a view, over a plain
 * connection, so that an inspector's rights suffice and no session is opened.
 */
@Command
public final class LookCommand extends DatabaseCommand {
  private static final int USUALLY = 1000;

  private final View view;

  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description =
          "At most this many rows; without it " + USUALLY + " in a table, and all in JSON.")
  private @Nullable Integer limit;

  @Option(names = "--session", paramLabel = "N", description = "Only what is of this session.")
  private @Nullable Long session;

  private LookCommand(Context context, View view) {
    super(context);
    this.view = view;
  }

  /** The commands that show views, by name. */
  public static Map<String, Supplier<CommandSpec>> all(Context context) {
    Map<String, Supplier<CommandSpec>> commands = new LinkedHashMap<>();
    View.ALL.forEach(view -> commands.put(view.command(), () -> command(context, view)));
    return commands;
  }

  private static CommandSpec command(Context context, View view) {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new LookCommand(context, view));
    spec.name(view.command());
    spec.usageMessage()
        .description(
            "Shows " + view.purpose() + ".", "This is the view " + view.view() + " of the schema.");
    if (view.filter() != null) {
      spec.addPositional(argument(view.filter()));
    }
    if (!view.hasSession()) {
      spec.remove(Objects.requireNonNull(spec.findOption("--session")));
    }
    return spec;
  }

  private static PositionalParamSpec argument(View.Filter filter) {
    PositionalParamSpec.Builder argument =
        PositionalParamSpec.builder()
            .index("0")
            .arity("0..1")
            .type(String.class)
            .paramLabel(filter.column().toUpperCase(Locale.ROOT));
    return switch (filter.kind()) {
      case PATH ->
          argument
              .converters(new PathText())
              .description("Only this path and what is below it.")
              .build();
      case NAME ->
          argument.description("Only this name; with a * at its end, all that begin so.").build();
    };
  }

  @Override
  protected void checkArguments() {
    if (limit != null && limit < 1) {
      throw misused("--limit is " + limit + "; use 1 or more");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    Rows rows = rows(database.schema());
    PrintWriter out = spec().commandLine().getOut();
    database.ask(
        connection -> {
          if (json.isGiven()) {
            rows.printJson(connection, limit, out);
          } else if (view.columns().isEmpty()) {
            rows.printOne(connection, Style.of(context().environment()), out);
          } else {
            rows.printTable(
                connection,
                view.columns(),
                view.nothing(),
                limit == null ? USUALLY : limit,
                Style.of(context().environment()),
                out);
          }
          return true;
        });
    return 0;
  }

  private Rows rows(String schema) {
    List<String> conditions = new ArrayList<>();
    List<Object> parameters = new ArrayList<>();
    String wanted = spec().commandLine().getParseResult().matchedPositionalValue(0, "");
    if (view.filter() != null && !wanted.isEmpty()) {
      filter(view.filter(), wanted, conditions, parameters);
    }
    if (session != null) {
      conditions.add("session = ?");
      parameters.add(session);
    }
    String where = conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions);
    return new Rows(
        "FROM " + schema + "." + view.view() + where + " ORDER BY " + view.order(), parameters);
  }

  private static void filter(
      View.Filter filter, String wanted, List<String> conditions, List<Object> parameters) {
    String column = filter.column();
    if (filter.kind() == View.Filter.Kind.PATH) {
      if (!wanted.equals("/")) {
        conditions.add("(%1$s = ? OR %1$s > ? AND %1$s < ?)".formatted(column));
        // the range of all that begins with the path and a slash; 0 comes after the slash
        parameters.addAll(List.of(wanted, wanted + "/", wanted + "0"));
      }
    } else if (wanted.endsWith("*")) {
      conditions.add("starts_with(" + column + ", ?)");
      parameters.add(wanted.substring(0, wanted.length() - 1));
    } else {
      conditions.add(column + " = ?");
      parameters.add(wanted);
    }
  }
}
