package dev.pgkeeper.cli.output;

import java.io.PrintWriter;
import java.io.Writer;

/**
 * Standard error of a command. Messages quote names, paths and errors that came from elsewhere, so
 * each text that is written is made {@link Text#harmless}: only {@code println} ends a line.
 */
public final class HarmlessWriter extends PrintWriter {

  private HarmlessWriter(Writer out) {
    super(out, true);
  }

  /** The shell hands its own on to each of its lines; twice, the end of a line would be escaped. */
  public static PrintWriter of(PrintWriter out) {
    return out instanceof HarmlessWriter ? out : new HarmlessWriter(out);
  }

  @Override
  public void write(int c) {
    write(String.valueOf((char) c));
  }

  @Override
  public void write(char[] text, int offset, int length) {
    write(new String(text, offset, length));
  }

  @Override
  public void write(String text, int offset, int length) {
    String shown = Text.message(text.substring(offset, offset + length));
    super.write(shown, 0, shown.length());
  }

  @Override
  public void write(String text) {
    write(text, 0, text.length());
  }
}
