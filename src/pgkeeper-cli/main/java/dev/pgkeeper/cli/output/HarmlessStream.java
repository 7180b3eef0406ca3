package dev.pgkeeper.cli.output;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Does for what the libraries log to standard error what {@link HarmlessWriter} does for output.
 */
public final class HarmlessStream extends PrintStream {

  public HarmlessStream(OutputStream out) {
    super(out, true, StandardCharsets.UTF_8);
  }

  @Override
  public void print(String text) {
    super.print(Text.message(String.valueOf(text)));
  }

  /** Also what {@code println} of an object comes to: a logger's line, an exception's. */
  @Override
  public void print(Object object) {
    print(String.valueOf(object));
  }
}
