package dev.pgkeeper.proof.linear;

/**
 * Something that was asked of an object.
 *
 * @param invoked before it was asked, by a clock that all who ask share
 * @param completed after it was answered; {@link #NEVER}: nobody knows whether it was done, so it
 *     may have been at any moment from its invocation on, or not at all
 * @param what what was asked and, unless that is not known, answered
 */
public record Call<C>(long invoked, long completed, C what) {
  public static final long NEVER = Long.MAX_VALUE;

  public boolean isAnswered() {
    return completed != NEVER;
  }
}
