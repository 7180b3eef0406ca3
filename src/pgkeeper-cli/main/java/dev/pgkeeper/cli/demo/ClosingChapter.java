package dev.pgkeeper.cli.demo;

import dev.pgkeeper.tree.EventType;
import dev.pgkeeper.tree.Tree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Who leaves in order is gone at once; and nothing stays behind. */
final class ClosingChapter {
  private ClosingChapter() {}

  static void play(Stage stage) throws Exception {
    Story story = stage.story();
    Tree tree = stage.keeper().tree();
    story.chapter("The end");
    Member bob = stage.member("bob");
    CompletableFuture<Long> gone = new CompletableFuture<>();
    tree.exists(
        bob.path(),
        event -> {
          if (event.type() == EventType.NODE_DELETED) {
            gone.complete(System.nanoTime());
          }
        });
    long asked = System.nanoTime();
    bob.askToLeave();
    Duration took = Duration.ofNanos(Stage.await(gone, "the end of " + bob.path()) - asked);
    story.call("bob closes its keeper", bob.path() + " is gone after " + Story.text(took));
    story.check(bob.awaitExit() == 0, "bob ends with status 0");

    Path directory = stage.directory();
    stage.close();
    boolean removed = Files.notExists(directory);
    boolean alone = stage.members().stream().noneMatch(Member::isAlive);
    story.tell("The processes have ended, the server is stopped, its data removed.");
    story.check(removed, directory + " is removed");
    story.check(alone, "no process is left");
  }
}
