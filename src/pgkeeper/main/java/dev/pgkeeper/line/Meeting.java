package dev.pgkeeper.line;

import dev.pgkeeper.KeeperException;

/**
 * A node where a fixed number of participants come together, and go together, round after round:
 * what a double barrier is made of. Coming is one round trip and leaving another; whoever waits for
 * the others costs a row, and no connection and no statement.
 *
 * <pre>{@code
 * Attendance mine = keeper.meeting("/match", 2).come();
 * if (mine.awaitBeginning(Duration.ofMinutes(1))) {
 *   play();
 *   mine.leave(Duration.ofMinutes(1));
 * }
 * }</pre>
 */
public interface Meeting {
  String path();

  /** How many make a round. */
  int size();

  /**
   * Comes, to wait for the others. It is counted on until its session ends.
   *
   * @throws KeeperException.Busy if all places are taken: somebody of the round before is still
   *     inside, or as many wait as make a round
   * @throws KeeperException.WrongRecipe if the node is something else, or has another size
   */
  Attendance come();
}
