package dev.pgkeeper.cli.look;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A view as a command shows it.
 *
 * @param command its name on the command line
 * @param view its name in the database
 * @param purpose what it tells
 * @param nothing what there is none of, where it is empty
 * @param filter by what its argument filters; null for a view that takes none
 * @param columns those that a table shows, JSON has all; none where all are shown of its one row
 * @param order first come first
 */
record View(
    String command,
    String view,
    String purpose,
    String nothing,
    @Nullable Filter filter,
    List<String> columns,
    String order) {

  /** What an argument is compared with. */
  record Filter(Kind kind, String column) {
    enum Kind {
      /** The path and everything below it. */
      PATH,
      /** The name, or how names begin if it ends with a star. */
      NAME
    }
  }

  /** Every view that a command shows. */
  static final List<View> ALL =
      List.of(
          view("sessions", "the clients, and until when each of them lives")
              .by("client")
              .shows("session, client, host, pid, opened, ends, alive, connected")
              .in("session"),
          view("locks", "who holds which lock or permits, and since when")
              .below("path")
              .shows("path, what, client, host, pid, session, token, since, ends, alive")
              .in("path, token"),
          view("lock_waiters", "who waits for which lock, and in which place")
              .called("waiters")
              .below("path")
              .shows("path, place, what, client, host, pid, session, since, alive")
              .in("path, place"),
          view("leaders", "who leads, and since when")
              .below("path")
              .shows("path, identity, client, host, pid, session, token, since")
              .in("path"),
          view("candidates", "who stands in which election, first come first")
              .below("path")
              .shows("path, place, identity, leads, client, host, pid, session, joined, alive")
              .in("path, place"),
          view("queues", "how many messages of each queue are where")
              .by("queue")
              .shows(
                  "queue, ready, behind, delayed, retrying, claimed, dead, waiting_since, sleeping,"
                      + " paused")
              .in("queue"),
          view("queue_rates", "messages a second of each queue, over the last five minutes")
              .called("rates")
              .by("queue")
              .shows("queue, enqueued, taken, acked, returned, died")
              .in("queue"),
          view(
                  "queue_consumers",
                  "which clients have messages of a queue, or sleep until there are some")
              .called("consumers")
              .by("queue")
              .shows("queue, client, host, pid, session, claimed, claimed_since, sleeps")
              .in("queue, session"),
          view("in_flight", "the messages that somebody works on, and who")
              .by("queue")
              .shows("queue, id, try, key, client, host, pid, session, taken, until")
              .in("queue, id"),
          view("dead_letters", "the messages that are not tried any more, and why")
              .by("queue")
              .shows("queue, id, died, tries, key, bytes, reason, error")
              .in("queue, died, id"),
          view("jobs", "the guarded jobs, and how each did last")
              .by("job")
              .shows(
                  "job, schedule, paused, running, last_tick, last_state, last_started,"
                      + " last_duration, last_error")
              .in("job"),
          view("job_runs", "each run of a guarded job, the latest first")
              .called("runs")
              .by("job")
              .shows("job, tick, state, attempt, started, duration, client, host, session, error")
              .in("started DESC NULLS FIRST, job, tick"),
          view("watchers", "which session is rung for changes of which path")
              .below("path")
              .shows("path, kind, client, host, pid, session")
              .in("path, session, kind"),
          view("double_barriers", "how many wait at, and are inside, which double barrier")
              .below("path")
              .shows("path, participants, waiting, inside, has_left, since")
              .in("path"),
          view(
                  "registrations",
                  "which processes are registered where: services, groups and the like")
              .called("registry")
              .below("path")
              .shows("path, version, data_length, registered, client, host, pid, session, alive")
              .in("path"),
          view("settings", "which settings there are, and who changed them last")
              .below("path")
              .shows("path, key, version, data_length, changes, changed, changed_by")
              .in("path"),
          view("history", "who held what, and how it ended, the latest first")
              .below("path")
              .shows("path, what, client, host, session, token, since, until, how, ended_by, why")
              .in("until DESC, token DESC"),
          view("past_sessions", "the sessions that have ended, and how, the latest first")
              .by("client")
              .shows("session, client, host, pid, opened, ended, how, ended_by, why")
              .in("ended DESC, session DESC"),
          view("operations", "what operators did, and why, the latest first")
              .by("target")
              .shows("number, at, who, what, target, why, result")
              .in("number DESC"),
          view("history_settings", "how much of the history is kept").inOneRow(),
          view("health", "how all of it is, in one row").inOneRow(),
          view("epochs", "which run of the server the numbers belong to").inOneRow());

  boolean hasSession() {
    return columns.contains("session");
  }

  private static Draft view(String name, String purpose) {
    return new Draft(name, purpose);
  }

  /** A view that is being described. */
  private static final class Draft {
    private final String view;
    private final String purpose;
    private String command;
    private @Nullable Filter filter;
    private List<String> columns = List.of();

    Draft(String view, String purpose) {
      this.view = view;
      this.purpose = purpose;
      command = view.replace('_', '-');
    }

    Draft called(String name) {
      command = name;
      return this;
    }

    Draft below(String column) {
      filter = new Filter(Filter.Kind.PATH, column);
      return this;
    }

    Draft by(String column) {
      filter = new Filter(Filter.Kind.NAME, column);
      return this;
    }

    Draft shows(String names) {
      columns = List.of(names.split(", *"));
      return this;
    }

    View inOneRow() {
      return in("1");
    }

    View in(String order) {
      return new View(
          command, view, purpose, "no " + view.replace('_', ' '), filter, columns, order);
    }
  }
}
