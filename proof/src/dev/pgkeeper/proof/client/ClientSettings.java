package dev.pgkeeper.proof.client;

import java.time.Duration;

/**
 * What a process is started with.
 *
 * @param url of the connections that operations borrow
 * @param listener the URL of the session's own connection, or one of the two below
 * @param history the file that it writes
 * @param mode protections that it does without; see the works
 * @param operationTimeout for how long a call retries while the database is away
 * @param pace how fast it works
 * @param environment the {@link dev.pgkeeper.environment.Environment} of its keeper, or {@link
 *     #ANY}
 */
public record ClientSettings(
    String url,
    String listener,
    String schema,
    String name,
    String history,
    long seed,
    String mode,
    Duration timeout,
    Duration grace,
    Duration sweep,
    Duration operationTimeout,
    Pace pace,
    String environment) {

  /** That of the URL, whatever it is. */
  public static final String ANY = "any";

  /** The session's own connection goes where all others go. */
  public static final String OF_THE_URL = "of-the-url";

  /** The session has no connection of its own: it polls, and the lease alone decides. */
  public static final String NONE = "none";

  public String[] arguments() {
    return new String[] {
      url,
      listener,
      schema,
      name,
      history,
      Long.toString(seed),
      mode,
      timeout.toString(),
      grace.toString(),
      sweep.toString(),
      operationTimeout.toString(),
      Integer.toString(pace.slowness()),
      pace.looks().toString(),
      environment
    };
  }

  static ClientSettings of(String[] arguments) {
    return new ClientSettings(
        arguments[0],
        arguments[1],
        arguments[2],
        arguments[3],
        arguments[4],
        Long.parseLong(arguments[5]),
        arguments[6],
        Duration.parse(arguments[7]),
        Duration.parse(arguments[8]),
        Duration.parse(arguments[9]),
        Duration.parse(arguments[10]),
        new Pace(Integer.parseInt(arguments[11]), Duration.parse(arguments[12])),
        arguments[13]);
  }
}
