package dev.pgkeeper.cli.demo;

import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.util.List;

/** Two more processes, each there as long as its ephemeral node is. */
final class GroupChapter {
  private GroupChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    Tree tree = stage.keeper().tree();
    story.chapter("A group: two more processes join it with ephemeral nodes");
    tree.create(Stage.MEMBERS, ZnodeChapter.bytes(""));
    List.of("ada", "bob").forEach(name -> stage.start(DemoMember.class, name));
    for (Member member : stage.members()) {
      long session = Long.parseLong(member.await("joined"));
      Stat stat = tree.stat(member.path());
      story.tell(
          "process "
              + member.pid()
              + " is "
              + member.name()
              + ", session "
              + session
              + ", and owns "
              + member.path());
      story.check(stat.ephemeralOwner() == session, member.path() + " goes with that session");
    }
    List<String> children = tree.children(Stage.MEMBERS);
    story.call("children " + Stage.MEMBERS, children.toString());
    story.check(children.equals(List.of("ada", "bob")), "both are in the group");
  }
}
