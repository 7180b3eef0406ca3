package dev.pgkeeper.proof.fault;

import java.util.Arrays;
import java.util.List;

/** Something that goes wrong, with how long it lasts: from so many to so many milliseconds. */
public enum Fault {
  CLIENT_KILLED(Place.CLIENT, "client killed (kill -9), another one started", 0, 0),
  CLIENT_STOPPED_FOR_LONG(Place.CLIENT, "client stopped past its timeout (SIGSTOP)", 4000, 5500),
  CLIENT_STOPPED_SHORTLY(Place.CLIENT, "client stopped for a moment", 20, 500),
  SESSION_TERMINATED(Place.CLIENT, "the session's own connection terminated", 0, 0),
  POOL_TERMINATED(Place.CLIENT, "all connections of a client terminated", 0, 0),
  BACKENDS_STOPPED(Place.CLIENT, "server processes of a client stopped (SIGSTOP)", 1000, 4000),
  POOL_EXHAUSTED(Place.CLIENT, "the application takes every connection of the pool", 2500, 3500),
  THREADS_BLOCKED(Place.CLIENT, "all of a client's threads blocked", 2500, 3500),

  REPLIES_LOST(Place.AROUND, "network: requests and replies lost and torn", 2500, 4000),
  TO_SERVER_STALLED(Place.AROUND, "network: nothing reaches the server", 2500, 5000),
  TO_CLIENT_STALLED(Place.AROUND, "network: nothing reaches the clients", 2500, 5000),
  CUT(Place.AROUND, "network cut", 500, 4000),
  RESET(Place.AROUND, "network: all connections reset", 0, 0),
  HALF_OPEN(Place.AROUND, "network: connections half open", 2500, 5000),
  LATENCY(Place.AROUND, "network: 60 ms longer each way", 2500, 4000),
  SERVER_KILLED(Place.AROUND, "server killed (kill -9)", 0, 1500),
  SERVER_STOPPED_AT_ONCE(Place.AROUND, "server stopped (immediate)", 0, 1500),
  SERVER_STOPPED_FAST(Place.AROUND, "server stopped (fast)", 0, 1500),
  SERVER_FROZEN(Place.AROUND, "all of the server stopped (SIGSTOP)", 1000, 4000),
  BACKEND_KILLED(Place.AROUND, "one server process killed (kill -9): the server recovers", 0, 0),
  ROWS_HELD(Place.AROUND, "rows of locks held by a long transaction", 2500, 4000),

  CLIENT_CLOCK_STEPPED(Place.APART, "a client's clock stepped", 0, 0),
  SERVER_CLOCK_STEPPED(Place.APART, "the server's clock stepped", 0, 0),
  PRIMARY_LOST(Place.APART, "primary killed, standby promoted", 0, 0),
  MIGRATED(Place.APART, "schema migrated", 0, 0),
  DEFAULT_CHANGED(
      Place.APART, "a default of the server or the database changed under the clients", 0, 0),
  RESTORED(Place.APART, "database lost, a dump of it restored", 0, 0),
  DISK_FULL(Place.APART, "no room for the log of the server", 0, 0),
  PACKETS_FROM_SERVER_DROPPED(Place.APART, "network: packets from the server dropped", 0, 0),
  PACKETS_TO_SERVER_DROPPED(Place.APART, "network: packets to the server dropped", 0, 0),
  PACKETS_DROPPED(Place.APART, "network: packets dropped both ways", 0, 0);

  /** To whom it happens. */
  public enum Place {
    /** To one client. */
    CLIENT,
    /** To the network of those that are behind it, or to the server. */
    AROUND,
    /** To a set-up of its own. */
    APART
  }

  private final Place place;
  private final String text;
  private final int leastMillis;
  private final int mostMillis;

  Fault(Place place, String text, int leastMillis, int mostMillis) {
    this.place = place;
    this.text = text;
    this.leastMillis = leastMillis;
    this.mostMillis = mostMillis;
  }

  public static List<Fault> at(Place place) {
    return Arrays.stream(values()).filter(fault -> fault.place == place).toList();
  }

  /** What it is called in reports. */
  public String text() {
    return text;
  }

  int leastMillis() {
    return leastMillis;
  }

  int mostMillis() {
    return mostMillis;
  }

  public boolean isOfTheNetwork() {
    return switch (this) {
      case REPLIES_LOST,
          TO_SERVER_STALLED,
          TO_CLIENT_STALLED,
          CUT,
          RESET,
          HALF_OPEN,
          LATENCY,
          PACKETS_FROM_SERVER_DROPPED,
          PACKETS_TO_SERVER_DROPPED,
          PACKETS_DROPPED ->
          true;
      default -> false;
    };
  }

  /** Whether the server forgets what was not flushed. */
  public boolean isCrash() {
    return switch (this) {
      case SERVER_KILLED,
          SERVER_STOPPED_AT_ONCE,
          BACKEND_KILLED,
          PRIMARY_LOST,
          RESTORED,
          DISK_FULL ->
          true;
      default -> false;
    };
  }

  /** Whether the end of what was committed is lost. */
  public boolean isLoss() {
    return this == PRIMARY_LOST || this == RESTORED;
  }
}
