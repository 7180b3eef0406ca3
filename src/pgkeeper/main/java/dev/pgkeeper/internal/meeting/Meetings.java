package dev.pgkeeper.internal.meeting;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.internal.jdbc.Combiner;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.FoundInstead;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.meeting.MeetingCalls.Child;
import dev.pgkeeper.internal.meeting.MeetingCalls.Coming;
import dev.pgkeeper.internal.meeting.MeetingCalls.Found;
import dev.pgkeeper.internal.meeting.MeetingCalls.Leaving;
import dev.pgkeeper.internal.meeting.Participant.Round;
import dev.pgkeeper.internal.session.Caller;
import dev.pgkeeper.internal.session.ClientSession;
import dev.pgkeeper.internal.session.SessionService;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All of this client's that take part in meetings (R__14_meetings.sql). Coming and leaving are one
 * round trip each, those of several threads go together. Each is known by a key before it comes, so
 * a ring that is quicker than the reply finds it; a ring says how far its round is by what only
 * somebody who knows the key can say. Lost rings, and what a crash of the server forgot, are found
 * by the session's sweep.
 */
public final class Meetings implements SessionService {
  private static final Logger log = LoggerFactory.getLogger(Meetings.class);

  private final Database database;
  private final ClientSession session;
  private final MeetingCalls calls;
  private final Combiner<Coming, Outcome> coming =
      new Combiner<>(this::comeAlone, this::comeTogether);
  private final Combiner<Leaving, Boolean> leaving =
      new Combiner<>(this::leaveAlone, this::leaveTogether);

  private final Set<Participant> participants = ConcurrentHashMap.newKeySet();

  /** What may be rung for those who take part, and what it says; all else is nothing. */
  private final Map<String, Said> rings = new ConcurrentHashMap<>();

  private record Said(Participant of, Round round) {}

  private final SecureRandom keys = new SecureRandom();

  public Meetings(Database database, ClientSession session) {
    this.database = database;
    this.session = session;
    this.calls = new MeetingCalls(database.schema());
    session.accompany(this);
  }

  void ensureUsable() {
    session.ensureUsable();
  }

  // Coming.

  Participant come(SharedMeeting meeting) {
    Participant participant = new Participant(this, meeting, keys.nextLong());
    participants.add(participant);
    rings.put(participant.ringOf(Round.BEGUN), new Said(participant, Round.BEGUN));
    rings.put(participant.ringOf(Round.OVER), new Said(participant, Round.OVER));
    boolean came = false;
    try {
      come(participant);
      came = true;
      return participant;
    } finally {
      if (!came) {
        forget(participant);
      }
    }
  }

  /** Also once more, where a crash or somebody else has taken its child away. */
  void come(Participant participant) {
    session.ensureUsable();
    SharedMeeting meeting = participant.where();
    Outcome outcome = coming.apply(new Coming(meeting.at(), meeting.size(), participant.key));
    if (outcome.code() == Code.BUSY) {
      throw new KeeperException.Busy(
          meeting.path(),
          meeting.path()
              + ": all "
              + meeting.size()
              + " places are taken; try again when some have left");
    } else if (outcome.code() == Code.WRONG_RECIPE) {
      throw wrongRecipe(meeting);
    }
    ComeReply reply = ComeReply.of(outcome.ok(meeting.path()));
    participant.came(reply.number(), reply.isBegun());
  }

  private KeeperException wrongRecipe(SharedMeeting meeting) {
    return new KeeperException.WrongRecipe(
        meeting.path(),
        meeting.path()
            + " is "
            + database.read(FoundInstead.at(database.schema(), meeting.at()))
            + ", not double-barrier of "
            + meeting.size()
            + "; use another path, or the same recipe and number as everybody else");
  }

  private Outcome comeAlone(Coming one) {
    return database
        .request(
            calls.requestMeetingComeSql(),
            (statement, first) -> MeetingCalls.bind(statement, first, List.of(one)),
            Database.RingFor::watchedNodes)
        .get(0);
  }

  private @Nullable List<Outcome> comeTogether(List<Coming> all) {
    return database.requestOnce(
        calls.requestMeetingComeSql(),
        (statement, first) -> MeetingCalls.bind(statement, first, all),
        Database.RingFor::watchedNodes);
  }

  // Going.

  /** Quits before the round begins. Returns false if the round has begun. */
  boolean quit(Participant participant) {
    boolean gone = database.read(calls.meetingQuit(participant.meeting(), participant.number()));
    if (gone) {
      forget(participant);
    }
    return gone;
  }

  /** Whether its round is over. */
  boolean leave(Participant participant, boolean waits) {
    session.ensureUsable();
    return leaving.apply(new Leaving(participant.meeting(), participant.number(), waits));
  }

  private boolean leaveAlone(Leaving one) {
    return database.read(calls.meetingLeave(List.of(one))).get(0);
  }

  private @Nullable List<Boolean> leaveTogether(List<Leaving> all) {
    try {
      return database.readOnce(calls.meetingLeave(all));
    } catch (KeeperException e) {
      log.debug("session {}: leaving one by one, after: {}", session.id(), e.getMessage());
      return null;
    }
  }

  void forget(Participant participant) {
    participants.remove(participant);
    rings.remove(participant.ringOf(Round.BEGUN));
    rings.remove(participant.ringOf(Round.OVER));
  }

  // What the session tells.

  @Override
  public void rung(String payload) {
    Said said = rings.get(payload);
    if (said != null) {
      said.of.reach(said.round);
    }
  }

  @Override
  public boolean isIdle() {
    return participants.isEmpty();
  }

  @Override
  public void sweep(Caller caller) {
    Map<Long, Participant> known = new HashMap<>();
    participants.forEach(one -> known.put(one.number(), one));
    known.remove(0L); // still comes
    if (!known.isEmpty()) {
      List<Child> children = new ArrayList<>();
      known.forEach((number, one) -> children.add(new Child(one.meeting(), number)));
      Map<Long, Found> found = caller.call(calls.meetingSweep(children));
      known.forEach(
          (number, one) -> {
            Found now = found.get(number);
            if (now != null) {
              one.saw(now, number);
            }
          });
    }
  }

  @Override
  public void returned(Caller caller) {
    sweep(caller);
  }

  @Override
  public void told(SessionState state) {
    if (state.isTerminal()) {
      participants.forEach(Participant::wake);
    }
  }
}
