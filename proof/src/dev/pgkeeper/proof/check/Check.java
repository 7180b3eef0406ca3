package dev.pgkeeper.proof.check;

import java.util.List;

/**
 * Something that has to hold.
 *
 * @param promise what, in words
 * @param scenarios the numbers of the {@link Scenarios} that it judges
 * @param needsTheClock whether it compares moments of the database's clock, which then must not be
 *     stepped
 * @param examiner who looks
 */
public record Check(
    String promise, List<Integer> scenarios, boolean needsTheClock, Examiner examiner) {
  Check(String promise, List<Integer> scenarios, Examiner examiner) {
    this(promise, scenarios, false, examiner);
  }

  /** One that compares moments of the database's clock. */
  static Check byTheClock(String promise, List<Integer> scenarios, Examiner examiner) {
    return new Check(promise, scenarios, true, examiner);
  }

  /** Whether something is wrong with what is known of a run. */
  public boolean finds(Evidence evidence) throws Exception {
    return !examiner.examine(evidence).violations().isEmpty();
  }

  /** Looks at what is known of a run. */
  @FunctionalInterface
  public interface Examiner {
    Finding examine(Evidence evidence) throws Exception;
  }
}
