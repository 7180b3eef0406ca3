package dev.pgkeeper.election;

import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.line.Line;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * An election: one of several candidates leads. Candidates are elected in the order in which they
 * stood; when the leader gives up, dies or is taken away, the next one is told.
 *
 * <pre>{@code
 * Candidacy candidacy =
 *     keeper.election("/billing/leader").requeueing().run(leadership -> bill(leadership));
 * Optional<Candidate> leader = keeper.election("/billing/leader").leader();
 * }</pre>
 *
 * <p>A candidate of {@link #run} leads by running work; a candidate of {@link #join} is told that
 * it leads. A candidate that waits costs a row and no thread. Immutable; any number of objects with
 * the same path are the same election, and each {@code run} or {@code join} is a candidate of its
 * own.
 *
 * <p>A leader may lose the leadership before it knows: so it should act in the database within
 * {@link Leadership#inTransaction} or after {@link Leadership#fence}, and hand {@link
 * Leadership#token} to whatever else it acts on.
 */
public final class Election {
  private static final String RECIPE = "election";

  private final Sessions sessions;
  private final Line line;
  private final String identity;
  private final byte[] data;
  private final boolean requeues;

  /**
   * @hidden made by a {@link dev.pgkeeper.Keeper}
   */
  public Election(Sessions sessions, String path) {
    this(
        sessions,
        sessions.line(path, RECIPE, 1),
        sessions.options().clientName(),
        new byte[0],
        false);
  }

  private Election(Sessions sessions, Line line, String identity, byte[] data, boolean requeues) {
    this.sessions = sessions;
    this.line = line;
    this.identity = identity;
    this.data = data;
    this.requeues = requeues;
  }

  /** What others see this candidate as; the client's name if not given. */
  public Election withIdentity(String newIdentity) {
    if (newIdentity.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("an identity cannot contain the character NUL");
    }
    return new Election(sessions, line, newIdentity, data, requeues);
  }

  /** Something more that others see of this candidate. */
  public Election withData(byte[] newData) {
    return new Election(
        sessions, line, identity, Objects.requireNonNull(newData, "data"), requeues);
  }

  /**
   * Returns the same election for candidates that stand again, last in the line, each time their
   * work has returned, they have resigned, or they have lost the leadership, also with their
   * session; as long as the candidacy is open. Without this, a candidacy ends with its first
   * leadership.
   */
  public Election requeueing() {
    return new Election(sessions, line, identity, data, true);
  }

  public String path() {
    return line.path();
  }

  /**
   * Stands for election, and runs the work while leading. The leadership is given up when the work
   * has returned; what it throws is told to {@link Candidacy#onError}.
   */
  public Candidacy run(LeadershipWork<?> work) {
    return stand(Duty.of(work));
  }

  /** Stands for election, and tells the listener. */
  public Candidacy join(LeadershipListener listener) {
    return stand(Duty.of(listener));
  }

  private Candidacy stand(Duty duty) {
    return Candidacy.stand(sessions, line, new CandidateInfo(identity, data), duty, requeues);
  }

  public Optional<Candidate> leader() {
    return candidates().stream().filter(Candidate::leads).findFirst();
  }

  /** All who stand, in the order in which they will lead; the leader first. */
  public List<Candidate> candidates() {
    return line.contenders().stream().map(Candidate::of).toList();
  }

  @Override
  public String toString() {
    return "Election[" + path() + "]";
  }
}
