package dev.pgkeeper.differential;

import dev.pgkeeper.KeeperException.Code;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.ReadResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Drives both sides step by step. Client number <i>n</i> has a session on each side, and what it is
 * asked to do is done on both. After each step both sides come to rest, and then its outcome, the
 * nodes that it changed or only named, their parents, and what each client's watchers were told are
 * compared; the whole tree is now and then.
 *
 * <p>Everything happens below one node, the root, which the clients see as {@code "/"} if there is
 * a chroot.
 */
final class Lockstep implements AutoCloseable {

  private static final int STEPS_REPORTED = 30;
  private static final int STEPS_BETWEEN_WHOLE_TREES = 100;

  /** A client's session on one side. */
  private record Seat(Client client, Listeners listeners) {
    Outcome run(Step step) {
      return Outcome.of(() -> step.run(client.tree(), listeners));
    }
  }

  /** A client: its two sessions. */
  private record Pair(Seat judge, Seat judged) {}

  private final Subject judge;
  private final Subject judged;
  private final String chroot;
  private final String root;
  private final Comparer comparer = new Comparer();
  private final Mirror mirror = new Mirror();
  private final Map<Integer, Pair> clients = new TreeMap<>();
  private final Map<Integer, List<Heard>> heard = new HashMap<>();
  private final Tally tally = new Tally();
  private final Deque<String> history = new ArrayDeque<>();
  private long steps;

  /**
   * @param home a node below the root that neither side has yet; it is created
   * @param chrooted whether the clients see it as their root
   */
  Lockstep(Subject judge, Subject judged, String home, boolean chrooted) {
    this.judge = judge;
    this.judged = judged;
    chroot = chrooted ? home : "/";
    root = chrooted ? "/" : home;
    judge.eye().create(NewNode.at(home));
    judged.eye().create(NewNode.at(home));
    refresh(List.of(root));
  }

  /** The path of the node below which everything happens, as the clients see it. */
  String root() {
    return root;
  }

  boolean isChrooted() {
    return !chroot.equals("/");
  }

  Mirror mirror() {
    return mirror;
  }

  /** What the client's watchers were told of the last step, by the judge. */
  List<Heard> heard(int client) {
    return heard.getOrDefault(client, List.of());
  }

  Tally tally() {
    return tally;
  }

  /** Opens a session for the client. */
  void open(int client) {
    note("client " + client + " opens its session");
    Pair pair =
        new Pair(
            new Seat(judge.open(chroot), new Listeners()),
            new Seat(judged.open(chroot), new Listeners()));
    comparer.sessions(pair.judge.client.sessionId(), pair.judged.client.sessionId());
    clients.put(client, pair);
  }

  /** Closes the client's session. */
  void close(int client) {
    note("client " + client + " closes its session");
    Pair pair = clients.remove(client);
    List<String> owned = mirror.ownedBy(pair.judge.client.sessionId());
    pair.judge.client.close();
    pair.judged.client.close();
    compareRest(owned, true);
  }

  /**
   * Has the servers end the client's session. Returns a look at what is left of it: what its
   * watchers hear of that, and what it is answered from now on.
   */
  Ended expire(int client) {
    note("client " + client + " loses its session");
    Pair pair = clients.remove(client);
    List<String> owned = mirror.ownedBy(pair.judge.client.sessionId());
    judge.expire(pair.judge.client);
    judged.expire(pair.judged.client);
    compareRest(owned, true);
    return new Ended(client, pair);
  }

  /** A client whose session has ended against its will. */
  final class Ended {
    private final int client;
    private final Pair pair;

    private Ended(int client, Pair pair) {
      this.client = client;
      this.pair = pair;
    }

    /** Waits until somebody heard of this state on both sides. */
    void awaitHeardOf(SessionState state) throws InterruptedException {
      long deadline = System.nanoTime() + Await.LIMIT.toNanos();
      while (byJudge(state).isEmpty() || byJudged(state).isEmpty()) {
        if (System.nanoTime() > deadline) {
          throw new Difference("who heard of " + state, byJudge(state), byJudged(state));
        }
        Thread.sleep(5);
      }
    }

    /** Which watchers heard of this state, each as often as it did, on both sides. */
    List<Integer> heardOf(SessionState state) {
      if (!byJudge(state).equals(byJudged(state))) {
        throw new Difference("who heard of " + state, byJudge(state), byJudged(state));
      }
      return byJudge(state);
    }

    private List<Integer> byJudge(SessionState state) {
      return pair.judge.listeners.heardOf(state);
    }

    private List<Integer> byJudged(SessionState state) {
      return pair.judged.listeners.heardOf(state);
    }

    Outcome perform(Step step) {
      return outcome(client, pair, step);
    }

    void close() {
      pair.judge.client.close();
      pair.judged.client.close();
    }
  }

  /** Has both sides delete the containers and nodes with a TTL that are due after so long. */
  void reap(long millis) {
    note("what is due after " + millis + " ms goes");
    judge.reap(millis);
    judged.reap(millis);
    compareRest(mirror.paths(), true);
  }

  /**
   * Does the step as this client. Returns the outcome, which is the same on both sides. Should a
   * step that changes no node tell something, that comes out with the next one that does.
   */
  Outcome perform(int client, Step step) {
    Pair pair = clients.get(client);
    Outcome outcome = outcome(client, pair, step);
    if (step.changesNodes()) {
      compareRest(changed(step, outcome), step.changesMany());
    }
    return outcome;
  }

  /**
   * Does one step and, at once, has the same or another client read a node that it changed. What
   * the step tells is told once, whether the read or a notification comes first.
   */
  void performThenRead(int writer, Step write, int reader, Step.Reading read) {
    Outcome outcome = outcome(writer, clients.get(writer), write);
    outcome(reader, clients.get(reader), read);
    compareRest(changed(write, outcome), true);
  }

  private Outcome outcome(int client, Pair pair, Step step) {
    note("client " + client + ": " + step);
    Outcome expected = pair.judge.run(step);
    Outcome actual = pair.judged.run(step);
    note("    " + shown(expected));
    tally.count(step, expected);
    comparer.outcomes(step, expected, actual);
    return expected;
  }

  private static String shown(Outcome outcome) {
    return outcome.isAnswer() ? "done" : outcome.toString();
  }

  private Collection<String> changed(Step step, Outcome outcome) {
    if (outcome.isRefusal()) {
      return List.of();
    }
    return outcome instanceof Outcome.Answer answer ? step.changed(answer, mirror) : step.named();
  }

  private void compareRest(Collection<String> changed, boolean many) {
    settle();
    boolean inOrder = !many && judged.tellsInOrder();
    Mirror before = inOrder ? mirror : mirror.copy();
    refresh(changed);
    heard.clear();
    clients.forEach(
        (number, pair) -> {
          List<Heard> expected = pair.judge.listeners.takeHeard();
          List<Heard> actual = pair.judged.listeners.takeHeard();
          expected.forEach(event -> tally.count("heard " + event.type()));
          heard.put(number, expected);
          if (inOrder) {
            comparer.heard("client " + number, expected, actual);
          } else {
            comparer.heardOfMany("client " + number, expected, actual, before, mirror);
          }
        });
    if (++steps % STEPS_BETWEEN_WHOLE_TREES == 0) {
      compareWholeTree();
    }
  }

  private void settle() {
    judge.settle(clients.values().stream().map(pair -> pair.judge.client).toList());
    judged.settle(clients.values().stream().map(pair -> pair.judged.client).toList());
  }

  /** Compares these nodes and their parents, and remembers what the judge says of them. */
  private void refresh(Collection<String> paths) {
    Set<String> affected = new TreeSet<>();
    for (String path : paths) {
      Stream.of(path, Paths.parent(path))
          .filter(it -> Paths.isWithin(it, root) && Paths.isReadable(it))
          .forEach(affected::add);
    }
    read(affected).forEach((path, known) -> mirror.update(path, known));
  }

  /** Reads nodes on both sides, compares them, and returns those that there are. */
  private Map<String, Mirror.Known> read(Collection<String> paths) {
    Map<String, Mirror.Known> found = new TreeMap<>();
    if (paths.isEmpty()) {
      return found;
    }
    List<Read> reads = new ArrayList<>();
    for (String path : paths) {
      reads.add(Read.node(Paths.absolute(chroot, path)));
      reads.add(Read.children(Paths.absolute(chroot, path)));
    }
    List<ReadResult> expected = judge.eye().readAll(reads);
    List<ReadResult> actual = judged.eye().readAll(reads);
    int i = 0;
    for (String path : paths) {
      ReadResult node = expected.get(i);
      ReadResult children = expected.get(i + 1);
      comparer.readResults(path, node, actual.get(i));
      comparer.readResults(path, children, actual.get(i + 1));
      found.put(
          path,
          node.code() == Code.OK
              ? new Mirror.Known(node.node().stat(), children.children())
              : Mirror.Known.ABSENT);
      i += 2;
    }
    return found;
  }

  /** Compares all nodes, which also must be what was last seen of them. */
  void compareWholeTree() {
    Map<String, Mirror.Known> all = new TreeMap<>();
    List<String> level = List.of(root);
    while (!level.isEmpty()) {
      Map<String, Mirror.Known> found = read(level);
      found.values().removeIf(known -> known == Mirror.Known.ABSENT);
      all.putAll(found);
      level =
          found.entrySet().stream()
              .flatMap(
                  node ->
                      node.getValue().children().stream()
                          .map(name -> Paths.join(node.getKey(), name)))
              .toList();
    }
    if (!all.equals(mirror.nodes())) {
      throw new Difference("the tree changed where no step did", mirror.nodes(), all);
    }
  }

  private void note(String line) {
    history.add(line);
    if (history.size() > 2 * STEPS_REPORTED) {
      history.remove();
    }
  }

  /** The last steps, for a report. */
  String history() {
    return String.join("\n", history);
  }

  @Override
  public void close() {
    clients.values().forEach(pair -> pair.judge.client.close());
    clients.values().forEach(pair -> pair.judged.client.close());
  }
}
