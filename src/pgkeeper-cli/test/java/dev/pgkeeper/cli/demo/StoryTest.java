package dev.pgkeeper.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class StoryTest {
  private final StringWriter printed = new StringWriter();
  private final Story story = new Story(new PrintWriter(printed));

  @Test
  void whatIsNotAsToldIsSaidAndMakesTheStoryUntrue() {
    story.check(true, "the first holds");
    assertThat(story.isTrue()).isTrue();
    story.check(false, "the second holds");
    story.end(System.nanoTime());
    assertThat(story.isTrue()).isFalse();
    assertThat(printed.toString())
        .contains("NOT AS TOLD: it should be so that the second holds")
        .contains("1 of 2 checks failed")
        .doesNotContain("the first holds");
  }

  @Test
  void aSilencedStorySaysNothing() {
    story.fallSilent();
    story.tell("something");
    assertThat(printed.toString()).isEmpty();
  }

  @Test
  void timesAreTextsOfThreeDigitsOrSo() {
    assertThat(Story.text(Duration.ofNanos(617_500))).isEqualTo("0.62 ms");
    assertThat(Story.text(Duration.ofMillis(41))).isEqualTo("41 ms");
    assertThat(Story.text(Duration.ofMillis(2345))).isEqualTo("2.35 s");
  }

  @Test
  void aTableIsAsWideAsItsWidestValues() {
    assertThat(Table.lines(List.of(List.of("id", "name"), List.of("1", "ada"), List.of("22", ""))))
        .containsExactly(" id | name", "----+------", " 1  | ada", " 22 |");
  }
}
