package dev.pgkeeper.cli.output;

import java.util.Map;
import picocli.CommandLine.Help.Ansi;

/** Colours, where a person looks at a terminal that can show them and did not refuse them. */
public enum Style {
  PLAIN,
  COLOURED;

  private static final String ESCAPE = "\u001b[";
  private static final String RESET = ESCAPE + "0m";

  /** What fits the standard output of this process. See https://no-color.org. */
  public static Style of(Map<String, String> environment) {
    boolean refused =
        !environment.getOrDefault("NO_COLOR", "").isEmpty()
            || environment.getOrDefault("TERM", "dumb").equals("dumb");
    return !refused && Ansi.AUTO.enabled() ? COLOURED : PLAIN;
  }

  public String bold(String text) {
    return in("1", text);
  }

  public String dim(String text) {
    return in("2", text);
  }

  public String red(String text) {
    return in("31", text);
  }

  public String amber(String text) {
    return in("33", text);
  }

  private String in(String code, String text) {
    return this == PLAIN || text.isBlank() ? text : ESCAPE + code + "m" + text + RESET;
  }
}
