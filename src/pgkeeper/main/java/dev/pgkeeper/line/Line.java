package dev.pgkeeper.line;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A node where contenders wait for permits: what the recipes are made of, and what other recipes
 * can be made of. First come, first served: nobody gets ahead of somebody else, whatever either
 * asks for. Whoever waits costs a row, and no connection, thread or statement.
 *
 * <pre>{@code
 * Line seats = keeper.line("/dinner/table", "seats", 4);
 * try (Held held = seats.join(LineRequest.of("2"))) {
 *   serve();
 * }
 * }</pre>
 *
 * <p>What a contender gets stays its own until it is released or its session ends; there is nothing
 * to renew.
 */
public interface Line {
  String path();

  /** Joins if it can hold at once, or not at all. */
  Optional<Held> tryJoin(LineRequest request);

  /** Waits as long as it takes. */
  Held join(LineRequest request) throws InterruptedException;

  /** Empty if it could not be had in this time; then nothing of the attempt is left. */
  Optional<Held> tryJoin(LineRequest request, Duration patience) throws InterruptedException;

  /**
   * Joins like {@link #tryJoin}, with an exception that names who is in the way.
   *
   * @throws KeeperException.Busy if it could not be had in this time
   */
  Held join(LineRequest request, Duration patience) throws InterruptedException;

  /** Waits without a thread. Cancelling the future, or completing it otherwise, leaves the line. */
  CompletableFuture<Held> joinAsync(LineRequest request);

  /** All that wait or hold, first come first. */
  List<Contender> contenders();

  /** Asks all who hold to give back. Returns how many were asked. */
  int revoke();

  /**
   * Turns a hold of all permits (a {@code write}) into one of a single permit (a {@code read}) in
   * the same place, and lets in those who fit beside it. The hold that was handed in is released.
   */
  Held downgrade(Held write);
}
