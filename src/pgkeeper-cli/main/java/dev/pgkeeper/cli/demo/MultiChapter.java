package dev.pgkeeper.cli.demo;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.OpResult;
import dev.pgkeeper.tree.Tree;
import java.util.List;

/** Several steps as one; the last one fails. */
final class MultiChapter {
  private MultiChapter() {}

  static void play(Stage stage) {
    Story story = stage.story();
    Tree tree = stage.keeper().tree();
    story.chapter("multi: all steps or none");
    List<Op> steps =
        List.of(
            Op.create("/demo/new", ZnodeChapter.bytes("")),
            Op.delete("/demo/order-1"),
            Op.check(Stage.CONFIG, 7777));
    List<OpResult> results = List.of();
    try {
      tree.multi(steps);
    } catch (KeeperException.MultiFailed e) {
      results = e.results();
      story.tell(String.valueOf(e.getMessage()));
    }
    String codes = results.stream().map(r -> r.code().name()).toList().toString();
    story.call("create /demo/new, delete /demo/order-1, check", codes);
    story.check(codes.equals("[OK, OK, BAD_VERSION]"), "the third step fails");
    boolean created = tree.exists("/demo/new").isPresent();
    boolean deleted = tree.exists("/demo/order-1").isEmpty();
    story.call(
        "exists /demo/new, /demo/order-1",
        (created ? "yes" : "no") + ", " + (deleted ? "no" : "yes"));
    story.check(!created && !deleted, "nothing was done");
  }
}
