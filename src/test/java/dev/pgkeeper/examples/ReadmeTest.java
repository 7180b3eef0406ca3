package dev.pgkeeper.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the README shows is what the tests run. */
class ReadmeTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void itsFirstScreenIsTheExampleThatTheTestsRun() throws IOException {
    Matcher block = JAVA.matcher(Files.readString(Path.of("README.md")));
    assertThat(block.find()).isTrue();
    List<String> shown = block.group(1).lines().map(String::strip).toList();
    String example =
        String.join(
            "\n",
            Files.readAllLines(Path.of("examples/FirstSteps.java")).stream()
                .map(String::strip)
                .toList());
    assertThat(example).contains(String.join("\n", shown.subList(0, shown.size() - 1)));
  }
}
