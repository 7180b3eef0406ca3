package dev.pgkeeper.cli;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.cli.command.ConnectionOptions;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.command.VersionText;
import dev.pgkeeper.migration.Migrated;
import dev.pgkeeper.migration.Migrations;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code pgkeeper migrate}: the schema, or the SQL that makes it. */
@Command(
    name = "migrate",
    description = "Creates or updates pgkeeper's schema, or prints the SQL that does.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true)
final class MigrateCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private final ConnectionOptions connection;

  @Option(
      names = "--print",
      description = "Prints the SQL, for an administrator to run, and connects nowhere.")
  private boolean print;

  @Option(
      names = "--from",
      paramLabel = "VERSION",
      description = "With --print: the version that the schema has already; 0 if not given.")
  private @Nullable Integer from;

  MigrateCommand(Map<String, String> environment) {
    connection = new ConnectionOptions(environment);
  }

  @Override
  public Integer call() {
    checkArguments();
    String schema = connection.schema();
    if (print) {
      String script =
          from == null ? Keeper.migrationScript(schema) : Migrations.script(schema, from);
      spec.commandLine().getOut().print(script);
      return 0;
    }
    try (TargetDatabase database = connection.open()) {
      database.check();
      Migrated migrated = Migrations.migrate(database.source(), schema);
      spec.commandLine()
          .getOut()
          .printf("Schema \"%s\" of %s %s.%n", schema, database.where(), migrated);
    }
    return 0;
  }

  private void checkArguments() {
    if (from != null && !print) {
      throw new ParameterException(spec.commandLine(), "--from has a meaning only with --print");
    }
    if (from != null && (from < 0 || from > Migrations.latest())) {
      throw new ParameterException(
          spec.commandLine(), "--from is " + from + "; use 0 to " + Migrations.latest());
    }
  }
}
