package dev.pgkeeper.metrics;

import dev.pgkeeper.internal.observe.Observer;
import dev.pgkeeper.internal.observe.Operation;
import dev.pgkeeper.internal.observe.QueueCounts;
import dev.pgkeeper.internal.observe.Wait;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Counts and times what a keeper tells. */
final class KeeperMeters implements Observer {
  private final Meters meters;
  private final QueueMeters queues;
  private final Map<Operation, Timer> answered = new ConcurrentHashMap<>();
  private final Map<Operation, Timer> failed = new ConcurrentHashMap<>();
  private final Map<String, Counter> grants = new ConcurrentHashMap<>();
  private final Map<Waited, Timer> waits = new ConcurrentHashMap<>();
  private final Counter holdsLost;
  private final Counter sessionsLost;
  private final Counter jeopardies;
  private final Timer reconnects;
  private final Timer listenerLag;
  private final Counter ticks;
  private final Counter reapedSessions;
  private final Counter reapedHolds;
  private final Counter reapedNodes;

  private record Waited(String recipe, Wait.End end) {}

  KeeperMeters(Meters meters, QueueMeters queues) {
    this.meters = meters;
    this.queues = queues;
    this.holdsLost = counter("pgkeeper.holds.lost", "Holds that ended without a release");
    this.sessionsLost = counter("pgkeeper.session.losses", "Sessions that the database ended");
    this.jeopardies =
        counter(
            "pgkeeper.session.jeopardies",
            "How often the database was not heard of for too long, or the connection broke");
    this.reconnects =
        meters.timer(
            "pgkeeper.session.reconnects",
            Tags.empty(),
            "Breaks of the client's own connection that are over");
    this.listenerLag =
        meters.timer(
            "pgkeeper.listener.lag", Tags.empty(), "From hearing of a change to telling it");
    this.ticks = counter("pgkeeper.reaper.ticks", "Turns at reaping");
    this.reapedSessions = reaped("sessions");
    this.reapedHolds = reaped("holds");
    this.reapedNodes = reaped("nodes");
  }

  private Counter counter(String name, String description) {
    return meters.counter(name, Tags.empty(), description);
  }

  private Counter reaped(String what) {
    return meters.counter(
        "pgkeeper.reaper.reaped",
        Tags.of("what", what),
        "Sessions, holds and nodes whose time was over");
  }

  static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void answered(Operation operation, Duration took) {
    timer(answered, operation, "ok").record(took);
  }

  @Override
  public void failed(Operation operation, Duration took) {
    timer(failed, operation, "failed").record(took);
  }

  private Timer timer(Map<Operation, Timer> timers, Operation operation, String outcome) {
    Timer known = timers.get(operation);
    return known != null
        ? known
        : timers.computeIfAbsent(
            operation,
            each ->
                meters.timer(
                    "pgkeeper.operations",
                    Tags.of("kind", word(each), "outcome", outcome),
                    "What was asked for, until its answer"));
  }

  @Override
  public void granted(String recipe) {
    Counter known = grants.get(recipe);
    if (known == null) {
      known =
          grants.computeIfAbsent(
              recipe,
              each ->
                  meters.counter(
                      "pgkeeper.grants",
                      Tags.of("recipe", each),
                      "Contenders that may hold, at once or after a wait"));
    }
    known.increment();
  }

  @Override
  public void waited(String recipe, Wait.End end, Duration took) {
    waits
        .computeIfAbsent(
            new Waited(recipe, end),
            each ->
                meters.timer(
                    "pgkeeper.waits",
                    Tags.of("recipe", each.recipe(), "end", word(each.end())),
                    "Waits for a turn that are over"))
        .record(took);
  }

  @Override
  public void holdLost() {
    holdsLost.increment();
  }

  @Override
  public void sessionLost() {
    sessionsLost.increment();
  }

  @Override
  public void jeopardy() {
    jeopardies.increment();
  }

  @Override
  public void reconnected(Duration away) {
    reconnects.record(away);
  }

  @Override
  public void reaped(int sessions, int holds, int nodes) {
    ticks.increment();
    reapedSessions.increment(sessions);
    reapedHolds.increment(holds);
    reapedNodes.increment(nodes);
  }

  @Override
  public void told(Duration lag) {
    listenerLag.record(lag);
  }

  @Override
  public void usesQueue(String queue) {
    queues.uses(queue);
  }

  @Override
  public void counted(QueueCounts counts) {
    queues.counted(counts);
  }
}
