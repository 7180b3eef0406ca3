package dev.pgkeeper.cli.tree;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Data;
import dev.pgkeeper.cli.output.Json;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** {@code pgkeeper get}. */
@Command(
    name = "get",
    description = {
      "Writes the data of a node, every byte as it is and nothing else.",
      "With --json: as text where it is UTF-8, else in base64, with the version."
    })
final class GetCommand extends NodeCommand {
  private record Content(byte[] data, int version) {}

  GetCommand(Context context) {
    super(context);
  }

  @Override
  protected int run(TargetDatabase database) throws IOException {
    Content content = database.ask(connection -> read(connection, database.schema()));
    if (json.isGiven()) {
      Map<String, @Nullable Object> object = new LinkedHashMap<>();
      object.put("path", path);
      object.put("version", content.version());
      Data.put(object, content.data());
      out().println(Json.of(object));
      return 0;
    }
    out().flush();
    context().out().write(content.data());
    if (context().isShell()) {
      out().println();
    }
    context().out().flush();
    return 0;
  }

  private Content read(Connection connection, String schema) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT data, version FROM " + schema + ".get(?)")) {
      statement.setString(1, path);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw KeeperException.of(Code.NO_NODE, path);
        }
        return new Content(row.getBytes("data"), row.getInt("version"));
      }
    }
  }
}
