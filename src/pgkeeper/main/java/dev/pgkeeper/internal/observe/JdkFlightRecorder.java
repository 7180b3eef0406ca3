package dev.pgkeeper.internal.observe;

import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;

/**
 * Events in the JDK's own recordings. Their names are {@code pgkeeper.SlowWait}, {@code
 * pgkeeper.HoldLost}, {@code pgkeeper.SessionLost} and {@code pgkeeper.Reconnected}; recordings may
 * set another threshold for slow waits than a second.
 */
@SuppressWarnings("UnusedVariable") // the events' fields are read by the JDK
final class JdkFlightRecorder implements FlightRecorder {
  @Category("pgkeeper")
  @StackTrace(false)
  private abstract static class OfSession extends Event {
    @Label("Session")
    long session;
  }

  @Name("pgkeeper.SlowWait")
  @Label("Slow Wait")
  @Description("A contender waited long for its turn")
  @Threshold("1 s")
  private static final class SlowWait extends OfSession implements Waiting {
    @Label("Path")
    String path = "";

    @Label("Recipe")
    String recipe = "";

    @Label("End")
    @Description("What became of the wait: granted, given up, or lost")
    String outcome = "";

    @Override
    public void end(Wait.End how) {
      end();
      if (shouldCommit()) {
        outcome = how.name();
        commit();
      }
    }
  }

  @Name("pgkeeper.HoldLost")
  @Label("Hold Lost")
  @Description("Something held is over although nobody released it")
  private static final class HoldLost extends OfSession {
    @Label("Path")
    String path = "";

    @Label("Token")
    long token;
  }

  @Name("pgkeeper.SessionLost")
  @Label("Session Lost")
  @Description("A session ended, with all it owned")
  private static final class SessionLost extends OfSession {
    @Label("Reason")
    String reason = "";
  }

  @Name("pgkeeper.Reconnected")
  @Label("Reconnected")
  @Description("A client's own connection was opened again, and its session goes on")
  private static final class Reconnected extends OfSession {
    @Label("Away")
    @Timespan(Timespan.NANOSECONDS)
    long away;
  }

  @Override
  public Waiting waits(long session, String path, String recipe) {
    SlowWait event = new SlowWait();
    if (!event.isEnabled()) {
      return end -> {};
    }
    event.session = session;
    event.path = path;
    event.recipe = recipe;
    event.begin();
    return event;
  }

  @Override
  public void holdLost(long session, String path, long token) {
    HoldLost event = new HoldLost();
    if (event.shouldCommit()) {
      event.session = session;
      event.path = path;
      event.token = token;
      event.commit();
    }
  }

  @Override
  public void sessionLost(long session, String why) {
    SessionLost event = new SessionLost();
    if (event.shouldCommit()) {
      event.session = session;
      event.reason = why;
      event.commit();
    }
  }

  @Override
  public void reconnected(long session, Duration away) {
    Reconnected event = new Reconnected();
    if (event.shouldCommit()) {
      event.session = session;
      event.away = away.toNanos();
      event.commit();
    }
  }
}
