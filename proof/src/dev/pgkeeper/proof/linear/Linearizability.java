package dev.pgkeeper.proof.linear;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for an order in which an object can have done all calls, one after the other, each at a
 * moment between its invocation and its completion.
 *
 * <p>It is the search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the
 * memory of Lowe ("Testing for linearizability", 2016): whoever comes a second time to the same
 * state with the same calls done need not go on. Calls that nobody knows the outcome of have an
 * invocation and no completion, so they may be put anywhere after it, or left out.
 *
 * <p>An object that is made of several, as a tree of nodes, is linearizable if each of them is: ask
 * for each alone. That, and the memory, make the search short where the object is right.
 */
public final class Linearizability {
  /** What a history may cost before nobody waits for the answer: so much, and for each call. */
  private static final int CONFIGURATIONS = 1_000_000;

  private static final int CONFIGURATIONS_PER_CALL = 10;

  private Linearizability() {}

  /**
   * What is wrong, as told to people; null if there is such an order. It names the first answer
   * that no order explains which explains all before it.
   *
   * @throws TooHardException if the search was given up
   */
  public static <S, C> @Nullable String violation(Model<S, C> model, List<Call<C>> calls) {
    return new Search<>(model, calls).violation();
  }

  /** All orders that are left are too many to try. */
  public static final class TooHardException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooHardException(String message) {
      super(message);
    }
  }

  /**
   * These calls were done, and left this state: all before the first, and of the others those in
   * the set, counted from there. A few are under way at a time, so that is little to remember.
   */
  private record Configuration<S>(int first, BitSet others, S state) {}

  /** A call that was put at the end of the order, and the state before. */
  private record Step<S, C>(Moment<C> invocation, S before) {}

  private static final class Search<S, C> {
    private final Model<S, C> model;
    private final Timeline<C> timeline;
    private final BitSet done = new BitSet();
    private final Deque<Step<S, C>> order = new ArrayDeque<>();
    private final Set<Configuration<S>> seen = new HashSet<>();
    private final long mostConfigurations;
    private int firstUndone;
    private S state;
    private @Nullable Moment<C> furthest;
    private @Nullable S stateThere;

    Search(Model<S, C> model, List<Call<C>> calls) {
      this.model = model;
      this.timeline = new Timeline<>(calls);
      this.mostConfigurations = CONFIGURATIONS + (long) CONFIGURATIONS_PER_CALL * calls.size();
      this.state = model.initial();
    }

    @Nullable String violation() {
      Moment<C> moment = timeline.first();
      while (timeline.hasCompletions()) {
        if (moment == null) {
          throw new IllegalStateException("completions are left behind the end");
        }
        if (!moment.isInvocation()) {
          // This call is complete, so it has to be before: another order of those that are.
          remember(moment);
          if (order.isEmpty()) {
            return explanation();
          }
          moment = takeBack();
        } else if (append(moment)) {
          moment = timeline.first();
        } else {
          moment = moment.next();
        }
      }
      return null;
    }

    /** Puts the call at the end of the order, if it can be done there and leads somewhere new. */
    private boolean append(Moment<C> invocation) {
      S after = model.after(state, invocation.call().what());
      if (after == null) {
        return false;
      }
      done.set(invocation.number());
      int first = done.nextClearBit(firstUndone);
      if (!seen.add(new Configuration<>(first, done.get(first, done.length()), after))) {
        done.clear(invocation.number());
        return false;
      }
      if (seen.size() > mostConfigurations) {
        throw new TooHardException("given up after " + mostConfigurations + " configurations");
      }
      order.push(new Step<>(invocation, state));
      state = after;
      firstUndone = first;
      timeline.takeOut(invocation);
      return true;
    }

    private @Nullable Moment<C> takeBack() {
      Step<S, C> last = order.pop();
      state = last.before();
      done.clear(last.invocation().number());
      firstUndone = Math.min(firstUndone, last.invocation().number());
      timeline.putBack(last.invocation());
      return last.invocation().next();
    }

    private void remember(Moment<C> completion) {
      if (furthest == null || completion.position() > furthest.position()) {
        furthest = completion;
        stateThere = state;
      }
    }

    private String explanation() {
      return furthest == null
          ? "nothing explains it"
          : furthest.call() + " cannot be explained; before it, the state can be " + stateThere;
    }
  }
}
