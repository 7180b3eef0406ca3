package dev.pgkeeper.proof;

import java.io.PrintStream;

/** Tells people, a line at a time, what is being done. */
public final class Progress {
  private final PrintStream out;
  private final long began = System.nanoTime();

  Progress(PrintStream out) {
    this.out = out;
  }

  public synchronized void say(String line) {
    long seconds = (System.nanoTime() - began) / 1_000_000_000;
    out.printf("%02d:%02d  %s%n", seconds / 60, seconds % 60, line);
  }
}
