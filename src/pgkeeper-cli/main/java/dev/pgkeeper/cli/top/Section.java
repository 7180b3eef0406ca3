package dev.pgkeeper.cli.top;

import java.util.List;

/**
 * A part of the screen: some rows of a view.
 *
 * @param title what it is called
 * @param select the columns and the view
 * @param order what is most worth seeing comes first
 */
record Section(String title, String select, String order) {
  private static final String AGE = "date_trunc('second', clock_timestamp() - %s)";

  /** All of them, from the top of the screen to its end. */
  static final List<Section> ALL =
      List.of(
          new Section(
              "slowest waits",
              "path, place, what, client, host, pid, "
                  + since("since", "waits")
                  + " FROM ${schema}.lock_waiters",
              "since, path, place"),
          new Section(
              "locks",
              "path, what, client, host, pid, token, "
                  + since("since", "held")
                  + " FROM ${schema}.locks",
              "since, path, token"),
          new Section(
              "leaders",
              "path, identity, client, host, pid, "
                  + since("since", "leads")
                  + " FROM ${schema}.leaders",
              "since, path"),
          new Section(
              "queues",
              "queue, ready, behind, delayed, retrying, claimed, dead, sleeping, "
                  + since("waiting_since", "oldest")
                  + ", paused IS NOT NULL AS paused FROM ${schema}.queues",
              "ready + behind + retrying + claimed DESC, queue"),
          new Section(
              "jobs",
              "job, running, last_state, last_tick, date_trunc('second', last_duration) AS took, "
                  + since("last_started", "ago")
                  + ", paused IS NOT NULL AS paused, schedule FROM ${schema}.jobs",
              "running DESC, last_started DESC NULLS LAST, job"),
          new Section(
              "sessions",
              "session, client, host, pid, alive, connected, "
                  + since("opened", "open")
                  + ", date_trunc('second', ends - clock_timestamp()) AS ends_in FROM ${schema}.sessions",
              "alive, connected NULLS LAST, ends, session"));

  private static String since(String column, String name) {
    return AGE.formatted(column) + " AS " + name;
  }

  /** At most this many rows. */
  String rows(String schema, int most) {
    return ("SELECT " + select + " ORDER BY " + order + " LIMIT " + most)
        .replace("${schema}", schema);
  }

  /** Makes the query with one more column: how many rows there are in all. */
  String query(String schema, int most) {
    return rows(schema, most)
        .replace(" FROM " + schema + ".", ", count(*) OVER () FROM " + schema + ".");
  }
}
