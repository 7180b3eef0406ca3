package dev.pgkeeper.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the README shows is what the tests run. */
class ReadmeTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/reference.md", "docs/tools.md", "examples/README.md"})
  void eachBlockOfJavaIsInAnExampleThatTheTestsRun(String document) throws IOException {
    StringBuilder examples = new StringBuilder();
    for (Path file : examples()) {
      examples.append(withoutIndent(Files.readString(file)));
    }
    Matcher shown = JAVA.matcher(Files.readString(Path.of(document)));
    int blocks = 0;
    while (shown.find()) {
      blocks++;
      assertThat(examples).contains(withoutIndent(shown.group(1)));
    }
    assertThat(blocks).isPositive();
  }

  @Test
  void eachExampleIsListedAndRunByATest() throws IOException {
    String list = Files.readString(Path.of("examples/README.md"));
    String tests =
        Files.readString(
            Path.of("src/pgkeeper-cli/test/java/dev/pgkeeper/examples/ExamplesTest.java"));
    for (Path file : examples()) {
      String name = file.getFileName().toString().replace(".java", "");
      assertThat(list).contains("[" + name + "](" + name + ".java)");
      assertThat(tests).contains("Class.forName(\"" + name + "\")");
    }
  }

  private static List<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }

  private static String withoutIndent(String code) {
    return code.replaceAll("(?m)^ +", "");
  }
}
