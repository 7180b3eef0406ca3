package dev.pgkeeper.metrics;

import dev.pgkeeper.internal.observe.QueueCounts;
import dev.pgkeeper.internal.observe.QueueDepth;
import io.micrometer.core.instrument.Tags;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Meters of queues, of a bounded number of them. */
final class QueueMeters {
  private static final Logger log = LoggerFactory.getLogger(QueueMeters.class);

  /** Of those used later, what is counted is counted together. */
  private static final int MOST_QUEUES = 100;

  private static final String OTHER = "other";

  private final Meters meters;
  private final QueueDepths depths;

  /** The tag by the name; guarded by itself while it is decided. */
  private final Map<String, String> tags = new ConcurrentHashMap<>();

  QueueMeters(Meters meters, QueueDepths depths) {
    this.meters = meters;
    this.depths = depths;
  }

  void uses(String queue) {
    var unused = tag(queue);
  }

  private String tag(String queue) {
    String known = tags.get(queue);
    if (known != null) {
      return known;
    }
    synchronized (tags) {
      if (tags.containsKey(queue)) {
        return tags.get(queue);
      } else if (tags.size() >= MOST_QUEUES) {
        if (tags.putIfAbsent(OTHER, OTHER) == null) {
          log.warn(
              "more than {} queues are used: the others, from {} on, are measured as \"{}\"",
              MOST_QUEUES,
              queue,
              OTHER);
        }
        return OTHER;
      }
      tags.put(queue, queue);
    }
    measureDepth(queue);
    return queue;
  }

  private void measureDepth(String queue) {
    depths.ask(queue);
    depth(queue, "ready", QueueDepth::ready);
    depth(queue, "behind", QueueDepth::behind);
    depth(queue, "delayed", QueueDepth::delayed);
    depth(queue, "retrying", QueueDepth::retrying);
    depth(queue, "claimed", QueueDepth::claimed);
    depth(queue, "dead", QueueDepth::dead);
    meters.timeGauge(
        "pgkeeper.queue.oldest",
        Tags.of("queue", queue),
        "How long ago the oldest message was enqueued that could be taken",
        () -> depths.of(queue, depth -> depth.oldest().toMillis()));
  }

  private void depth(String queue, String where, ToLongFunction<QueueDepth> number) {
    meters.gauge(
        "pgkeeper.queue.depth",
        Tags.of("queue", queue, "where", where),
        "Messages in the database",
        () -> depths.of(queue, number));
  }

  void counted(QueueCounts counts) {
    String queue = tag(counts.queue());
    count(queue, "enqueued", counts.enqueued());
    count(queue, "taken", counts.taken());
    count(queue, "acked", counts.acked());
    count(queue, "returned", counts.returned());
    count(queue, "died", counts.died());
  }

  private void count(String queue, String what, long messages) {
    meters
        .counter(
            "pgkeeper.queue.messages",
            Tags.of("queue", queue, "what", what),
            "Messages that this client has seen go somewhere")
        .increment(messages);
  }
}
