package dev.pgkeeper.proof.linear;

import java.util.ArrayList;
import java.util.List;

/** The definition of linearizability, tried out: every order of every choice of calls. */
final class AllOrders {
  private AllOrders() {}

  static <S, C> boolean explain(Model<S, C> model, List<Call<C>> calls) {
    return explains(model, model.initial(), calls);
  }

  private static <S, C> boolean explains(Model<S, C> model, S state, List<Call<C>> left) {
    if (left.stream().noneMatch(Call::isAnswered)) {
      return true;
    }
    for (Call<C> first : left) {
      // Nobody that is left was answered before this one was asked for.
      if (left.stream().allMatch(other -> other == first || first.invoked() <= other.completed())) {
        S after = model.after(state, first.what());
        if (after != null) {
          List<Call<C>> others = new ArrayList<>(left);
          others.remove(first);
          if (explains(model, after, others)) {
            return true;
          }
        }
      }
    }
    return false;
  }
}
