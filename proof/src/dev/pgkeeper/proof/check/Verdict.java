package dev.pgkeeper.proof.check;

import java.util.List;

/**
 * What is said of a check in the end.
 *
 * @param part where it was made
 * @param isControl whether a protection was off, so that it had to find something
 */
public record Verdict(
    String part, String promise, List<Integer> scenarios, Finding finding, boolean isControl) {

  /** Of a check that looked at nothing nobody knows whether it can find anything. */
  public boolean isPassed() {
    return isControl
        ? !finding.violations().isEmpty()
        : finding.violations().isEmpty() && finding.examined() > 0;
  }

  public String word() {
    if (isControl) {
      return isPassed() ? "seen to fail" : "NOT SEEN TO FAIL";
    }
    if (!finding.violations().isEmpty()) {
      return "VIOLATED";
    }
    return finding.examined() > 0 ? "passed" : "NOTHING EXAMINED";
  }
}
