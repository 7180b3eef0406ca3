package dev.pgkeeper.differential;

/** The two sides do not agree. */
final class Difference extends AssertionError {
  private static final long serialVersionUID = 1L;

  Difference(String what, Object judge, Object judged) {
    super(what + "\n  judge:  " + judge + "\n  judged: " + judged);
  }
}
