package dev.pgkeeper.discovery;

/** How one of several instances is chosen. */
public enum Choice {
  /** One after the other. */
  ROUND_ROBIN,
  /** Each as likely as any other. */
  RANDOM,
  /** Each as likely as its weight says. */
  WEIGHTED,
  /** The one with the fewest {@linkplain Discovery#open calls} open in this process. */
  LEAST_CONNECTIONS
}
