package dev.pgkeeper.cli.command;

import java.util.regex.Pattern;

/**
 * Withholds what looks like a URL with a password in a message that quotes an argument: somebody
 * gave it as a path, a name or a number.
 */
public final class Credentials {
  private static final String PASSWORD = "(?i:pass(?:word|wd)?|pwd)\\s*[=:]";

  /** All of what is in quotes, since a password may have spaces. */
  private static final Pattern QUOTED =
      Pattern.compile(
          "\"[^\"]*(?::[^\"]*@|://|PASSWORD)[^\"]*\"|'[^']*(?::[^']*@|://|PASSWORD)[^']*'"
              .replace("PASSWORD", PASSWORD));

  /** But for the URL that says how to write one. */
  private static final Pattern WORD =
      Pattern.compile(
          "(?<!\\S)(?!jdbc:postgresql://host:5432/database)\\S*(?::\\S*@|://|PASSWORD)\\S*"
              .replace("PASSWORD", PASSWORD));

  private Credentials() {}

  public static String withheld(String message) {
    String withoutQuoted = QUOTED.matcher(message).replaceAll("\"...\"");
    return WORD.matcher(withoutQuoted).replaceAll("...");
  }
}
