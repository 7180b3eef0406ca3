package dev.pgkeeper.proof.check;

import java.util.List;

/**
 * What a check found.
 *
 * @param examined how many things it looked at
 * @param ofWhat what those are
 * @param violations what is not as promised
 */
public record Finding(long examined, String ofWhat, List<String> violations) {
  public Finding {
    violations = List.copyOf(violations);
  }
}
