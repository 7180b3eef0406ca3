package dev.pgkeeper.election;

import dev.pgkeeper.Subscription;
import dev.pgkeeper.internal.recipe.ErrorListeners;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Line;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Standing for election, until it is closed, or the leadership is over and it does not stand again.
 * Whoever waits when its session ends waits again in the next one, last in the line.
 */
public final class Candidacy implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Candidacy.class);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);
  private static final Duration LONGEST = Duration.ofDays(365);

  private final String name;
  private final ErrorListeners errors;
  private final CandidacyLoop loop;

  private Candidacy(Sessions sessions, Line line, CandidateInfo info, Duty duty, boolean requeues) {
    this.name = line.path() + ", candidate " + info.identity();
    this.errors = new ErrorListeners(name);
    this.loop = new CandidacyLoop(sessions, line, info, duty, requeues, errors);
  }

  static Candidacy stand(
      Sessions sessions, Line line, CandidateInfo info, Duty duty, boolean requeues) {
    Candidacy candidacy = new Candidacy(sessions, line, info, duty, requeues);
    candidacy.loop.stand();
    return candidacy;
  }

  /** The leadership, while it is certainly this candidate's own. */
  public Optional<Leadership> leadership() {
    return loop.leadership();
  }

  public boolean isLeader() {
    return leadership().isPresent();
  }

  /** Waits until it leads. Returns false if the candidacy has ended instead. */
  public boolean await() throws InterruptedException {
    return await(LONGEST);
  }

  /** Waits until it leads. Returns false if it does not yet, or if the candidacy has ended. */
  public boolean await(Duration patience) throws InterruptedException {
    loop.await(
        () -> isLeader() || loop.isEnded(), patience.compareTo(LONGEST) < 0 ? patience : LONGEST);
    return isLeader();
  }

  /**
   * Tells what the work or the leadership listener throws from now on. Also tells why the candidacy
   * ended, if nobody closed it; at once if it has ended already. What no listener is told of is
   * logged as an error.
   */
  public Subscription onError(Consumer<Throwable> listener) {
    return errors.add(Objects.requireNonNull(listener, "listener"));
  }

  /**
   * Stops standing for election. If it leads: interrupts the work, or tells {@link
   * LeadershipListener#onLost}, and gives the leadership up when that has returned. Waits for this,
   * but not for more than 10 seconds, and not when called by the work or the listener itself.
   */
  @Override
  public void close() {
    close(false, CLOSE_PATIENCE);
  }

  /**
   * Closes with another patience. Returns false if what it does for its leadership still goes on.
   */
  public boolean close(Duration patience) {
    return close(false, patience);
  }

  /** Closes like {@link #close()}, but tells no listener. */
  public void closeSilently() {
    close(true, CLOSE_PATIENCE);
  }

  private boolean close(boolean silently, Duration patience) {
    loop.close(silently);
    if (!loop.isOwnThread()) {
      try {
        loop.await(loop::isEnded, patience);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (!loop.isEnded()) {
        log.warn("{}: still leads until its work returns", name);
      }
    }
    return loop.isEnded();
  }

  @Override
  public String toString() {
    return "Candidacy[" + name + (isLeader() ? ", leads]" : "]");
  }
}
