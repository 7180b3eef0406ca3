package dev.pgkeeper.cli.change;

import dev.pgkeeper.cli.command.DurationText;
import dev.pgkeeper.cli.command.PathText;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;

/**
 * A function for operators as a command calls it. Each leaves a row in the view {@code operations}.
 *
 * @param group the word before its name on the command line; null if there is none
 * @param verb its name on the command line
 * @param function its name in the database
 * @param purpose what it does
 * @param arguments what it takes, in the order of the command line
 * @param call the order of the function: names of arguments, and {@code why}
 * @param done what is printed then; %s stands for the result
 * @param notDone what is printed if the result is false: it was so before
 */
record Operation(
    @Nullable String group,
    String verb,
    String function,
    String purpose,
    List<Argument> arguments,
    List<String> call,
    String done,
    @Nullable String notDone) {

  /** An argument, or an option where the name begins with dashes. */
  record Argument(String name, String description, Type type) {
    boolean isOption() {
      return name.startsWith("--");
    }

    String label() {
      return name.replace("--", "").toUpperCase(Locale.ROOT);
    }
  }

  /** How an argument is read, and what the function takes. */
  enum Type {
    TEXT(String.class, "?::text"),
    PATH(String.class, "?::text", new PathText()),
    NUMBER(Long.class, "?::bigint"),
    NUMBERS(Long[].class, "?::bigint[]"),
    BOOLEAN(Boolean.class, "?::boolean"),
    SPAN(Duration.class, "?::bigint * interval '1 ms'", new DurationText());

    final Class<?> java;
    final String sql;
    final ITypeConverter<?>[] converters;

    Type(Class<?> java, String sql, ITypeConverter<?>... converters) {
      this.java = java;
      this.sql = sql;
      this.converters = converters;
    }
  }

  private static final Argument QUEUE = new Argument("queue", "The queue.", Type.TEXT);
  private static final Argument JOB = new Argument("job", "The job.", Type.TEXT);
  private static final Argument IDS =
      new Argument("--id", "Only this one; may be given again.", Type.NUMBERS);
  private static final Argument DIED_BEFORE =
      new Argument("--older", "Only those that died longer ago (10m, 2h, 30d).", Type.SPAN);

  /** Every function of operators that is a command. */
  static final List<Operation> ALL =
      List.of(
          new Operation(
              "session",
              "end",
              "end_session",
              "Ends a session, with all that it owns",
              List.of(new Argument("session", "Its number; see sessions.", Type.NUMBER)),
              List.of("session", "why"),
              "ended",
              null),
          new Operation(
              "lock",
              "break",
              "break_lock",
              "Takes a lock or permits away from who holds them; the next in line has them then",
              List.of(
                  new Argument("path", "The lock; see locks.", Type.PATH),
                  new Argument("--token", "Only the hold with this token.", Type.NUMBER)),
              List.of("path", "why", "--token"),
              "holds taken away: %s",
              null),
          new Operation(
              "leader",
              "move",
              "move_leadership",
              "Makes a candidate the leader",
              List.of(
                  new Argument("path", "The election; see candidates.", Type.PATH),
                  new Argument("candidate", "The identity of who is to lead.", Type.TEXT)),
              List.of("path", "candidate", "why"),
              "leads now, with token %s",
              null),
          new Operation(
              "queue",
              "pause",
              "pause_queue",
              "Lets nobody take from a queue",
              List.of(QUEUE),
              List.of("queue", "why"),
              "paused",
              "was paused before"),
          new Operation(
              "queue",
              "resume",
              "resume_queue",
              "Ends a queue's pause",
              List.of(QUEUE),
              List.of("queue", "why"),
              "resumed",
              "was not paused"),
          new Operation(
              "queue",
              "redrive",
              "redrive_queue",
              "Has dead letters wait again as if they had never been tried",
              List.of(QUEUE, IDS, DIED_BEFORE),
              List.of("queue", "why", "--id", "--older"),
              "dead letters that wait again: %s",
              null),
          new Operation(
              "queue",
              "discard",
              "discard_dead_letters",
              "Deletes dead letters for good",
              List.of(QUEUE, IDS, DIED_BEFORE),
              List.of("queue", "why", "--id", "--older"),
              "dead letters deleted: %s",
              null),
          new Operation(
              "queue",
              "purge",
              "purge_queue",
              "Deletes all messages that wait",
              List.of(QUEUE),
              List.of("queue", "why"),
              "messages deleted: %s",
              null),
          new Operation(
              "job",
              "pause",
              "pause_job",
              "Lets nothing of a job run but what is asked for by hand",
              List.of(JOB),
              List.of("job", "why"),
              "paused",
              "was paused before"),
          new Operation(
              "job",
              "resume",
              "resume_job",
              "Ends a job's pause",
              List.of(JOB),
              List.of("job", "why"),
              "resumed",
              "was not paused"),
          new Operation(
              "job",
              "trigger",
              "trigger_job",
              "Asks for a run now, also of a job that is paused",
              List.of(JOB),
              List.of("job", "why"),
              "asked for; its tick is %s",
              null),
          new Operation(
              null,
              "prune",
              "prune",
              "Deletes what is old of the history, the runs or the operations",
              List.of(
                  new Argument("what", "history, runs or operations.", Type.TEXT),
                  new Argument("--older", "Only what is older (30d).", Type.SPAN)),
              List.of("what", "--older", "why"),
              "rows deleted: %s",
              null),
          new Operation(
              null,
              "keep-history",
              "configure_history",
              "Says how much history is kept; what is not given stays as it is",
              List.of(
                  new Argument("--enabled", "false: none is written from now on.", Type.BOOLEAN),
                  new Argument("--keep", "For how long (30d).", Type.SPAN),
                  new Argument("--most-rows", "How many rows at most.", Type.NUMBER)),
              List.of("why", "--enabled", "--keep", "--most-rows"),
              "done",
              null));
}
