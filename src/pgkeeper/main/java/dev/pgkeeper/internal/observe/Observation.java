package dev.pgkeeper.internal.observe;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a keeper tells observers what it does. While there are none, an operation costs a look at
 * an empty list.
 */
public final class Observation {
  private static final Logger log = LoggerFactory.getLogger(Observation.class);
  private static final FlightRecorder RECORDER = FlightRecorder.choose();
  private static final long NOBODY_LISTENS = 0;

  private static volatile @Nullable Function<Keeper, Observation> access;

  private final List<Observer> observers = new CopyOnWriteArrayList<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile @Nullable Subject subject;

  /** The keeper's; how it is found is told by {@link #letIn}. */
  public static Observation of(Keeper keeper) {
    return Objects.requireNonNull(access, "no keeper was ever made").apply(keeper);
  }

  /** Users see nothing internal, so a keeper does not show it: it tells once how it is found. */
  public static void letIn(Function<Keeper, Observation> given) {
    access = given;
  }

  public void follow(Subject next) {
    subject = next;
  }

  /** Null until the keeper is connected. */
  public @Nullable Subject subject() {
    return subject;
  }

  /** Tells everything from now on, and which queues were used before. */
  public Subscription observe(Observer observer) {
    observers.add(observer);
    Subject now = subject;
    if (now != null) {
      now.queues().forEach(observer::usesQueue);
    }
    return () -> observers.remove(observer);
  }

  private boolean isObserved() {
    return !observers.isEmpty();
  }

  /** An observer that fails must not harm what it looks at; it is told nothing more. */
  private void tell(Consumer<Observer> what) {
    for (Observer observer : observers) {
      try {
        what.accept(observer);
      } catch (RuntimeException e) {
        observers.remove(observer);
        log.error("an observer failed, and is told nothing more: {}", observer, e);
      }
    }
  }

  // Operations.

  /** Does an operation, and tells how long it took and whether it had an answer. */
  public <T extends @Nullable Object> T measure(Operation operation, Supplier<T> call) {
    long began = begin();
    try {
      return answered(operation, began, call.get());
    } catch (RuntimeException e) {
      throw failed(operation, began, e);
    }
  }

  private long begin() {
    return isObserved() ? System.nanoTime() | 1 : NOBODY_LISTENS;
  }

  private <T extends @Nullable Object> T answered(Operation operation, long began, T answer) {
    if (began != NOBODY_LISTENS) {
      Duration took = since(began);
      tell(observer -> observer.answered(operation, took));
    }
    return answer;
  }

  /** It was refused, or has no answer. */
  private RuntimeException failed(Operation operation, long began, RuntimeException why) {
    if (began != NOBODY_LISTENS) {
      Duration took = since(began);
      if (isAnswer(why)) {
        tell(observer -> observer.answered(operation, took));
      } else {
        tell(observer -> observer.failed(operation, took));
      }
    }
    return why;
  }

  /** Whether the database understood the question, and said no. */
  private static boolean isAnswer(RuntimeException why) {
    return why instanceof KeeperException
        && !(why instanceof KeeperException.ConnectionLoss
            || why instanceof KeeperException.OutcomeUnknown
            || why instanceof KeeperException.DatabaseError);
  }

  private static Duration since(long began) {
    return Duration.ofNanos(System.nanoTime() - began);
  }

  // Lines.

  public Wait waits(long session, String path, String recipe) {
    waiting.incrementAndGet();
    return new Wait(this, recipe, RECORDER.waits(session, path, recipe));
  }

  void waited(String recipe, Wait.End end, Duration took) {
    waiting.decrementAndGet();
    if (isObserved()) {
      tell(observer -> observer.waited(recipe, end, took));
    }
  }

  /** How many contenders wait now. */
  public int waiting() {
    return waiting.get();
  }

  public void granted(String recipe) {
    if (isObserved()) {
      tell(observer -> observer.granted(recipe));
    }
  }

  public void holdLost(long session, String path, long token) {
    RECORDER.holdLost(session, path, token);
    if (isObserved()) {
      tell(Observer::holdLost);
    }
  }

  // The session.

  public void jeopardy() {
    if (isObserved()) {
      tell(Observer::jeopardy);
    }
  }

  public void reconnected(long session, Duration away) {
    RECORDER.reconnected(session, away);
    if (isObserved()) {
      tell(observer -> observer.reconnected(away));
    }
  }

  public void sessionLost(long session, String why) {
    RECORDER.sessionLost(session, why);
    if (isObserved()) {
      tell(Observer::sessionLost);
    }
  }

  public void reaped(int sessions, int holds, int nodes) {
    if (isObserved()) {
      tell(observer -> observer.reaped(sessions, holds, nodes));
    }
  }

  // Listeners.

  /**
   * Wraps an event so that it tells how late it is heard. Returns the event itself while nobody
   * wants to know.
   */
  public Runnable timed(Runnable event, long heardAt) {
    if (!isObserved()) {
      return event;
    }
    return () -> {
      Duration lag = since(heardAt);
      tell(observer -> observer.told(lag));
      event.run();
    };
  }

  // Queues.

  public void usesQueue(String queue) {
    if (isObserved()) {
      tell(observer -> observer.usesQueue(queue));
    }
  }

  public void counted(QueueCounts counts) {
    if (isObserved()) {
      tell(observer -> observer.counted(counts));
    }
  }
}
