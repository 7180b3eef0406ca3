package dev.pgkeeper.cli.change;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.cli.command.DatabaseCommand;
import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.TargetDatabase;
import dev.pgkeeper.cli.output.Data;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.cli.output.Json;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.Message;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.QueueOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pgkeeper queue pop}. */
@Command(
    name = "pop",
    description = {
      "Takes the next message, writes every byte of it as it is, and acks it.",
      "It is acked once it was written: who is killed in between leaves it in the queue."
    },
    exitCodeList = {"0:done", "1:failed, or there was no message", "2:not understood"})
final class PopCommand extends DatabaseCommand {
  @Mixin private final JsonOption json = new JsonOption();

  @Parameters(index = "0", paramLabel = "QUEUE", description = "The queue.")
  @SuppressWarnings("NullAway.Init")
  private String queue;

  @Option(
      names = "--wait",
      paramLabel = "SPAN",
      converter = DurationText.class,
      description = "How long to wait for one; only a look if not given.")
  private Duration wait = Duration.ZERO;

  PopCommand(Context context) {
    super(context);
  }

  @Override
  protected int run(TargetDatabase database) throws InterruptedException, IOException {
    MessageQueue<byte[]> from =
        understood(
            () ->
                keeper(database)
                    .queue(queue, Codec.bytes(), QueueOptions.defaults().withCreation(false)));
    Optional<Delivery<byte[]>> taken = take(from);
    if (taken.isEmpty()) {
      throw new Failure("there is no message in the queue " + queue + " that could be taken now");
    }
    write(taken.get().message());
    taken.get().ack();
    return 0;
  }

  private Optional<Delivery<byte[]>> take(MessageQueue<byte[]> from) throws InterruptedException {
    try {
      return wait.isZero() ? from.take() : during(() -> from.take(wait));
    } catch (KeeperException.NoQueue e) {
      throw PeekCommand.noQueue(queue);
    }
  }

  private void write(Message<byte[]> message) throws IOException {
    byte[] bytes = message.body();
    if (json.isGiven()) {
      bytes = (json(message) + System.lineSeparator()).getBytes(StandardCharsets.UTF_8);
    }
    spec().commandLine().getOut().flush();
    context().out().write(bytes);
    context().out().flush();
    if (context().isShell() && !json.isGiven()) {
      print("");
    }
  }

  private static String json(Message<byte[]> message) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    object.put("id", message.id());
    object.put("attempt", message.attempt());
    object.put("key", message.key());
    object.put("priority", message.priority());
    object.put("enqueued", message.enqueued());
    object.put("headers", message.headers());
    Data.put(object, message.body());
    return Json.of(object);
  }
}
