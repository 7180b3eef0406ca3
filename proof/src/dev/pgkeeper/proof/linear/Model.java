package dev.pgkeeper.proof.linear;

import org.jspecify.annotations.Nullable;

/**
 * An object that does one thing after the other.
 *
 * @param <S> its state, a value with {@code equals}
 * @param <C> what is asked of it, with the answer
 */
public interface Model<S, C> {
  S initial();

  /**
   * The state after the call was done in this one; null if it cannot be done in it with this
   * answer.
   */
  @Nullable S after(S state, C call);
}
