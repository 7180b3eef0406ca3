package dev.pgkeeper.proof.failover;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was seen once.
 *
 * @param struck when it happened, in microseconds of the machine's clock
 * @param acted when the next one, or the same one, had acted after it
 * @param token the owner's
 * @param nextToken that of the one who came after it
 * @param nextActed when that one had acted
 * @param lost when the owner stopped to believe that it was one, if it was there to tell
 * @param isFenceRefused whether a fence with the former one's token failed afterwards
 * @param isFormerRefused whether the former one was refused itself, if it was there to try
 */
public record Trial(
    Way way,
    long struck,
    long acted,
    long token,
    long nextToken,
    long nextActed,
    @Nullable Long lost,
    boolean isFenceRefused,
    @Nullable Boolean isFormerRefused) {

  public double seconds() {
    return (acted - struck) / 1e6;
  }

  /** What is not as it has to be. */
  public List<String> violations() {
    List<String> violations = new ArrayList<>();
    if (nextToken <= token) {
      violations.add("the next one has token %d after %d".formatted(nextToken, token));
    }
    if (way.isOwnersStill() && nextActed <= acted) {
      violations.add("another one acted before the owner, which was there");
    }
    if (!isFenceRefused) {
      violations.add("a write with the former token %d was accepted".formatted(token));
    }
    if (Boolean.FALSE.equals(isFormerRefused)) {
      violations.add("the former owner acted after the next one");
    }
    if (lost != null && lost > nextActed) {
      violations.add(
          "the former owner believed for %d us after the next one had acted"
              .formatted(lost - nextActed));
    }
    return violations;
  }
}
