package dev.pgkeeper.proof.check;

import java.util.Map;
import java.util.TreeMap;

/** What must survive what: the twenty scenarios, by their numbers. */
public final class Scenarios {
  private static final String[] TITLES = {
    "fenced resource, many clients, holders paused past their timeout",
    "lock-protected set, short sessions, pauses",
    "leader overlap",
    "mutex",
    "a waiter's session dies while it waits",
    "fairness",
    "the reply to a commit is lost",
    "compare-and-set register for each key",
    "multi across keys, a bank of accounts",
    "watches under load",
    "watches across reconnect, terminated backends, server restart",
    "ephemerals",
    "sequences",
    "queue",
    "guarded job",
    "clocks stepped by a minute, on the server and on a client",
    "a row lock wait longer than the timeout; pool exhausted; executor starved",
    "10,000 sessions expire at once",
    "primary killed, standby promoted: synchronous, asynchronous",
    "PostgreSQL killed under load, restarted"
  };

  private Scenarios() {}

  public static Map<Integer, String> all() {
    Map<Integer, String> all = new TreeMap<>();
    for (int i = 0; i < TITLES.length; i++) {
      all.put(i + 1, TITLES[i]);
    }
    return all;
  }
}
