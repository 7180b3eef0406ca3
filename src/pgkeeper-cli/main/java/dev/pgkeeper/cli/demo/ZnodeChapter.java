package dev.pgkeeper.cli.demo;

import dev.pgkeeper.KeeperException;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.Created;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Node;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Create, read, set by version, sequences. */
final class ZnodeChapter {
  private ZnodeChapter() {}

  static void play(Stage stage) {
    Story story = stage.story();
    Tree tree = stage.keeper().tree();
    story.chapter("Znodes: they answer as ZooKeeper's do");
    Created made = tree.create(NewNode.at(Stage.CONFIG).data(bytes("v1")).withParents());
    story.call(
        "create " + made.path() + " \"v1\"",
        "version " + made.stat().version() + ", czxid " + made.stat().czxid());
    Stat set = tree.set(Stage.CONFIG, bytes("v2"), 0);
    story.call(
        "set " + Stage.CONFIG + " \"v2\" at version 0",
        "version " + set.version() + ", mzxid " + set.mzxid());
    story.check(set.version() == 1 && set.mzxid() > set.czxid(), "the change is a newer one");
    refusedSet(story, tree);
    Node read = tree.get(Stage.CONFIG);
    story.call("get " + Stage.CONFIG, "\"" + text(read.data()) + "\", " + summary(read.stat()));
    story.check(text(read.data()).equals("v2"), "the refused set changed nothing");
    sequence(story, tree);
  }

  private static void refusedSet(Story story, Tree tree) {
    String answer = "done";
    try {
      tree.set(Stage.CONFIG, bytes("v3"), 0);
    } catch (KeeperException.BadVersion e) {
      answer = "refused: " + e.getMessage();
    }
    story.call("set " + Stage.CONFIG + " \"v3\" at version 0", answer);
    story.check(answer.startsWith("refused"), "a set at an old version is refused");
  }

  private static void sequence(Story story, Tree tree) {
    tree.create("/demo/jobs", bytes(""));
    for (int i = 0; i < 2; i++) {
      String path = tree.create("/demo/jobs/job-", bytes(""), CreateMode.PERSISTENT_SEQUENTIAL);
      story.call("create /demo/jobs/job- with a sequence", path);
    }
    story.check(
        tree.children("/demo/jobs").equals(List.of("job-0000000000", "job-0000000001")),
        "the parent numbers its children");
  }

  private static String summary(Stat stat) {
    return "version "
        + stat.version()
        + ", "
        + stat.dataLength()
        + " bytes, "
        + stat.numChildren()
        + " children, set "
        + stat.mtime();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] data) {
    return new String(data, StandardCharsets.UTF_8);
  }
}
