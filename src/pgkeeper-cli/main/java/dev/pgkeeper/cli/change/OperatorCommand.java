package dev.pgkeeper.cli.change;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.JsonOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** {@code pgkeeper session end}, {@code lock break} and so on: calls a function for operators. */
@Command
final class OperatorCommand extends DatabaseCommand {
  private final Operation operation;

  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--why",
      required = true,
      paramLabel = "TEXT",
      description = "Why; kept with your name in the view operations.")
  @SuppressWarnings("NullAway.Init")
  private String why;

  private OperatorCommand(Context context, Operation operation) {
    super(context);
    this.operation = operation;
  }

  static CommandSpec command(Context context, Operation operation) {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new OperatorCommand(context, operation));
    spec.name(operation.verb());
    spec.usageMessage()
        .description(
            operation.purpose() + ". For operators.",
            "This is the function " + operation.function() + " of the schema.");
    int index = 0;
    for (Operation.Argument argument : operation.arguments()) {
      if (argument.isOption()) {
        spec.addOption(option(argument));
      } else {
        spec.addPositional(positional(index++, argument));
      }
    }
    return spec;
  }

  private static OptionSpec option(Operation.Argument argument) {
    return OptionSpec.builder(argument.name())
        .type(argument.type().java)
        .arity("1") // a boolean too is said, so that it can be left as it is
        .converters(argument.type().converters)
        .paramLabel(argument.label())
        .description(argument.description())
        .build();
  }

  private static PositionalParamSpec positional(int index, Operation.Argument argument) {
    return PositionalParamSpec.builder()
        .index(String.valueOf(index))
        .required(true)
        .type(argument.type().java)
        .converters(argument.type().converters)
        .paramLabel(argument.label())
        .description(argument.description())
        .build();
  }

  @Override
  protected void checkArguments() {
    if (why.isBlank()) {
      throw misused("--why is blank; say why this is done");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    String sql =
        operation.call().stream()
            .map(this::placeholder)
            .collect(
                Collectors.joining(
                    ", ", "SELECT " + database.schema() + "." + operation.function() + "(", ")"));
    Object result = database.ask(connection -> call(connection, sql)).orElse(null);
    if (json.isGiven()) {
      print(Json.object("function", operation.function(), "result", result));
    } else if (operation.notDone() != null && Boolean.FALSE.equals(result)) {
      print(operation.notDone());
    } else {
      print(operation.done().formatted(result));
    }
    return 0;
  }

  private String placeholder(String name) {
    Operation.Argument argument = argument(name);
    return argument == null ? "?" : argument.type().sql;
  }

  private Optional<Object> call(Connection connection, String sql) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      int index = 1;
      for (String name : operation.call()) {
        statement.setObject(index++, value(connection, name));
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        Object result = row.getObject(1);
        boolean nothing =
            result == null || result.equals(""); // what it returns that returns nothing
        return nothing ? Optional.empty() : Optional.of(result);
      }
    }
  }

  private @Nullable Object value(Connection connection, String name) throws SQLException {
    Operation.Argument argument = argument(name);
    if (argument == null) {
      return why;
    }
    ParseResult given = spec().commandLine().getParseResult();
    Object value = given.matchedOptionValue(name, (Object) null);
    if (!argument.isOption()) {
      long before =
          operation.arguments().stream()
              .takeWhile(each -> !each.equals(argument))
              .filter(each -> !each.isOption())
              .count();
      value = given.matchedPositionalValue((int) before, (Object) null);
    }
    if (value instanceof Duration span) {
      return span.toMillis();
    } else if (value instanceof Long[] numbers) {
      return connection.createArrayOf("bigint", numbers);
    }
    return value;
  }

  /** The argument of this name; null for why, which each function takes. */
  private Operation.@Nullable Argument argument(String name) {
    return operation.arguments().stream()
        .filter(argument -> argument.name().equals(name))
        .findAny()
        .orElse(null);
  }
}
