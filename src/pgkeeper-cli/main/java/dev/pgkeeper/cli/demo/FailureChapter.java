package dev.pgkeeper.cli.demo;

import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Stat;
import dev.pgkeeper.tree.Tree;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** One process loses its connection and nothing else, another one is killed. */
final class FailureChapter {
  private FailureChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    Tree tree = stage.keeper().tree();
    story.chapter("Failures: a cut connection costs nothing, a killed process is noticed");
    Member ada = stage.member("ada");
    Member bob = stage.member("bob");
    Stat owned = tree.stat(bob.path());

    long cut = System.nanoTime();
    story.call(
        "pg_terminate_backend of bob's own connection",
        "held again after " + Story.text(cutConnection(stage, bob, owned.ephemeralOwner())));

    Duration gone = kill(tree, ada);
    KeeperOptions options = KeeperOptions.defaults();
    story.call(
        "kill -9 " + ada.pid() + " (ada)", ada.path() + " is gone after " + Story.text(gone));
    story.tell(
        "The grace for a broken connection is "
            + Story.text(options.grace())
            + ", the session timeout "
            + Story.text(options.timeout())
            + ".");
    story.check(gone.compareTo(options.grace()) >= 0, "nothing goes before the grace is over");
    story.check(gone.compareTo(options.timeout()) < 0, "it goes before the session times out");

    List<String> children = tree.children(Stage.MEMBERS);
    story.call("children " + Stage.MEMBERS, children.toString());
    story.check(children.equals(List.of("bob")), "only bob is left");
    Stat stillOwned = tree.stat(bob.path());
    Duration sinceCut = Story.since(cut);
    story.tell(
        "bob, cut off "
            + Story.text(sinceCut)
            + " ago, has the same session "
            + stillOwned.ephemeralOwner()
            + " and the same node, czxid "
            + stillOwned.czxid()
            + ".");
    story.check(sinceCut.compareTo(options.grace()) > 0, "that is longer than the grace");
    story.check(
        stillOwned.czxid() == owned.czxid()
            && stillOwned.ephemeralOwner() == owned.ephemeralOwner(),
        "bob's node was never gone");
  }

  /** Until the client knows again that its session is its own. */
  private static Duration cutConnection(Stage stage, Member member, long session)
      throws SQLException, InterruptedException {
    Moment cut = Moment.now();
    try (Connection connection = stage.connection()) {
      List<List<String>> ended =
          Table.query(
              connection,
              "SELECT pg_terminate_backend(backend) FROM pgkeeper.session WHERE id = " + session);
      stage.story().check(ended.size() == 2, "bob has one connection of its own");
    }
    boolean jeopardy = false;
    while (true) {
      String[] told = member.await("state").split(" ", 2);
      Moment when = Moment.parse(told[0]);
      SessionState state = SessionState.valueOf(told[1]);
      if (cut.until(when).isNegative()) {
        continue;
      } else if (state == SessionState.JEOPARDY) {
        jeopardy = true;
      } else {
        stage
            .story()
            .check(jeopardy && state == SessionState.HELD, "bob is told JEOPARDY, then HELD");
        return cut.until(when);
      }
    }
  }

  /** Until this process's watch tells that the node is gone. */
  private static Duration kill(Tree tree, Member member) throws Exception {
    CompletableFuture<Long> gone = new CompletableFuture<>();
    tree.exists(
        member.path(),
        event -> {
          if (event.type() == EventType.NODE_DELETED) {
            gone.complete(System.nanoTime());
          }
        });
    long killed = System.nanoTime();
    member.kill9();
    return Duration.ofNanos(Stage.await(gone, "the end of " + member.path()) - killed);
  }
}
