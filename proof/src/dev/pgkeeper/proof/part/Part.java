package dev.pgkeeper.proof.part;

import dev.pgkeeper.proof.Progress;
import dev.pgkeeper.proof.Settings;
import java.time.Duration;
import java.util.List;

/** A set-up, and what is tried in it. */
public interface Part {
  /** A word, for people and for the random generator. */
  String name();

  /** The numbers of the scenarios that it covers. */
  List<Integer> scenarios();

  /** What is done, in a sentence. */
  String summary();

  /** Whether the short form of a run has it. */
  default boolean isQuick() {
    return true;
  }

  /** What takes longer hangs: many times what it takes on a slow machine. */
  default Duration limit(Settings settings) {
    return Duration.ofMinutes(20).plus(settings.duration().multipliedBy(2));
  }

  /** Whether it is for a run of its own, and left out where nobody names it. */
  default boolean isOnlyByName() {
    return false;
  }

  /**
   * Sets up, works, judges and cleans up.
   *
   * @throws Unavailable if this machine has not got what it needs
   */
  Result run(Settings settings, Progress progress) throws Exception;

  /** This machine has not got what is needed. */
  final class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message) {
      super(message);
    }
  }
}
