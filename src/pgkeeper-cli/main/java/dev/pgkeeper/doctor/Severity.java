package dev.pgkeeper.doctor;

/** How bad a finding is, the worst first. */
public enum Severity {
  /** Something does not work, or a promise does not hold. */
  ERROR,
  /** It works, but more slowly or less surely than it could, or not for much longer. */
  WARNING,
  /** It could not be found out. */
  UNKNOWN
}
