package dev.pgkeeper.lock;

import dev.pgkeeper.Fenced;
import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.Subscription;
import dev.pgkeeper.TransactionWork;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Several things held as one: it is held while all of them are. */
public final class HeldAll implements Fenced {
  private static final List<HoldState> WORST_FIRST =
      List.of(HoldState.LOST, HoldState.RELEASED, HoldState.JEOPARDY, HoldState.HELD);

  private final List<Held> holds;

  HeldAll(List<Held> holds) {
    this.holds = List.copyOf(holds);
  }

  /** Each of them, by path. */
  public List<Held> holds() {
    return holds;
  }

  @Override
  public boolean isHeld() {
    return holds.stream().allMatch(Held::isHeld);
  }

  @Override
  public void ensureHeld() {
    holds.forEach(Held::ensureHeld);
  }

  @Override
  public Duration remaining() {
    return holds.stream().map(Held::remaining).min(Comparator.naturalOrder()).orElseThrow();
  }

  /** The worst of theirs: lost, released, in jeopardy, held. */
  @Override
  public HoldState state() {
    return holds.stream()
        .map(Held::state)
        .min(Comparator.comparing(WORST_FIRST::indexOf))
        .orElseThrow();
  }

  @Override
  public Subscription onStateChange(Consumer<HoldState> listener) {
    AtomicReference<HoldState> told = new AtomicReference<>(HoldState.HELD);
    Consumer<HoldState> compare =
        changed -> {
          HoldState now = state();
          HoldState before = told.getAndUpdate(last -> last.isTerminal() ? last : now);
          if (before != now && !before.isTerminal()) {
            listener.accept(now);
          }
        };
    List<Subscription> subscriptions =
        holds.stream().map(held -> held.onStateChange(compare)).toList();
    return () -> subscriptions.forEach(Subscription::close);
  }

  @Override
  public void fence(Connection connection) {
    holds.forEach(held -> held.fence(connection));
  }

  @Override
  public <X extends Exception> void inTransaction(TransactionWork<X> work) throws X {
    ensureHeld();
    holds
        .get(0)
        .inTransaction(
            connection -> {
              work.run(connection);
              fence(connection);
            });
  }

  /**
   * Gives all of them back.
   *
   * @throws KeeperException.NotHeld if one of them was released before, or lost; the others are
   *     given back all the same
   */
  public void release() {
    KeeperException.@Nullable NotHeld missing = null;
    for (Held held : lastFirst()) {
      try {
        held.release();
      } catch (KeeperException.NotHeld e) {
        missing = e;
      }
    }
    if (missing != null) {
      throw missing;
    }
  }

  @Override
  public void close() {
    lastFirst().forEach(Held::close);
  }

  private List<Held> lastFirst() {
    List<Held> reversed = new ArrayList<>(holds);
    Collections.reverse(reversed);
    return reversed;
  }

  @Override
  public String toString() {
    return "HeldAll" + holds;
  }
}
