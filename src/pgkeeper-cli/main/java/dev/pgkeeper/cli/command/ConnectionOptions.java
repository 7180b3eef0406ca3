package dev.pgkeeper.cli.command;

import dev.pgkeeper.migration.SchemaName;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which database and which of its schemas: what every command takes that asks pgkeeper's. */
public final class ConnectionOptions extends ServerOptions {
  /** All its options: those that mean nothing within the shell. */
  public static final List<String> NAMES = List.of("--url", "--user", "--schema", "--embedded");

  private final @Nullable TargetDatabase shells;

  @Option(
      names = "--schema",
      paramLabel = "NAME",
      defaultValue = "pgkeeper",
      description = "The schema; ${DEFAULT-VALUE} if not given.")
  private String schema = "pgkeeper";

  /** For a command that runs in a process of its own. */
  public ConnectionOptions(Map<String, String> environment) {
    super(environment);
    shells = null;
  }

  /** For a command that the shell runs too, on its own connection then. */
  public ConnectionOptions(Context context) {
    super(context.environment());
    shells = context.database();
  }

  /** The schema, if a schema can have that name. */
  public String schema() {
    try {
      return SchemaName.check(schema);
    } catch (IllegalArgumentException e) {
      throw misused("--schema: " + e.getMessage());
    }
  }

  /** The database that was asked for. Nothing is connected yet, but an embedded one runs. */
  public TargetDatabase open() {
    if (shells != null) {
      return shells.lent();
    }
    String checked = schema();
    return isEmbedded()
        ? TargetDatabase.embedded(checked)
        : TargetDatabase.at(dataSource(), checked);
  }
}
