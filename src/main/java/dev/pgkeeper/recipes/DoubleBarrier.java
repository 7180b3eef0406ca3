package dev.pgkeeper.recipes;

import dev.pgkeeper.CreateMode;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.NewNode;
import dev.pgkeeper.Node;
import dev.pgkeeper.Op;
import dev.pgkeeper.Read;
import dev.pgkeeper.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * So many participants begin together and end together, again and again: {@link #enter} returns
 * when as many have come as are needed, {@link #leave} when all of these have left. One object is
 * one participant.
 *
 * <p>Each participant is an ephemeral, numbered child of the node. The node says how many
 * participants there are, and up to which number they have entered: whoever sees that all of an
 * earlier round are gone and that enough new ones are there writes the number of the last of these,
 * if nobody else did. So a round begins once, at one moment, for the same participants in
 * everybody's eyes; who wakes up for whatever other reason waits on.
 *
 * <p>A participant that dies while it waits to enter is not counted any more: its place is for
 * somebody else. One that dies between entering and leaving has left as soon as its session ends.
 * Whoever comes while all places are taken is refused with {@link KeeperException.Busy}. All have
 * to name the same number of participants; it stays settled until the node is deleted.
 */
public final class DoubleBarrier {
  private static final Logger log = LoggerFactory.getLogger(DoubleBarrier.class);
  private static final Pattern STATE =
      Pattern.compile("participants=(\\d{1,9}) through=(-?\\d{1,19})");
  private static final String PREFIX = "p-";
  private static final Pattern NAME = Pattern.compile(PREFIX + "\\d{1,18}");
  private static final int MOST = 100_000;

  private final Keeper keeper;
  private final String path;
  private final int participants;
  private @Nullable Round inside;

  /**
   * @param name this participant's child
   * @param through the number of the last participant
   * @param barrier which node this was
   */
  private record Round(String name, long through, long barrier) {}

  /** What was there at one moment. */
  private record Seen(Node barrier, long through, List<String> present) {
    /** Of a round that has begun. */
    List<String> entered(long upTo) {
      return present.stream().filter(name -> number(name) <= upTo).toList();
    }

    List<String> coming() {
      return present.stream().filter(name -> number(name) > through).toList();
    }
  }

  /** A barrier of 1 to 100,000 participants. */
  public DoubleBarrier(Keeper keeper, String path, int participants) {
    if (participants < 1 || participants > MOST) {
      throw new IllegalArgumentException(
          path + ": a barrier of " + participants + " participants; use 1 to " + MOST);
    }
    this.keeper = Objects.requireNonNull(keeper, "keeper");
    this.path = Objects.requireNonNull(path, "path");
    this.participants = participants;
  }

  public String path() {
    return path;
  }

  public int participants() {
    return participants;
  }

  /** Waits for the others, as long as it takes. */
  public void enter() throws InterruptedException {
    enter(Waiting.FOREVER);
  }

  /**
   * Waits for the others at most so long. False: they did not come, and this one has withdrawn.
   *
   * @throws KeeperException.Busy if all places are taken
   */
  public boolean enter(Duration patience) throws InterruptedException {
    if (inside != null) {
      throw new IllegalStateException(
          path + ": this participant has entered and not left; others need an object of their own");
    }
    try (Waiting waiting = new Waiting(keeper, patience)) {
      String name = come();
      try {
        inside = awaitOthers(name, waiting);
      } finally {
        if (inside == null) {
          withdraw(name);
        }
      }
      return inside != null;
    }
  }

  private String come() {
    NewNode participant = NewNode.at(path + "/" + PREFIX).mode(CreateMode.EPHEMERAL_SEQUENTIAL);
    while (true) {
      try {
        return keeper.tree().create(participant).path().substring(path.length() + 1);
      } catch (KeeperException.NoNode e) {
        make();
      }
    }
  }

  private void make() {
    try {
      keeper.tree().create(NewNode.at(path).data(state(-1)).withParents());
    } catch (KeeperException.NodeExists e) {
      // somebody else did
    }
  }

  private byte[] state(long through) {
    return ("participants=" + participants + " through=" + through)
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Null: the time is over, and this participant is not counted on. */
  private @Nullable Round awaitOthers(String name, Waiting waiting) throws InterruptedException {
    while (true) {
      Seen seen = look();
      long through = seen.through();
      int place = seen.present().indexOf(name);
      if (place < 0) {
        throw KeeperException.of(Code.NO_NODE, path + "/" + name);
      } else if (place >= participants) {
        throw new KeeperException.Busy(
            path,
            path
                + ": all places of this barrier of "
                + participants
                + " are taken; try again when some have left");
      }
      List<String> coming = seen.coming();
      boolean alone = coming.size() == seen.present().size();
      if (number(name) > through && alone && coming.size() >= participants) {
        through = begin(seen, coming.get(participants - 1));
      }
      if (number(name) <= through) {
        return new Round(name, through, seen.barrier().stat().czxid());
      } else if (isStill(seen, alone, waiting) && !waiting.await() && giveUp(seen, name)) {
        return null;
      }
    }
  }

  /** Up to where participants have entered then; somebody else may have been quicker. */
  private long begin(Seen seen, String last) {
    try {
      keeper.tree().set(path, state(number(last)), seen.barrier().stat().version());
      return number(last);
    } catch (KeeperException.BadVersion e) {
      return seen.through();
    }
  }

  /** Leaves a watch on what has to happen next: false if it has happened. */
  private boolean isStill(Seen seen, boolean alone, Waiting waiting) {
    if (alone) {
      return waiting
          .get(path)
          .filter(now -> now.stat().version() == seen.barrier().stat().version())
          .isPresent();
    }
    return isThere(anyOf(seen.entered(seen.through())), waiting);
  }

  /**
   * Of those who are waited for. Not always the first, nor the last: each who goes would wake all
   * the others, and these would all wait for the same one again.
   */
  private static String anyOf(List<String> names) {
    return names.get(ThreadLocalRandom.current().nextInt(names.size()));
  }

  private boolean isThere(String name, Waiting waiting) {
    return waiting.exists(path + "/" + name).isPresent();
  }

  /** False: a round has begun meanwhile. */
  private boolean giveUp(Seen seen, String name) {
    try {
      keeper
          .tree()
          .multi(Op.check(path, seen.barrier().stat().version()), Op.delete(path + "/" + name));
      return true;
    } catch (KeeperException.MultiFailed e) {
      if (e.code() == Code.BAD_VERSION || e.code() == Code.NO_NODE) {
        return false;
      }
      throw e;
    }
  }

  /** After a failure; what cannot be deleted goes with the session. */
  private void withdraw(String name) {
    try {
      keeper.tree().delete(path + "/" + name);
    } catch (KeeperException.NoNode e) {
      // it gave up in good order
    } catch (KeeperException | IllegalStateException e) {
      log.info("{}: {} goes with the session: {}", path, name, e.getMessage());
    }
  }

  /** Leaves, and waits until all have left, as long as it takes. */
  public void leave() throws InterruptedException {
    leave(Waiting.FOREVER);
  }

  /**
   * Leaves, and waits at most so long until all have left. False: this one has, some others have
   * not.
   */
  public boolean leave(Duration patience) throws InterruptedException {
    Round round = inside;
    if (round == null) {
      throw new IllegalStateException(path + ": this participant has not entered");
    }
    try (Waiting waiting = new Waiting(keeper, patience)) {
      go(round);
      while (true) {
        List<String> others = others(round);
        if (others.isEmpty()) {
          return true;
        } else if (isThere(anyOf(others), waiting) && !waiting.await()) {
          return false;
        }
      }
    }
  }

  private void go(Round round) {
    try {
      keeper.tree().delete(path + "/" + round.name());
    } catch (KeeperException.NoNode e) {
      // somebody deleted it, or the reply to an earlier attempt was lost
    }
    inside = null;
  }

  /** Who of the round is still there. */
  private List<String> others(Round round) {
    try {
      Seen seen = look();
      boolean same = seen.barrier().stat().czxid() == round.barrier();
      return same ? seen.entered(round.through()) : List.of();
    } catch (KeeperException.NoNode e) {
      return List.of();
    }
  }

  private Seen look() {
    List<ReadResult> results = keeper.tree().readAll(List.of(Read.node(path), Read.children(path)));
    Node barrier = results.get(0).node();
    List<String> present = results.get(1).children();
    if (barrier == null || present == null) {
      throw KeeperException.of(Code.NO_NODE, path);
    }
    Matcher state = STATE.matcher(new String(barrier.data(), StandardCharsets.ISO_8859_1));
    if (!state.matches()) {
      throw new KeeperException.WrongRecipe(path, path + ": the node is not a double barrier");
    } else if (Integer.parseInt(state.group(1)) != participants) {
      throw new KeeperException.WrongRecipe(
          path,
          path
              + ": there is a barrier of "
              + state.group(1)
              + " participants, and a barrier of "
              + participants
              + " was asked for");
    }
    List<String> ours = present.stream().filter(NAME.asMatchPredicate()).toList();
    return new Seen(barrier, Long.parseLong(state.group(2)), ours);
  }

  private static long number(String name) {
    return Long.parseLong(name.substring(PREFIX.length()));
  }

  @Override
  public String toString() {
    return "DoubleBarrier[" + path + ", " + participants + " participants]";
  }
}
