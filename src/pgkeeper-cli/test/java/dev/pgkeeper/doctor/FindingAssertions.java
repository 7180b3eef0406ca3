package dev.pgkeeper.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.assertj.core.api.AbstractStringAssert;

/** What is said of findings in these tests. */
final class FindingAssertions {
  private FindingAssertions() {}

  /** This was found and nothing else; returns what is to be said of what was found. */
  static AbstractStringAssert<?> only(List<Finding> findings, Severity severity, String name) {
    assertThat(findings).hasSize(1);
    return among(findings, severity, name);
  }

  /** This was found, whatever else was. */
  static AbstractStringAssert<?> among(List<Finding> findings, Severity severity, String name) {
    Finding finding =
        findings.stream()
            .filter(one -> one.name().equals(name))
            .findFirst()
            .orElseThrow(() -> new AssertionError("no " + name + " in " + findings));
    assertThat(finding.severity()).isEqualTo(severity);
    assertThat(finding.advice()).isNotBlank();
    return assertThat(finding.found());
  }
}
