package dev.pgkeeper.proof.linear;

import org.jspecify.annotations.Nullable;

/** An invocation or a completion, as a place in a {@link Timeline}. */
final class Moment<C> {
  private final Call<C> call;
  private final int number;
  private final boolean invocation;

  /** Where it is among all moments, and the completion of this invocation, once that is known. */
  private int position;

  private @Nullable Moment<C> completion;

  @Nullable Moment<C> before;
  @Nullable Moment<C> next;

  Moment(Call<C> call, int number, boolean invocation) {
    this.call = call;
    this.number = number;
    this.invocation = invocation;
  }

  Call<C> call() {
    return call;
  }

  /** How many calls were asked for before. */
  int number() {
    return number;
  }

  boolean isInvocation() {
    return invocation;
  }

  long time() {
    return invocation ? call.invoked() : call.completed();
  }

  int position() {
    return position;
  }

  void setPosition(int newPosition) {
    position = newPosition;
  }

  /** Null for a completion, and where nobody knows whether there was one. */
  @Nullable Moment<C> completion() {
    return completion;
  }

  void setCompletion(Moment<C> newCompletion) {
    completion = newCompletion;
  }

  @Nullable Moment<C> next() {
    return next;
  }
}
