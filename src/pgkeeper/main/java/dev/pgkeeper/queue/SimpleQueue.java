package dev.pgkeeper.queue;

import dev.pgkeeper.Keeper;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * First in, first out, for those who come from Curator's {@code SimpleDistributedQueue} or kazoo's
 * {@code Queue}. What is taken is gone, whether or not whoever took it gets to work on it; for a
 * queue whose messages come back if their consumer dies, see {@link Keeper#queue}, which this is
 * made of.
 *
 * <pre>{@code
 * SimpleQueue<String> queue = keeper.simpleQueue("tasks", Codec.text());
 * queue.put("sweep");
 * String task = queue.take();
 * }</pre>
 */
public final class SimpleQueue<T> {
  private static final Duration FOREVER = Duration.ofDays(36_500);

  private final MessageQueue<T> queue;

  public SimpleQueue(MessageQueue<T> queue) {
    this.queue = queue;
  }

  public String name() {
    return queue.name();
  }

  /** Adds it at the end. */
  public void put(T element) {
    queue.enqueue(element);
  }

  /** Takes the first one; waits until there is one. */
  public T take() throws InterruptedException {
    return poll(FOREVER)
        .orElseThrow(() -> new IllegalStateException("waited for " + FOREVER + " in vain"));
  }

  /** Takes the first one; empty if there is none. */
  public Optional<T> poll() {
    return queue.take().map(SimpleQueue::acked);
  }

  /** Polls, and waits at most this long. */
  public Optional<T> poll(Duration timeout) throws InterruptedException {
    return queue.take(timeout).map(SimpleQueue::acked);
  }

  private static <T> T acked(Delivery<T> delivery) {
    delivery.ack();
    return delivery.body();
  }

  /** The first one, which stays where it is; empty if there is none. */
  public Optional<T> peek() {
    List<Message<T>> first = queue.peek(1);
    return first.stream().findFirst().map(Message::body);
  }

  /**
   * The same.
   *
   * @throws NoSuchElementException if there is none
   */
  public T element() {
    return peek().orElseThrow(() -> nothingIn());
  }

  /**
   * Takes the first one, without waiting.
   *
   * @throws NoSuchElementException if there is none
   */
  public T remove() {
    return poll().orElseThrow(() -> nothingIn());
  }

  private NoSuchElementException nothingIn() {
    return new NoSuchElementException("there is nothing in the queue " + queue.name());
  }

  /** How many wait. */
  public long size() {
    return queue.size().ready();
  }

  @Override
  public String toString() {
    return "SimpleQueue[" + queue.name() + "]";
  }
}
