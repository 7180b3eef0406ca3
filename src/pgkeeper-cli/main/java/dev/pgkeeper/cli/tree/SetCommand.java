package dev.pgkeeper.cli.tree;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DataOptions;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Stat;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper set}. */
@Command(name = "set", description = "Sets the data of a node, and prints its new version.")
final class SetCommand extends NodeCommand {
  @Mixin private final DataOptions options;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = DataOptions.LABEL,
      description = DataOptions.DESCRIPTION)
  private @Nullable String data;

  @Mixin private final VersionOption version = new VersionOption();

  SetCommand(Context context) {
    super(context);
    options = new DataOptions(context);
  }

  @Override
  protected void checkArguments() {
    options.check(data, true);
    version.check();
  }

  @Override
  protected int run(TargetDatabase database) {
    byte[] bytes = options.bytes(data);
    int expected = version.orElse(Op.ANY_VERSION);
    Stat stat = understood(() -> keeper(database).tree().set(path, bytes, expected));
    print(
        json.isGiven()
            ? Json.object("path", path, "version", stat.version(), "mzxid", stat.mzxid())
            : "version " + stat.version());
    return 0;
  }
}
