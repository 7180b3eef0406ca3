package dev.pgkeeper.election;

/** What to do while leading. */
@FunctionalInterface
public interface LeadershipWork<X extends Exception> {
  /**
   * Runs on a thread of its own, which is interrupted when the leadership is lost, resigned from
   * another thread or the candidacy is closed. The leadership is given up when this returns.
   */
  void lead(Leadership leadership) throws X;
}
