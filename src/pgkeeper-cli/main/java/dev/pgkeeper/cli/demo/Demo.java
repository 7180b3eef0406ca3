package dev.pgkeeper.cli.demo;

import dev.pgkeeper.cli.output.Failure;
import java.io.PrintWriter;

/** The chapters in their order. Interrupted with Ctrl-C, it cleans up as well. */
public final class Demo {
  private Demo() {}

  /** Returns whether everything was as told. */
  public static boolean play(PrintWriter out) throws Exception {
    long began = System.nanoTime();
    Story story = new Story(out);
    Stage stage = new Stage(story);
    Thread onInterrupt =
        new Thread(
            () -> {
              story.fallSilent();
              stage.abandon();
            },
            "pgkeeper-demo-cleanup");
    Runtime.getRuntime().addShutdownHook(onInterrupt);
    try (stage) {
      story.say(
          "pgkeeper demo: several processes share one PostgreSQL. All of this happens now, and every"
              + " number was just measured.");
      OpeningChapter.play(stage);
      ZnodeChapter.play(stage);
      GroupChapter.play(stage);
      WatchChapter.play(stage);
      TransactionChapter.play(stage);
      MultiChapter.play(stage);
      FailureChapter.play(stage);
      ViewChapter.play(stage);
      JobChapter.play(stage);
      ClosingChapter.play(stage);
    } catch (Exception e) {
      if (story.isSilent()) {
        throw new Failure("interrupted", e);
      }
      throw e;
    }
    story.end(began);
    return story.isTrue();
  }
}
