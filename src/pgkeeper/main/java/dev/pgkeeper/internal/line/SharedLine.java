package dev.pgkeeper.internal.line;

import dev.pgkeeper.Held;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.path.Paths;
import dev.pgkeeper.line.Contender;
import dev.pgkeeper.line.Line;
import dev.pgkeeper.line.LineRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A line as one client sees it. */
public final class SharedLine implements Line {
  /** Nobody waits longer: a year. */
  private static final Duration FOREVER = Duration.ofDays(365);

  private final Supplier<Lines> present;
  private final Executor background;
  private final String chroot;
  private final String path;
  private final String at;
  private final String recipe;
  private final int permits;

  /**
   * @param present the lines of the session that there is when a call begins
   * @param background where it is waited for them on behalf of who does not wait
   */
  public SharedLine(
      Supplier<Lines> present,
      Executor background,
      String chroot,
      String path,
      String recipe,
      int permits) {
    this.present = present;
    this.background = background;
    this.chroot = chroot;
    this.path = Paths.check(path);
    this.at = Paths.check(Paths.under(chroot, path));
    this.recipe = recipe;
    this.permits = permits;
    if (at.equals("/")) {
      throw new IllegalArgumentException("/: the root is a plain node; use a path below it");
    } else if (permits < 1) {
      throw new IllegalArgumentException(path + ": " + permits + " permits; use at least 1");
    }
  }

  @Override
  public String path() {
    return path;
  }

  private void check(LineRequest request) {
    if (Character.isDigit(request.what().charAt(0)) && Integer.parseInt(request.what()) > permits) {
      throw new IllegalArgumentException(
          path + ": " + request.what() + " permits are asked for, and there are only " + permits);
    }
  }

  private Join newJoin(Lines lines, LineRequest request, boolean tries) {
    check(request);
    return new Join(at, recipe, permits, request, tries, lines.newKey());
  }

  @Override
  public Optional<Held> tryJoin(LineRequest request) {
    Lines lines = present.get();
    return Optional.ofNullable(lines.join(newJoin(lines, request, true)))
        .map(entry -> hold(lines, entry));
  }

  private Held hold(Lines lines, LineEntry entry) {
    return new Hold(lines, entry, path, Paths.from(chroot, entry.node));
  }

  @Override
  public Held join(LineRequest request) throws InterruptedException {
    return tryJoin(request, FOREVER).orElseThrow();
  }

  @Override
  public Optional<Held> tryJoin(LineRequest request, Duration patience)
      throws InterruptedException {
    return Optional.ofNullable(joinBy(request, System.nanoTime() + nanos(patience)));
  }

  private static long nanos(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("the patience is " + patience + "; use 0 or more");
    }
    return patience.compareTo(FOREVER) > 0 ? FOREVER.toNanos() : patience.toNanos();
  }

  @Override
  public Held join(LineRequest request, Duration patience) throws InterruptedException {
    Held held = joinBy(request, System.nanoTime() + nanos(patience));
    if (held == null) {
      throw new KeeperException.Busy(
          path,
          path
              + " could not be had in "
              + patience
              + ": "
              + contenders().stream()
                  .filter(Contender::holds)
                  .map(Contender::toString)
                  .collect(Collectors.joining("; ")));
    }
    return held;
  }

  private @Nullable Held joinBy(LineRequest request, long deadline) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    Lines lines = present.get();
    LineEntry entry = lines.join(newJoin(lines, request, false));
    boolean holds = false;
    if (entry == null) {
      throw new IllegalStateException(
          at + ": the database answered busy to a request that would have waited");
    }
    try {
      holds = lines.await(entry, deadline);
    } finally {
      if (!holds) {
        lines.leave(entry);
      }
    }
    return holds ? hold(lines, entry) : null;
  }

  @Override
  public CompletableFuture<Held> joinAsync(LineRequest request) {
    check(request);
    CompletableFuture<Held> result = new CompletableFuture<>();
    background.execute(
        () -> {
          if (!result.isDone()) {
            joinFor(request, result);
          }
        });
    return result;
  }

  private void joinFor(LineRequest request, CompletableFuture<Held> result) {
    try {
      Lines lines = present.get();
      LineEntry entry = lines.join(newJoin(lines, request, false));
      if (entry == null) {
        throw new IllegalStateException(
            at + ": the database answered busy to a request that would have waited");
      }
      entry.whenDecided(() -> lines.later(() -> pass(lines, entry, result)));
      var unused =
          result.whenComplete(
              (held, failure) -> {
                if (held == null) {
                  lines.later(() -> lines.leave(entry));
                }
              });
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
    }
  }

  private void pass(Lines lines, LineEntry entry, CompletableFuture<Held> result) {
    if (entry.phase() == LineEntry.Phase.HOLDS) {
      Held held = hold(lines, entry);
      if (!result.complete(held)) {
        held.close();
      }
      return;
    }
    try {
      throw lines.gone(entry);
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  @Override
  public List<Contender> contenders() {
    Lines lines = present.get();
    lines.session().ensureUsable();
    return lines.database().read(lines.calls().contenders(at, node -> Paths.from(chroot, node)));
  }

  @Override
  public int revoke() {
    Lines lines = present.get();
    lines.session().ensureUsable();
    return lines.database().read(lines.calls().lineRevoke(at));
  }

  @Override
  public Held downgrade(Held write) {
    if (!(write instanceof Hold hold)
        || !hold.entry().join.line().equals(at)
        || !hold.entry().join.request().what().equals("write")) {
      throw new IllegalArgumentException(path + ": " + write + " is no hold of all of its permits");
    }
    hold.ensureHeld();
    if (hold.isFencedHere()) {
      throw new IllegalStateException(
          path + ": the transaction of this thread fences it as a write; end that first");
    }
    return hold(hold.lines(), hold.lines().downgrade(hold));
  }
}
