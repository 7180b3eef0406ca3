package dev.pgkeeper.cli.demo;

import dev.pgkeeper.tree.Tree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** This process sets a node; both others, which watch it, are told and read it. */
final class WatchChapter {
  private static final int ROUNDS = 50;

  private WatchChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    story.chapter("Watches: this process sets " + Stage.CONFIG + ", the two others watch it");
    List<Duration> sets = new ArrayList<>();
    List<Duration> callbacks = new ArrayList<>();
    round(stage, "first", sets, callbacks);
    story.tell(
        "The first set took "
            + Story.text(sets.get(0))
            + "; from its sending to the callbacks in the other processes: "
            + Story.text(callbacks.get(0))
            + " and "
            + Story.text(callbacks.get(1))
            + ".");
    sets.clear();
    callbacks.clear();
    for (int i = 1; i <= ROUNDS; i++) {
      round(stage, "round-" + i, sets, callbacks);
    }
    callbacks.sort(null);
    sets.sort(null);
    story.tell(
        "After "
            + ROUNDS
            + " more, at the median: set "
            + Story.text(sets.get(sets.size() / 2))
            + ", callback "
            + Story.text(callbacks.get(callbacks.size() / 2))
            + " (the slowest of "
            + callbacks.size()
            + ": "
            + Story.text(callbacks.get(callbacks.size() - 1))
            + "). Each read the new value.");
  }

  private static void round(
      Stage stage, String value, List<Duration> sets, List<Duration> callbacks) throws Exception {
    Tree tree = stage.keeper().tree();
    Moment sent = Moment.now();
    tree.set(Stage.CONFIG, ZnodeChapter.bytes(value));
    sets.add(sent.until(Moment.now()));
    for (Member member : stage.members()) {
      String[] heard = member.await("heard").split(" ", 2);
      callbacks.add(sent.until(Moment.parse(heard[0])));
      stage.story().check(heard[1].equals(value), member.name() + " reads " + value);
    }
  }
}
