package dev.pgkeeper.cli.command;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Keeps the libraries below quiet: what a user has to know, the command itself says. Properties
 * given with {@code -D} win.
 */
public final class Logs {
  private static final String SIMPLE_LOGGER = "org.slf4j.simpleLogger.";

  /** Held, since the log manager forgets a logger that nobody holds, its level too. */
  private static final Logger DRIVER = Logger.getLogger("org.postgresql");

  private Logs() {}

  /** To be called before anything logs. */
  public static void quiet(String ownLevel) {
    set("defaultLogLevel", "off");
    set("log.dev.pgkeeper", ownLevel);
    if (System.getProperty("java.util.logging.config.file") == null) {
      DRIVER.setLevel(Level.OFF);
    }
  }

  private static void set(String name, String value) {
    if (System.getProperty(SIMPLE_LOGGER + name) == null) {
      System.setProperty(SIMPLE_LOGGER + name, value);
    }
  }
}
