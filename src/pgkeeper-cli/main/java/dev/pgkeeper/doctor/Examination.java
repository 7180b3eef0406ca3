package dev.pgkeeper.doctor;

import java.util.List;

/**
 * What an examination found.
 *
 * @param server the server's version, as it says it
 * @param schemaVersion the schema's version; 0 if there is none or it cannot be seen
 * @param clientVersion the version of the schema that this library brings
 * @param checks how many checks were made
 * @param findings the worst first; empty if nothing is wrong
 */
public record Examination(
    String server, int schemaVersion, int clientVersion, int checks, List<Finding> findings) {

  public Examination {
    findings = List.copyOf(findings);
  }

  /** Whether nothing is wrong, as far as could be found out. */
  public boolean isHealthy() {
    return findings.stream().allMatch(finding -> finding.severity() == Severity.UNKNOWN);
  }
}
