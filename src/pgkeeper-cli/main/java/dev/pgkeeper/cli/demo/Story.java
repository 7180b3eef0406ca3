package dev.pgkeeper.cli.demo;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** What is printed while it happens, and whether it was so. */
final class Story {
  private static final String INDENT = "   ";
  private static final int CALL_WIDTH = 46;

  private final PrintWriter out;
  private int chapters;
  private int checks;
  private int untrue;
  private volatile boolean silent;

  Story(PrintWriter out) {
    this.out = out;
  }

  void chapter(String title) {
    chapters++;
    say("");
    say(chapters + ". " + title);
  }

  void tell(String sentence) {
    say(INDENT + sentence);
  }

  /** A call and what it answered. */
  void call(String call, String answer) {
    tell(String.format(Locale.ROOT, "%-" + CALL_WIDTH + "s  %s", call, answer));
  }

  /** Something that was told, or follows from it; said only if it does not hold. */
  void check(boolean holds, String claim) {
    checks++;
    if (!holds) {
      untrue++;
      tell("NOT AS TOLD: it should be so that " + claim);
    }
  }

  void table(String sql, List<List<String>> rows) {
    tell(sql);
    Table.lines(rows).forEach(line -> tell("  " + line));
  }

  void end(long began) {
    say("");
    if (isTrue()) {
      say("All of it was as told: " + checks + " checks, " + text(since(began)) + ".");
    } else {
      say(untrue + " of " + checks + " checks failed: see NOT AS TOLD above.");
    }
  }

  void say(String line) {
    if (!silent) {
      out.println(line);
      out.flush();
    }
  }

  boolean isTrue() {
    return untrue == 0;
  }

  /** Says nothing more: what fails from now on fails because everything is being stopped. */
  void fallSilent() {
    silent = true;
  }

  boolean isSilent() {
    return silent;
  }

  static Duration since(long nanoTime) {
    return Duration.ofNanos(System.nanoTime() - nanoTime);
  }

  /** 0.62 ms, 41 ms, 2.35 s. */
  static String text(Duration duration) {
    double ms = duration.toNanos() / 1e6;
    if (ms < 10) {
      return String.format(Locale.ROOT, "%.2f ms", ms);
    } else if (ms < 1000) {
      return String.format(Locale.ROOT, "%.0f ms", ms);
    }
    return String.format(Locale.ROOT, "%.2f s", ms / 1000);
  }
}
