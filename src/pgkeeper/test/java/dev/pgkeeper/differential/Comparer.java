package dev.pgkeeper.differential;

import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.ReadResult;
import dev.pgkeeper.tree.Stat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Compares what the two sides answered and told.
 *
 * <p>Numbers that each side chooses are compared by their relations. Zxids correspond one to one
 * and in the same order, so a zxid that two stats share on one side they share on the other;
 * sessions correspond one to one. Times are checked on each side alone: a new node's two times are
 * equal, a time changes only with the change that it dates, and then not backwards.
 */
final class Comparer {

  private final Correspondence zxids = Correspondence.ofOrdered("zxids");
  private final Correspondence sessions = Correspondence.ofAny("sessions");
  private final Times judgesTimes = new Times("judge");
  private final Times judgedTimes = new Times("judged");

  Comparer() {
    sessions.check("no session", 0, 0);
  }

  void sessions(long judge, long judged) {
    sessions.check("new session", judge, judged);
  }

  /** Compares what a step came to. */
  void outcomes(Step step, Outcome judge, Outcome judged) {
    if (DeliberateDifferences.isRefusal(judge) && DeliberateDifferences.isRefusal(judged)) {
      return;
    }
    if (judge instanceof Outcome.Answer right && judged instanceof Outcome.Answer answer) {
      values(step.named(), right.value(), answer.value());
    } else {
      same("outcome", judge, judged);
    }
  }

  private void values(List<String> named, Object judge, Object judged) {
    if (judge instanceof List<?> right && judged instanceof List<?> list) {
      same("number of results", right.size(), list.size());
      for (int i = 0; i < right.size(); i++) {
        value(named.get(Math.min(i, named.size() - 1)), right.get(i), list.get(i));
      }
    } else {
      value(named.isEmpty() ? "nothing" : named.get(0), judge, judged);
    }
  }

  private void value(String path, Object judge, Object judged) {
    if (judge instanceof Stat right && judged instanceof Stat stat) {
      stats(path, right, stat);
    } else if (judge instanceof Created right && judged instanceof Created created) {
      same("path created", right.path(), created.path());
      stats(right.path(), right.stat(), created.stat());
    } else if (judge instanceof Node right && judged instanceof Node node) {
      nodes(path, right, node);
    } else if (judge instanceof Optional<?> right && judged instanceof Optional<?> stat) {
      same("whether " + path + " exists", right.isPresent(), stat.isPresent());
      right.ifPresent(it -> stats(path, (Stat) it, (Stat) stat.get()));
    } else if (judge instanceof OpResult right && judged instanceof OpResult result) {
      opResults(path, right, result);
    } else if (judge instanceof ReadResult right && judged instanceof ReadResult result) {
      readResults(path, right, result);
    } else {
      // A name of a child, a page of them, a number of nodes, or nothing.
      same("answer about " + path, judge, judged);
    }
  }

  private void nodes(String path, Node judge, Node judged) {
    if (!Arrays.equals(judge.data(), judged.data())) {
      throw new Difference(
          "data of " + path, Arrays.toString(judge.data()), Arrays.toString(judged.data()));
    }
    stats(path, judge.stat(), judged.stat());
  }

  private void opResults(String where, OpResult judge, OpResult judged) {
    same("code of the step on " + where, judge.code(), judged.code());
    same("path of the step on " + where, judge.path(), judged.path());
    if (judge.stat() != null) {
      stats(judge.path(), judge.stat(), Objects.requireNonNull(judged.stat(), "stat of a step"));
    }
  }

  /** Compares the answers to one read. */
  void readResults(String path, ReadResult judge, ReadResult judged) {
    same("code of the read of " + path, judge.code(), judged.code());
    same("children of " + path, judge.children(), judged.children());
    if (judge.node() != null) {
      nodes(path, judge.node(), judged.node());
    }
  }

  private void stats(String path, Stat judge, Stat judged) {
    String stats = " of " + path;
    same("version" + stats, judge.version(), judged.version());
    same("cversion" + stats, judge.cversion(), judged.cversion());
    same("dataLength" + stats, judge.dataLength(), judged.dataLength());
    same("numChildren" + stats, judge.numChildren(), judged.numChildren());
    zxids.check("czxid" + stats, judge.czxid(), judged.czxid());
    zxids.check("mzxid" + stats, judge.mzxid(), judged.mzxid());
    zxids.check("pzxid" + stats, judge.pzxid(), judged.pzxid());
    sessions.check("ephemeralOwner" + stats, judge.ephemeralOwner(), judged.ephemeralOwner());
    judgesTimes.check(path, judge);
    judgedTimes.check(path, judged);
  }

  /** Compares what the watchers of one client were told of one change, in order. */
  void heard(String client, List<Heard> judge, List<Heard> judged) {
    if (!judge.equals(judged)) {
      same("events of " + client, inTurn(judge), inTurn(judged));
    }
  }

  /** The order in which the watchers hear of one event is nobody's promise. */
  private static List<Map.Entry<String, Set<Integer>>> inTurn(List<Heard> heard) {
    List<Map.Entry<String, Set<Integer>>> turns = new ArrayList<>();
    for (Heard event : heard) {
      String what = event.type() + " " + event.path();
      boolean sameEvent = !turns.isEmpty() && turns.get(turns.size() - 1).getKey().equals(what);
      if (!sameEvent || !turns.get(turns.size() - 1).getValue().add(event.watcher())) {
        turns.add(Map.entry(what, new TreeSet<>(Set.of(event.watcher()))));
      }
    }
    return turns;
  }

  /** The same for a change of many nodes at one moment. */
  void heardOfMany(
      String client, List<Heard> judge, List<Heard> judged, Mirror before, Mirror after) {
    same(
        "events of " + client,
        DeliberateDifferences.net(judge, before, after),
        DeliberateDifferences.net(judged, before, after));
    var most = new LinkedHashMap<>(DeliberateDifferences.all(judge));
    DeliberateDifferences.all(judged)
        .forEach(
            (where, types) -> {
              if (types.size() > most.get(where).size()) {
                throw new Difference("events of " + client + ", " + where, most.get(where), types);
              }
            });
  }

  private static void same(String what, Object judge, Object judged) {
    if (!Objects.equals(judge, judged)) {
      throw new Difference(what, judge, judged);
    }
  }

  /** What the times of one side were when last seen. */
  private static final class Times {
    private final String side;
    private final Map<String, Stat> lastSeen = new HashMap<>();

    private Times(String side) {
      this.side = side;
    }

    private void check(String path, Stat stat) {
      if (stat.mtime().isBefore(stat.ctime())
          || (stat.version() == 0 && !stat.mtime().equals(stat.ctime()))) {
        throw new Difference(side + ": times of " + path, "ctime = mtime at first, then ≤", stat);
      }
      Stat last = lastSeen.put(path, stat);
      if (last == null || last.czxid() != stat.czxid()) {
        return;
      }
      boolean sameChange = last.mzxid() == stat.mzxid() && last.version() == stat.version();
      if (!last.ctime().equals(stat.ctime())
          || (sameChange && !last.mtime().equals(stat.mtime()))
          || (last.version() < stat.version() && stat.mtime().isBefore(last.mtime()))) {
        throw new Difference(side + ": times of " + path + " against " + last, "", stat);
      }
    }
  }
}
