package dev.pgkeeper.internal.queue;

import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.queue.DeadLetter;
import dev.pgkeeper.queue.DeadLetters;
import java.time.Duration;
import java.util.List;
import java.util.function.ToLongFunction;

/** The dead letters of one queue. */
final class SharedDeadLetters implements DeadLetters {
  private final Queues queues;
  private final String queue;
  private final ToLongFunction<SqlFunction<Integer>> untilNone;

  /**
   * @param untilNone calls it again and again, and adds up
   */
  SharedDeadLetters(Queues queues, String queue, ToLongFunction<SqlFunction<Integer>> untilNone) {
    this.queues = queues;
    this.queue = queue;
    this.untilNone = untilNone;
  }

  @Override
  public List<DeadLetter> list(int most) {
    if (most < 1) {
      throw new IllegalArgumentException(most + " dead letters; use 1 or more");
    }
    return queues.database().read(queues.calls().deadLetters(queue, most));
  }

  @Override
  public int redrive(long... ids) {
    return queues.database().read(queues.calls().redrive(queue, ids, null));
  }

  @Override
  public long redriveAll() {
    return untilNone.applyAsLong(queues.calls().redrive(queue, null, null));
  }

  @Override
  public long redriveOlderThan(Duration age) {
    return untilNone.applyAsLong(queues.calls().redrive(queue, null, checkAge(age)));
  }

  @Override
  public int discard(long... ids) {
    return queues.database().read(queues.calls().discard(queue, ids, null));
  }

  @Override
  public long discardAll() {
    return untilNone.applyAsLong(queues.calls().discard(queue, null, null));
  }

  @Override
  public long discardOlderThan(Duration age) {
    return untilNone.applyAsLong(queues.calls().discard(queue, null, checkAge(age)));
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
