package dev.pgkeeper.cli.change;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Data;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Style;
import dev.pgkeeper.cli.output.Table;
import dev.pgkeeper.cli.output.Text;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper queue peek}. */
@Command(
    name = "peek",
    description = {
      "Shows the next messages of a queue with the beginning of what is in them, and takes none.",
      "With --json: all of it, as text where it is UTF-8, else in base64."
    })
final class PeekCommand extends DatabaseCommand {
  private static final int LONGEST_SHOWN = 60;
  private static final List<Table.Column> COLUMNS =
      List.of(
          new Table.Column("id", true),
          new Table.Column("attempt", true),
          new Table.Column("key", false),
          new Table.Column("priority", true),
          new Table.Column("enqueued", false),
          new Table.Column("bytes", true),
          new Table.Column("data", false));

  @Mixin private final JsonOption json = new JsonOption();

  @Parameters(index = "0", paramLabel = "QUEUE", description = "The queue.")
  @SuppressWarnings("NullAway.Init")
  private String queue;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "10",
      description = "At most this many; ${DEFAULT-VALUE} if not given.")
  private int limit;

  /** What is shown of a message. */
  private record Waiting(
      long id,
      int attempt,
      @Nullable String key,
      int priority,
      OffsetDateTime enqueued,
      Map<String, String> headers,
      byte[] payload) {}

  PeekCommand(Context context) {
    super(context);
  }

  @Override
  protected void checkArguments() {
    if (limit < 1 || limit > 1000) {
      throw misused("--limit is " + limit + "; use 1 to 1000");
    }
  }

  @Override
  protected int run(TargetDatabase database) {
    List<Waiting> messages = database.ask(connection -> read(connection, database.schema()));
    if (json.isGiven()) {
      print("[" + String.join(",\n ", messages.stream().map(PeekCommand::json).toList()) + "]");
    } else if (messages.isEmpty()) {
      print("no messages that could be taken now");
    } else {
      Table table = new Table(COLUMNS);
      messages.forEach(message -> table.add(cells(message)));
      table.lines(Style.of(context().environment())).forEach(this::print);
    }
    return 0;
  }

  static Failure noQueue(String queue) {
    return new Failure(
        "there is no queue \"" + queue + "\"; check the spelling, queues shows which there are");
  }

  private List<Waiting> read(Connection connection, String schema) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT " + schema + ".is_paused(?) IS NOT NULL")) {
      statement.setString(1, queue);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        if (!row.getBoolean(1)) {
          throw noQueue(queue);
        }
      }
    }
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT id, tries, key, priority, enqueued, headers, payload FROM "
                + schema
                + ".peek(?, ?)")) {
      statement.setString(1, queue);
      statement.setInt(2, limit);
      try (ResultSet rows = statement.executeQuery()) {
        List<Waiting> messages = new ArrayList<>();
        while (rows.next()) {
          messages.add(
              new Waiting(
                  rows.getLong("id"),
                  rows.getInt("tries") + 1,
                  rows.getString("key"),
                  rows.getInt("priority"),
                  Objects.requireNonNull(rows.getObject("enqueued", OffsetDateTime.class)),
                  headers(rows),
                  Objects.requireNonNull(rows.getBytes("payload"))));
        }
        return messages;
      }
    }
  }

  private static Map<String, String> headers(ResultSet row) throws SQLException {
    Map<String, String> headers = new LinkedHashMap<>();
    if (row.getArray("headers") != null) {
      String[] texts = (String[]) row.getArray("headers").getArray();
      for (int i = 0; i < texts.length; i += 2) {
        headers.put(texts[i], texts[i + 1]);
      }
    }
    return headers;
  }

  private static List<@Nullable String> cells(Waiting message) {
    String text = Data.text(message.payload());
    return Arrays.asList(
        "" + message.id(),
        "" + message.attempt(),
        message.key(),
        "" + message.priority(),
        message.enqueued().truncatedTo(ChronoUnit.SECONDS).toInstant().toString(),
        "" + message.payload().length,
        text == null ? null : Text.cut(Text.harmless(text), LONGEST_SHOWN));
  }

  private static String json(Waiting message) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    object.put("id", message.id());
    object.put("attempt", message.attempt());
    object.put("key", message.key());
    object.put("priority", message.priority());
    object.put("enqueued", message.enqueued().toInstant());
    object.put("headers", message.headers());
    Data.put(object, message.payload());
    return Json.of(object);
  }
}
