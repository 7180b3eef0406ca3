package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.queue.Administration.What;
import dev.pgkeeper.queue.DeadLetter;
import dev.pgkeeper.queue.DeadLetters;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The dead letters of one queue. */
final class SharedDeadLetters implements DeadLetters {
  private final PresentQueues queues;
  private final String queue;

  SharedDeadLetters(PresentQueues queues, String queue) {
    this.queues = queues;
    this.queue = queue;
  }

  @Override
  public List<DeadLetter> list(int most) {
    if (most < 1) {
      throw new IllegalArgumentException(most + " dead letters; use 1 or more");
    }
    QueueSession session = queues.now().session();
    return session.database().read(session.calls().deadLetters(queue, most));
  }

  @Override
  public int redrive(long... ids) {
    return (int) all(What.REDRIVE, ids, Duration.ZERO);
  }

  @Override
  public long redriveAll() {
    return all(What.REDRIVE, null, Duration.ZERO);
  }

  @Override
  public long redriveOlderThan(Duration age) {
    return all(What.REDRIVE, null, checkAge(age));
  }

  @Override
  public int discard(long... ids) {
    return (int) all(What.DISCARD, ids, Duration.ZERO);
  }

  @Override
  public long discardAll() {
    return all(What.DISCARD, null, Duration.ZERO);
  }

  @Override
  public long discardOlderThan(Duration age) {
    return all(What.DISCARD, null, checkAge(age));
  }

  /** What dies again meanwhile is not meant: it would never end where everything fails at once. */
  private long all(What what, long @Nullable [] ids, Duration age) {
    long beganAt = System.nanoTime();
    return Administration.carryOutAll(
        queues.now().session(),
        () ->
            Administration.ofDeadLetters(
                what, queue, ids, age.plusNanos(System.nanoTime() - beganAt)));
  }

  private static Duration checkAge(Duration age) {
    if (age.isNegative() || age.compareTo(Duration.ofDays(36_500)) > 0) {
      throw new IllegalArgumentException("age is " + age + "; use 0 to 36,500 days");
    }
    return age;
  }

  @Override
  public String toString() {
    return "DeadLetters[" + queue + "]";
  }
}
