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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
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
 * participants there are, and which numbers have entered last: whoever comes, and sees that nobody
 * of an earlier round is there and enough of the next one are, writes the numbers of these, if
 * nobody else did. So a round begins once, at one moment, for the same participants in everybody's
 * eyes; who wakes up for whatever other reason waits on. Who leaves marks its child; who sees that
 * all are marked deletes them at one moment, which ends the round. Each of the others waits for the
 * end of the child of one who had not left yet when it looked: so there is always somebody who is
 * told when one dies, and nobody is woken while the others just leave.
 *
 * <p>A participant that dies while it waits to enter is not counted any more: its place is for
 * somebody else. One that dies between entering and leaving has left as soon as its session ends.
 * Whoever comes while all places are taken is refused with {@link KeeperException.Busy}. All have
 * to name the same number of participants; it stays settled until the node is deleted.
 */
public final class DoubleBarrier {
  private static final Logger log = LoggerFactory.getLogger(DoubleBarrier.class);
  private static final Pattern STATE =
      Pattern.compile("participants=(\\d{1,9}) entered=(-?\\d{1,18})\\.\\.(-?\\d{1,18})");
  private static final String PREFIX = "p-";
  private static final Pattern NAME = Pattern.compile(PREFIX + "\\d{1,18}");
  private static final byte[] LEFT = "left".getBytes(StandardCharsets.US_ASCII);
  private static final int MOST = 10_000;

  /** How many are asked about before all are: most often one of them is still inside. */
  private static final int SAMPLE = 4;

  private final Keeper keeper;
  private final String path;
  private final int participants;
  private @Nullable Inside inside;

  /** The numbers of those who entered last. */
  private record Round(long first, long last) {
    static final Round NONE = new Round(-1, -1);

    boolean has(String name) {
      return first <= number(name) && number(name) <= last;
    }
  }

  /** This participant's child, and the round it is in. */
  private record Inside(String name, Round round) {}

  /** A barrier of 1 to 10,000 participants. */
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
      keeper.tree().create(NewNode.at(path).data(state(Round.NONE)).withParents());
    } catch (KeeperException.NodeExists e) {
      // somebody else did
    }
  }

  private byte[] state(Round round) {
    return ("participants=" + participants + " entered=" + round.first() + ".." + round.last())
        .getBytes(StandardCharsets.US_ASCII);
  }

  private Round round(Node barrier) {
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
    return new Round(Long.parseLong(state.group(2)), Long.parseLong(state.group(3)));
  }

  /** Null: the time is over, and this participant is not counted on. */
  private @Nullable Inside awaitOthers(String name, Waiting waiting) throws InterruptedException {
    while (true) {
      Node barrier = waiting.get(path).orElseThrow(() -> KeeperException.of(Code.NO_NODE, path));
      Round round = round(barrier);
      if (round.has(name)) {
        return new Inside(name, round);
      } else if (barrier.stat().numChildren() >= participants && begin(barrier, round, name)) {
        continue;
      } else if (!waiting.await() && giveUp(barrier, name)) {
        return null;
      }
    }
  }

  /**
   * Begins a round if enough have come. False: they have not, and whoever comes next looks again.
   */
  private boolean begin(Node barrier, Round before, String name) {
    List<String> present = present();
    int place = present.indexOf(name);
    if (place < 0) {
      throw KeeperException.of(Code.NO_NODE, child(name));
    } else if (place >= participants) {
      throw new KeeperException.Busy(
          path,
          path
              + ": all places of this barrier of "
              + participants
              + " are taken; try again when some have left");
    } else if (present.size() < participants || number(present.get(0)) <= before.last()) {
      return false;
    }
    Round next = new Round(number(present.get(0)), number(present.get(participants - 1)));
    try {
      keeper.tree().set(path, state(next), barrier.stat().version());
    } catch (KeeperException.BadVersion e) {
      // somebody else was quicker
    }
    return true;
  }

  /** False: a round has begun meanwhile. */
  private boolean giveUp(Node barrier, String name) {
    try {
      keeper.tree().multi(Op.check(path, barrier.stat().version()), Op.delete(child(name)));
      return true;
    } catch (KeeperException.MultiFailed e) {
      if (e.code() == Code.BAD_VERSION) {
        return false;
      }
      throw KeeperException.of(e.code(), child(name));
    }
  }

  /** False: it could not be deleted, and goes with the session. */
  private boolean withdraw(String name) {
    try {
      keeper.tree().delete(child(name));
      return true;
    } catch (KeeperException.NoNode e) {
      return true;
    } catch (KeeperException | IllegalStateException e) {
      log.info("{}: {} goes with the session: {}", path, name, e.getMessage());
      return false;
    }
  }

  /** Leaves, and waits until all have left, as long as it takes. */
  public void leave() throws InterruptedException {
    leave(Waiting.FOREVER);
  }

  /**
   * Leaves, and waits at most so long until all have left. False: this one has, some others have
   * not. After a failure or an interrupt it has left too, unless the database could not be reached:
   * then leave again.
   */
  public boolean leave(Duration patience) throws InterruptedException {
    Inside mine = inside;
    if (mine == null) {
      throw new IllegalStateException(path + ": this participant has not entered");
    }
    try (Waiting waiting = new Waiting(keeper, patience)) {
      boolean over = awaitEnd(mine, waiting);
      inside = null;
      return over;
    } finally {
      // After a failure: somebody may wait for this one, who would not be told otherwise.
      if (inside != null && withdraw(mine.name())) {
        inside = null;
      }
    }
  }

  /** False: the time is over, and this participant has gone before the others. */
  private boolean awaitEnd(Inside mine, Waiting waiting) throws InterruptedException {
    boolean over = !mark(mine.name());
    while (!over) {
      Optional<String> other = stillInside(mine.round());
      if (other.isEmpty()) {
        over = end(mine.round());
      } else if (waiting.isThere(child(other.get())) && !waiting.await()) {
        return !goAlone(mine.name());
      }
      over = over || keeper.tree().exists(child(mine.name())).isEmpty();
    }
    return true;
  }

  /** False: the child has gone, because the round is over. */
  private boolean mark(String name) {
    try {
      keeper.tree().set(child(name), LEFT);
      return true;
    } catch (KeeperException.NoNode e) {
      return false;
    }
  }

  /** False: the round was just over. */
  private boolean goAlone(String name) {
    try {
      keeper.tree().delete(child(name));
      return true;
    } catch (KeeperException.NoNode e) {
      return false;
    }
  }

  /** One who has not left; empty if there is none. Any of them: who chooses alike wakes alike. */
  private Optional<String> stillInside(Round round) {
    List<String> some =
        ThreadLocalRandom.current()
            .longs(SAMPLE, round.first(), round.last() + 1)
            .mapToObj(number -> String.format(Locale.ROOT, "%s%010d", PREFIX, number))
            .toList();
    Optional<String> found = unmarked(some);
    return found.isPresent() ? found : unmarked(present(round));
  }

  private Optional<String> unmarked(List<String> names) {
    List<Read> reads = names.stream().map(name -> Read.node(child(name))).toList();
    List<ReadResult> results = keeper.tree().readAll(reads);
    for (int i = 0; i < results.size(); i++) {
      Node node = results.get(i).node();
      if (node != null && !Arrays.equals(node.data(), LEFT)) {
        return Optional.of(names.get(i));
      }
    }
    return Optional.empty();
  }

  /** All have left. False: one of them is just gone for another reason. */
  private boolean end(Round round) {
    List<Op> deletions = new ArrayList<>();
    present(round).forEach(name -> deletions.add(Op.delete(child(name))));
    try {
      keeper.tree().multi(deletions);
      return true;
    } catch (KeeperException.MultiFailed e) {
      if (e.code() == Code.NO_NODE) {
        return false;
      }
      throw e;
    }
  }

  private List<String> present(Round round) {
    return present().stream().filter(round::has).toList();
  }

  private List<String> present() {
    try {
      return keeper.tree().children(path).stream().filter(NAME.asMatchPredicate()).toList();
    } catch (KeeperException.NoNode e) {
      return List.of();
    }
  }

  private String child(String name) {
    return path + "/" + name;
  }

  private static long number(String name) {
    return Long.parseLong(name.substring(PREFIX.length()));
  }

  @Override
  public String toString() {
    return "DoubleBarrier[" + path + ", " + participants + " participants]";
  }
}
