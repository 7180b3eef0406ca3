package dev.pgkeeper.cli.change;

import dev.pgkeeper.Codec;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DataOptions;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.queue.Enqueued;
import dev.pgkeeper.queue.Outgoing;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper queue push}. */
@Command(
    name = "push",
    description = "Enqueues a message, and prints its number. Makes the queue if there is none.")
final class PushCommand extends DatabaseCommand {
  @Mixin private final JsonOption json = new JsonOption();

  @Parameters(index = "0", paramLabel = "QUEUE", description = "The queue.")
  @SuppressWarnings("NullAway.Init")
  private String queue;

  @Mixin private final DataOptions options;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = DataOptions.LABEL,
      description = DataOptions.DESCRIPTION)
  private @Nullable String data;

  @Option(names = "--priority", paramLabel = "N", description = "-1000 to 1000, the highest first.")
  private @Nullable Integer priority;

  @Option(
      names = "--delay",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "Nobody takes it earlier.")
  private @Nullable Duration delay;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "Messages of one key are taken one at a time, in their order.")
  private @Nullable String key;

  @Option(
      names = "--dedup",
      paramLabel = "KEY",
      description = "Not if a message with this key was enqueued in the last minutes.")
  private @Nullable String deduplicationKey;

  @Option(names = "--header", paramLabel = "NAME=VALUE", description = "A header; may be repeated.")
  private Map<String, String> headers = new LinkedHashMap<>();

  @Option(
      names = "--ttl",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "Under the dead letters if nobody took it for so long.")
  private @Nullable Duration timeToLive;

  PushCommand(Context context) {
    super(context);
    options = new DataOptions(context);
  }

  @Override
  protected void checkArguments() {
    options.check(data, true);
    understood(() -> message(new byte[0]));
  }

  @Override
  protected int run(TargetDatabase database) {
    byte[] bytes = options.bytes(data);
    Enqueued enqueued =
        understood(() -> keeper(database).queue(queue, Codec.bytes()).enqueue(message(bytes)));
    print(
        json.isGiven()
            ? Json.object("queue", queue, "id", enqueued.id(), "duplicate", enqueued.isDuplicate())
            : enqueued.isDuplicate() ? enqueued.id() + " was there before" : "" + enqueued.id());
    return 0;
  }

  private Outgoing<byte[]> message(byte[] bytes) {
    Outgoing<byte[]> message = Outgoing.of(bytes).headers(headers);
    message = priority == null ? message : message.priority(priority);
    message = delay == null ? message : message.delay(delay);
    message = key == null ? message : message.key(key);
    message = deduplicationKey == null ? message : message.deduplicationKey(deduplicationKey);
    return timeToLive == null ? message : message.timeToLive(timeToLive);
  }
}
