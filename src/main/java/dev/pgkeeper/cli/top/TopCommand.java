package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.Context;
import dev.pgkeeper.cli.DatabaseCommand;
import dev.pgkeeper.cli.DurationText;
import dev.pgkeeper.cli.Failure;
import dev.pgkeeper.cli.TargetDatabase;
import dev.pgkeeper.cli.output.JsonOption;
import dev.pgkeeper.cli.output.Style;
import dev.pgkeeper.cli.terminal.Screen;
import dev.pgkeeper.cli.terminal.Terminals;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code pgkeeper top}. */
@Command(
    name = "top",
    description = {
      "Shows sessions, locks, leaders, queues, jobs and the slowest waits, live, on the whole screen; q quits.",
      "",
      "It looks again when the library rings a client, at most once a second, and every few seconds in any case. An "
          + "inspector's rights suffice, and no session is opened.",
      ""
    })
public final class TopCommand extends DatabaseCommand {
  @Mixin private final JsonOption json = new JsonOption();

  @Option(
      names = "--every",
      paramLabel = "SPAN",
      defaultValue = "5s",
      converter = DurationText.class,
      description = "The longest pause between two looks; ${DEFAULT-VALUE} if not given.")
  private Duration every = Duration.ofSeconds(5);

  @Option(names = "--once", description = "Prints what is there now, and ends; so does --json.")
  private boolean once;

  public TopCommand(Context context) {
    super(context);
  }

  /** What the screen has to show something for. */
  private sealed interface Event {
    record Seen(Snapshot snapshot) implements Event {}

    record Failed(String why) implements Event {}

    record Resized() implements Event {}

    record Quit() implements Event {}
  }

  @Override
  protected void checkArguments() {
    if (every.compareTo(Duration.ofSeconds(1)) < 0 || every.compareTo(Duration.ofHours(1)) > 0) {
      throw misused("--every is too short or too long; use 1s to 1h");
    }
  }

  @Override
  protected int run(TargetDatabase database) throws Exception {
    if (json.isGiven()) {
      print(database.ask(connection -> Snapshot.json(connection, database.schema())));
      return 0;
    }
    Snapshot first = database.ask(connection -> Snapshot.take(connection, database.schema()));
    if (once) {
      Frame.whole(Style.of(context().environment()), first, database.where()).forEach(this::print);
      return 0;
    } else if (!Terminals.isThere()) {
      throw new Failure("there is no terminal to show it on; use --once or --json");
    }
    return Terminals.use(terminal -> follow(terminal, database, first));
  }

  private int follow(Terminal terminal, TargetDatabase database, Snapshot first)
      throws InterruptedException {
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    terminal.handle(Terminal.Signal.WINCH, signal -> events.add(new Event.Resized()));
    terminal.handle(Terminal.Signal.INT, signal -> events.add(new Event.Quit()));
    Thread looker = daemon("pgkeeper-top-look", new Looker(database, every, tell(events)));
    try (Screen screen = new Screen(terminal)) {
      daemon("pgkeeper-top-keys", () -> readKeys(terminal, events));
      show(screen, terminal, database, first, events);
    } finally {
      looker.interrupt();
    }
    return 0;
  }

  private void show(
      Screen screen,
      Terminal terminal,
      TargetDatabase database,
      Snapshot first,
      BlockingQueue<Event> events)
      throws InterruptedException {
    Style style = Style.of(context().environment());
    Snapshot last = first;
    String trouble = "";
    for (@Nullable Event event = null;
        !(event instanceof Event.Quit);
        event = during(events::take)) {
      if (event instanceof Event.Seen seen) {
        last = seen.snapshot();
        trouble = "";
      } else if (event instanceof Event.Failed failed) {
        // First what must not be missed: a narrow terminal cuts the rest.
        trouble = "this is what was there at " + last.clock() + "; since then: " + failed.why();
      }
      Size size = terminal.getSize();
      screen.show(
          new Frame(style, size.getColumns(), size.getRows())
              .lines(last, database.where(), trouble));
    }
  }

  private static Looker.Audience tell(BlockingQueue<Event> events) {
    return new Looker.Audience() {
      @Override
      public void saw(Snapshot snapshot) {
        events.add(new Event.Seen(snapshot));
      }

      @Override
      public void failed(String why) {
        events.add(new Event.Failed(why));
      }
    };
  }

  /** Ends with the terminal, or with q; in raw mode Ctrl-C may come as a key, and as 3. */
  private static void readKeys(Terminal terminal, BlockingQueue<Event> events) {
    try {
      for (int key = 0; key != 'q' && key != 'Q' && key != 3 && key >= 0; ) {
        key = terminal.reader().read();
      }
    } catch (IOException e) {
      // the terminal is gone, and so is whoever looked at it
    }
    events.add(new Event.Quit());
  }

  private static Thread daemon(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
