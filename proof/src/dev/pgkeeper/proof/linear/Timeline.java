package dev.pgkeeper.proof.linear;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Invocations and completions in the order of their moments, as a list out of which calls are taken
 * and into which they are put back where they were, the last one first.
 */
final class Timeline<C> {
  private @Nullable Moment<C> first;
  private int completions;

  Timeline(List<Call<C>> all) {
    List<Call<C>> calls = new ArrayList<>(all);
    calls.sort(Comparator.comparingLong(Call::invoked));
    List<Moment<C>> moments = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      Call<C> call = calls.get(i);
      Moment<C> invocation = new Moment<>(call, i, true);
      moments.add(invocation);
      if (call.isAnswered()) {
        Moment<C> completion = new Moment<>(call, i, false);
        invocation.setCompletion(completion);
        moments.add(completion);
        completions++;
      }
    }
    // What happened at one tick of the clock can have been in any order.
    moments.sort(
        Comparator.<Moment<C>>comparingLong(Moment::time)
            .thenComparing(moment -> !moment.isInvocation()));
    Moment<C> last = null;
    for (int i = 0; i < moments.size(); i++) {
      Moment<C> moment = moments.get(i);
      moment.setPosition(i);
      moment.before = last;
      if (last == null) {
        first = moment;
      } else {
        last.next = moment;
      }
      last = moment;
    }
  }

  @Nullable Moment<C> first() {
    return first;
  }

  /** Whether calls are left that certainly have to be done. */
  boolean hasCompletions() {
    return completions > 0;
  }

  void takeOut(Moment<C> invocation) {
    unlink(invocation);
    Moment<C> completion = invocation.completion();
    if (completion != null) {
      unlink(completion);
      completions--;
    }
  }

  void putBack(Moment<C> invocation) {
    Moment<C> completion = invocation.completion();
    if (completion != null) {
      link(completion);
      completions++;
    }
    link(invocation);
  }

  private void unlink(Moment<C> moment) {
    if (moment.before == null) {
      first = moment.next;
    } else {
      moment.before.next = moment.next;
    }
    if (moment.next != null) {
      moment.next.before = moment.before;
    }
  }

  private void link(Moment<C> moment) {
    if (moment.before == null) {
      first = moment;
    } else {
      moment.before.next = moment;
    }
    if (moment.next != null) {
      moment.next.before = moment;
    }
  }
}
