package dev.pgkeeper.proof.check;

import java.util.List;

/**
 * Something that has to hold.
 *
 * @param promise what, in words
 * @param scenarios the numbers of the {@link Scenarios} that it judges
 * @param examiner who looks
 */
public record Check(String promise, List<Integer> scenarios, Examiner examiner) {
  /** Looks at what is known of a run. */
  @FunctionalInterface
  public interface Examiner {
    Finding examine(Evidence evidence) throws Exception;
  }
}
