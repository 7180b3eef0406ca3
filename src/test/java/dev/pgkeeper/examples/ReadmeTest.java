package dev.pgkeeper.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the README shows is what the tests run. */
class ReadmeTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void eachBlockOfJavaIsInAnExampleThatTheTestsRun() throws IOException {
    StringBuilder examples = new StringBuilder();
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      for (Path file : files.toList()) {
        examples.append(withoutIndent(Files.readString(file)));
      }
    }
    Matcher shown = JAVA.matcher(Files.readString(Path.of("README.md")));
    int blocks = 0;
    while (shown.find()) {
      blocks++;
      assertThat(examples).contains(withoutIndent(shown.group(1)));
    }
    assertThat(blocks).isGreaterThanOrEqualTo(2);
  }

  private static String withoutIndent(String code) {
    return code.replaceAll("(?m)^ +", "");
  }
}
