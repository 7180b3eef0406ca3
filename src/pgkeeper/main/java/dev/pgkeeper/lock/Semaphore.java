package dev.pgkeeper.lock;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * So many permits, of which each acquisition takes one or several. First come first served: a
 * caller that asks for many is not overtaken by those that ask for few.
 *
 * <pre>{@code
 * Semaphore licences = keeper.semaphore("/licences", 10);
 * try (Held two = licences.acquire(2)) {
 *   serve();
 * }
 * }</pre>
 *
 * <p>The first one who uses the path settles the size, and everybody else has to name the same one.
 * It stays settled until somebody deletes the node: {@code
 * keeper.tree().deleteRecursive(semaphore.path())}, which takes the permits from all who hold some.
 *
 * <p>Immutable; any number of objects with the same path are the same semaphore.
 */
public final class Semaphore {
  private static final String RECIPE = "semaphore";
  private static final int MOST = 999_999_999;

  private final Line line;
  private final int permits;
  private final UnaryOperator<LineRequest> extras;

  /**
   * A semaphore of 1 to 999,999,999 permits.
   *
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Semaphore(Sessions sessions, String path, int permits) {
    this(sessions.line(path, RECIPE, checked(path, permits)), permits, UnaryOperator.identity());
  }

  private Semaphore(Line line, int permits, UnaryOperator<LineRequest> extras) {
    this.line = line;
    this.permits = permits;
    this.extras = extras;
  }

  private static int checked(String path, int permits) {
    if (permits < 1 || permits > MOST) {
      throw new IllegalArgumentException(
          path + ": a semaphore of " + permits + " permits; use 1 to " + MOST);
    }
    return permits;
  }

  /**
   * Returns the same semaphore for permits that go back by themselves this long after they were
   * granted.
   */
  public Semaphore atMost(Duration limit) {
    return new Semaphore(line, permits, ask -> extras.apply(ask).atMost(limit));
  }

  /** Returns the same semaphore with data that others see of whoever waits or holds. */
  public Semaphore withData(byte[] data) {
    return new Semaphore(line, permits, ask -> extras.apply(ask).data(data));
  }

  public String path() {
    return line.path();
  }

  /** How many there are, whoever has them. */
  public int permits() {
    return permits;
  }

  private LineRequest ask(int number) {
    if (number < 1 || number > permits) {
      throw new IllegalArgumentException(
          path() + ": " + number + " permits are asked for; use 1 to " + permits);
    }
    return extras.apply(LineRequest.of(Integer.toString(number)));
  }

  /** Waits for one as long as it takes. */
  public Held acquire() throws InterruptedException {
    return acquire(1);
  }

  /** Waits for so many as long as it takes, and has them all at once. */
  public Held acquire(int number) throws InterruptedException {
    return line.join(ask(number));
  }

  /**
   * Waits at most this long.
   *
   * @throws KeeperException.Busy if that was not enough; names the holders
   */
  public Held acquire(int number, Duration patience) throws InterruptedException {
    return line.join(ask(number), patience);
  }

  /** Empty if none is free, or somebody waits. */
  public Optional<Held> tryAcquire() {
    return tryAcquire(1);
  }

  /** Empty if fewer than this are free, or if somebody waits. */
  public Optional<Held> tryAcquire(int number) {
    return line.tryJoin(ask(number));
  }

  /** Waits for this many permits; empty if they did not become free in this time. */
  public Optional<Held> tryAcquire(int number, Duration patience) throws InterruptedException {
    return line.tryJoin(ask(number), patience);
  }

  /** Waits without a thread; cancel the future to give up. */
  public CompletableFuture<Held> acquireAsync(int number) {
    return line.joinAsync(ask(number));
  }

  /** How many permits nobody holds at this moment; those who wait may be waiting for them. */
  public int available() {
    return permits - holders().stream().mapToInt(Semaphore::number).sum();
  }

  private static int number(Contender contender) {
    return Integer.parseInt(contender.what());
  }

  /** Who holds some, first come first. */
  public List<Contender> holders() {
    return line.contenders().stream().filter(Contender::holds).toList();
  }

  /** Who waits, first come first. */
  public List<Contender> waiters() {
    return line.contenders().stream().filter(contender -> !contender.holds()).toList();
  }

  @Override
  public String toString() {
    return "Semaphore[" + path() + ", " + permits + " permits]";
  }
}
