package dev.pgkeeper.metrics;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.observe.Subject;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What a keeper does, as meters: {@code new KeeperMetrics(keeper).bindTo(registry)}. They go on
 * from one session to the next.
 *
 * <p>Tags are kinds of operations, recipes and queues, never paths. Of more than a hundred queues,
 * those used later are together, as {@code other}.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name<th>type<th>tags<th>what
 * <tr><td>{@code pgkeeper.operations}<td>timer<td>kind, outcome<td>what was asked for, until its
 *     answer ({@code ok}, also if that is a refusal) or its failure
 * <tr><td>{@code pgkeeper.grants}<td>counter<td>recipe<td>contenders that may hold, at once or later
 * <tr><td>{@code pgkeeper.waits}<td>timer<td>recipe, end<td>waits for a turn that are over
 * <tr><td>{@code pgkeeper.waiting}<td>gauge<td><td>contenders that wait now
 * <tr><td>{@code pgkeeper.holds.lost}<td>counter<td><td>holds that ended without a release
 * <tr><td>{@code pgkeeper.session.held}<td>gauge<td><td>1 while the session is certainly alive
 * <tr><td>{@code pgkeeper.session.losses}<td>counter<td><td>sessions that the database ended
 * <tr><td>{@code pgkeeper.session.jeopardies}<td>counter<td><td>how often the database was not heard
 *     of for too long, or the connection broke
 * <tr><td>{@code pgkeeper.session.reconnects}<td>timer<td><td>breaks of the connection that are over
 * <tr><td>{@code pgkeeper.listener.lag}<td>timer<td><td>from hearing of a change to telling it
 * <tr><td>{@code pgkeeper.reaper.ticks}<td>counter<td><td>turns at reaping
 * <tr><td>{@code pgkeeper.reaper.reaped}<td>counter<td>what<td>sessions, holds and nodes whose time
 *     was over
 * <tr><td>{@code pgkeeper.queue.messages}<td>counter<td>queue, what<td>messages that this client
 *     enqueued, took, acked, gave back or put under the dead letters; some seconds late
 * <tr><td>{@code pgkeeper.queue.depth}<td>gauge<td>queue, where<td>messages in the database, as the
 *     view {@code queues} has them
 * <tr><td>{@code pgkeeper.queue.oldest}<td>time gauge<td>queue<td>how long ago the oldest message was
 *     enqueued that could be taken
 * </table>
 *
 * The last two are asked from the database while meters are read, for all queues of this client at
 * once and at most every 15 seconds, less often if it takes long.
 */
public final class KeeperMetrics implements MeterBinder, AutoCloseable {
  private final Observation observation;
  private final Tags tags;
  private final List<AutoCloseable> bound = new CopyOnWriteArrayList<>();

  public KeeperMetrics(Keeper keeper) {
    this(keeper, List.of());
  }

  /**
   * @param tags for all meters, to tell this keeper from another one of the process
   */
  public KeeperMetrics(Keeper keeper, Iterable<Tag> tags) {
    this.observation = Observation.of(Objects.requireNonNull(keeper, "keeper"));
    this.tags = Tags.of(tags);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Meters meters = new Meters(registry, tags);
    meters.gauge(
        "pgkeeper.waiting", Tags.empty(), "Contenders that wait now", observation::waiting);
    meters.gauge(
        "pgkeeper.session.held",
        Tags.empty(),
        "1 while the session is certainly alive",
        this::held);
    KeeperMeters observer =
        new KeeperMeters(meters, new QueueMeters(meters, new QueueDepths(observation)));
    Subscription subscription = observation.observe(observer);
    bound.add(
        () -> {
          subscription.close();
          meters.remove();
        });
  }

  private int held() {
    Subject subject = observation.subject();
    return subject != null && subject.isHeld() ? 1 : 0;
  }

  /** Stops measuring, and takes the meters out of their registries. */
  @Override
  public void close() throws Exception {
    for (AutoCloseable one : bound) {
      bound.remove(one);
      one.close();
    }
  }
}
