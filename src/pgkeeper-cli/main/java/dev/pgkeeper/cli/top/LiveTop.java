package dev.pgkeeper.cli.top;

import dev.pgkeeper.cli.command.TargetDatabase;
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

/** Fills the screen with what {@code top} sees, until somebody quits. */
final class LiveTop {
  /** A look that takes longer leaves what is shown old. */
  private static final Duration LONGEST_LOOK = Duration.ofSeconds(2);

  private final TargetDatabase database;
  private final Duration every;
  private final Style style;
  private final Wait wait;

  /** What the screen has to show something for. */
  sealed interface Event {
    record Seen(Snapshot snapshot, Duration untilNext) implements Event {}

    record Failed(String why) implements Event {}

    record Resized() implements Event {}

    record Quit() implements Event {}
  }

  /** How the next of them is waited for; null: none came for a while. */
  @FunctionalInterface
  interface Wait {
    @Nullable Event next(BlockingQueue<Event> events) throws InterruptedException;
  }

  LiveTop(TargetDatabase database, Duration every, Style style, Wait wait) {
    this.database = database;
    this.every = every;
    this.style = style;
    this.wait = wait;
  }

  int show(Snapshot first) throws Exception {
    return Terminals.use(terminal -> follow(terminal, first));
  }

  private int follow(Terminal terminal, Snapshot first) throws InterruptedException {
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    terminal.handle(Terminal.Signal.WINCH, signal -> events.add(new Event.Resized()));
    terminal.handle(Terminal.Signal.INT, signal -> events.add(new Event.Quit()));
    Thread looker = daemon("pgkeeper-top-look", new Looker(database, every, tell(events)));
    try (Screen screen = new Screen(terminal)) {
      daemon("pgkeeper-top-keys", () -> readKeys(terminal, events));
      show(screen, terminal, first, events);
    } finally {
      looker.interrupt();
    }
    return 0;
  }

  private void show(Screen screen, Terminal terminal, Snapshot first, BlockingQueue<Event> events)
      throws InterruptedException {
    Snapshot last = first;
    long seenAt = System.nanoTime();
    Duration untilNext = every;
    String trouble = "";
    for (@Nullable Event event = null; !(event instanceof Event.Quit); event = wait.next(events)) {
      if (event instanceof Event.Seen seen) {
        last = seen.snapshot();
        seenAt = System.nanoTime();
        untilNext = seen.untilNext();
        trouble = "";
      } else if (event instanceof Event.Failed failed) {
        // First what must not be missed: a narrow terminal cuts the rest.
        trouble = "this is what was there at " + last.clock() + "; since then: " + failed.why();
      }
      Duration age = Duration.ofNanos(System.nanoTime() - seenAt);
      boolean isOld = age.compareTo(untilNext.plus(LONGEST_LOOK)) > 0;
      Size size = terminal.getSize();
      screen.show(
          new Frame(style, size.getColumns(), size.getRows())
              .lines(last, database.where(), isOld ? age : null, trouble));
    }
  }

  private static Looker.Audience tell(BlockingQueue<Event> events) {
    return new Looker.Audience() {
      @Override
      public void saw(Snapshot snapshot, Duration untilNext) {
        events.add(new Event.Seen(snapshot, untilNext));
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
      // the terminal was closed: nobody looks at it any more
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
