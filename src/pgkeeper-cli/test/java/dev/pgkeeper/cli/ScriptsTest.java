package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** What the guide to the tools shows of scripts, run as a script. */
class ScriptsTest {
  private static final Pattern COMMANDS = Pattern.compile("```console\n(.*?)```", Pattern.DOTALL);
  private static final Pattern SCRIPT = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

  private static final String THIS_COMMAND_LINE =
      "exec '%s' %s \"$@\""
          .formatted(String.join("' '", JavaProgram.command(List.of())), Main.class.getName());

  private static final Pattern NAMED_TEST = Pattern.compile("\\b[A-Z]\\w*Test\\b");

  @TempDir private Path directory;

  /** Maven passes over a name that no module has. */
  @Test
  void theTestsThatScriptsNameAreThere() throws Exception {
    Set<String> there;
    try (Stream<Path> files = Files.walk(Path.of("src"))) {
      there =
          files
              .map(file -> file.getFileName().toString().replaceFirst("[.]java$", ""))
              .collect(Collectors.toSet());
    }
    for (String script : List.of(".ci/run", "containers/run")) {
      assertThat(
              NAMED_TEST
                  .matcher(Files.readString(Path.of(script)))
                  .results()
                  .map(MatchResult::group))
          .as(script)
          .isNotEmpty()
          .allMatch(there::contains);
    }
  }

  @Test
  void theCommandsOfTheGuideRunWhatTheySay() throws Exception {
    Matcher block = SCRIPT.matcher(Files.readString(Path.of("docs/tools.md")));
    assertThat(block.find()).isTrue();
    String commands =
        block
            .group(1)
            .lines()
            .filter(line -> !line.startsWith("export"))
            .collect(Collectors.joining("\n", "set -e\n", "\n"));
    for (String name : List.of("backup.sh", "mailer", "report.sh")) {
      script(name, "echo " + name + " ${PGKEEPER_TOKEN:?}");
    }
    script("pgkeeper", THIS_COMMAND_LINE);

    Ran ran = inADatabaseOfItsOwn(new ProcessBuilder("bash", "-c", commands));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out().lines().map(line -> line.replaceFirst(" \\d+$", "")))
        .containsExactly("backup.sh", "mailer", "report.sh");
    assertThat(ran.status()).isZero();
  }

  @Test
  void theCommandLineOfTheGuideAnswersWhatItSays() throws Exception {
    Matcher block = COMMANDS.matcher(Files.readString(Path.of("docs/tools.md")));
    assertThat(block.find()).isTrue();
    script("pgkeeper", THIS_COMMAND_LINE);
    String commands = "set -e\n" + block.group(1).replaceFirst("(?m)^.*lock break.*\\R", "");
    Ran ran = inADatabaseOfItsOwn(new ProcessBuilder("bash", "-c", commands));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out())
        .startsWith("/shop/sign\n/shop\n└─ sign\nversion 1\nclosed")
        .containsPattern("\\d+\nto Ada\\[]\n$");
    assertThat(ran.status()).isZero();
    Ran broken = inADatabaseOfItsOwn(new ProcessBuilder("bash", "-c", lastLine(block.group(1))));
    assertThat(broken.err())
        .as("nobody holds it here")
        .startsWith("pgkeeper lock break: '/orders/O005' is no lock");
    assertThat(broken.status()).isEqualTo(1);
  }

  private static String lastLine(String text) {
    return text.strip().lines().reduce((before, last) -> last).orElseThrow();
  }

  /** With the schema's usual name, as in the README. */
  private Ran inADatabaseOfItsOwn(ProcessBuilder script) throws Exception {
    try (TestDatabase server = TestDatabase.unmigrated()) {
      String name = "scripts_" + server.schema();
      server.execute("CREATE DATABASE " + name);
      try {
        String url = server.urlOf(name);
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(url);
        Keeper.migrate(source);
        script.directory(directory.toFile());
        script.environment().put("PGKEEPER_URL", url);
        return Ran.toItsEnd(script);
      } finally {
        server.execute("DROP DATABASE " + name + " WITH (FORCE)");
      }
    }
  }

  private void script(String name, String text) throws IOException {
    Path file = Files.writeString(directory.resolve(name), "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
