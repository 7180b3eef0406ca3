package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code pgkeeper} in a checkout of its own, with a java and a mvn that only note how
 * they were called. The real ones are used where the script itself is run after a build.
 */
class LauncherTest {

  private static final String JAVA =
      """
      case "$*" in
      *-XshowSettings*) echo "    java.home = %2$s" >&2 ;;
      -version) echo 'openjdk version "%1$s" 2025-04-15' >&2 ;;
      *) echo "java in $(pwd): $*"; exit 7 ;;
      esac
      """;

  private static final String MVN =
      """
      if [ "$2" = --version ]; then echo 'Apache Maven %1$s'; exit; fi
      echo "mvn with $JAVA_HOME" >&2
      echo "$JAVA_HOME" > java-home
      for argument; do
        case "$argument" in
        -Doutput.directory=*) output=${argument#*=} ;;
        -Dmdep.outputFile=*) classpath=${argument#*=} ;;
        esac
      done
      for module in pgkeeper pgkeeper-micrometer pgkeeper-cli; do
        mkdir -p "$output/$module" && echo jar > "$output/$module/$module-1.2.jar"
      done
      echo libraries.jar > "$classpath"
      """;

  @TempDir private Path directory;
  private Path checkout;
  private Path tools;
  private Path jdk;

  @BeforeEach
  void setUp() throws IOException {
    checkout = directory.resolve("a checkout");
    tools = Files.createDirectory(directory.resolve("tools"));
    jdk = Files.createDirectory(directory.resolve("a jdk"));
    for (String folder : List.of("src/pgkeeper/main/java", "db/migration")) {
      Files.createDirectories(checkout.resolve(folder));
    }
    for (String pom : List.of("pom.xml", "src/pgkeeper/pom.xml")) {
      Files.writeString(checkout.resolve(pom), "<project/>");
    }
    Files.copy(
        Path.of("pgkeeper"), checkout.resolve("pgkeeper"), StandardCopyOption.COPY_ATTRIBUTES);
    for (String tool :
        List.of(
            "bash",
            "sh",
            "dirname",
            "readlink",
            "find",
            "sed",
            "mkdir",
            "rm",
            "mv",
            "touch",
            "cat")) {
      script(tools.resolve(tool), "exec " + which(tool) + " \"$@\"\n");
    }
    Files.createDirectory(jdk.resolve("bin"));
    script(jdk.resolve("bin/javac"), "");
    script(jdk.resolve("bin/java"), JAVA.formatted("17.0.15", jdk));
    Files.createSymbolicLink(tools.resolve("java"), jdk.resolve("bin/java"));
    script(tools.resolve("mvn"), MVN.formatted("3.8.7"));
  }

  @Test
  void itBuildsOnceAndPassesArgumentsAndStatusOn() throws Exception {
    Ran first = pgkeeper("migrate", "--schema", "two words");
    assertThat(first.err())
        .isEqualTo(
            """
            pgkeeper: building (the first time, Maven also downloads what is needed)...
            """);
    assertThat(checkout.resolve("java-home")).hasContent(jdk.toString());
    String built = checkout.toRealPath().resolve("target/cli").toString();
    assertThat(first.out())
        .startsWith("java in " + directory.toRealPath() + ": ")
        .contains(
            "-cp %1$s/pgkeeper.jar:%1$s/pgkeeper-micrometer.jar:%1$s/pgkeeper-cli.jar:libraries.jar dev.pgkeeper.cli.Main "
                .formatted(built))
        .endsWith("dev.pgkeeper.cli.Main migrate --schema two words\n");
    assertThat(first.status()).isEqualTo(7);

    Ran second = pgkeeper("demo");
    assertThat(second.err()).isEmpty();
    assertThat(second.out()).endsWith("dev.pgkeeper.cli.Main demo\n");
    try (var beside = Files.list(checkout.resolve("target"))) {
      assertThat(beside).as("no half build stays").containsExactly(checkout.resolve("target/cli"));
    }
  }

  @Test
  void itBuildsAgainAfterAChangeOfPomSourcesOrMigrations() throws Exception {
    pgkeeper("demo");
    for (String changed :
        List.of(
            "pom.xml",
            "src/pgkeeper/pom.xml",
            "src/pgkeeper/main/java/New.java",
            "db/migration/V001__.sql")) {
      Path file = checkout.resolve(changed);
      if (Files.notExists(file)) {
        Files.createFile(file);
      }
      Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(2)));
      assertThat(pgkeeper("demo").err()).as(changed).contains("building");
      Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
      Files.setLastModifiedTime(file.getParent(), FileTime.from(Instant.now().minusSeconds(60)));
      assertThat(pgkeeper("demo").err()).as("after " + changed).isEmpty();
    }
  }

  @Test
  void itWorksThroughSymbolicLinks() throws Exception {
    Path links = Files.createDirectory(directory.resolve("links"));
    Files.createSymbolicLink(links.resolve("absolute"), checkout.resolve("pgkeeper"));
    Files.createSymbolicLink(links.resolve("relative"), Path.of("absolute"));
    Ran ran = run(links.resolve("relative"), List.of("demo"), null);
    assertThat(ran.out()).contains(checkout.toRealPath() + "/target/cli/pgkeeper.jar");
  }

  @Test
  void itRunsTheJavaOfJavaHome() throws Exception {
    Path other = Files.createDirectories(directory.resolve("other/bin")).getParent();
    script(other.resolve("bin/javac"), "");
    script(other.resolve("bin/java"), JAVA.formatted("25", other).replace("java in", "other in"));
    Ran ran = run(checkout.resolve("pgkeeper"), List.of("demo"), other);
    assertThat(checkout.resolve("java-home")).hasContent(other.toString());
    assertThat(ran.out()).startsWith("other in ");
  }

  @Test
  void aJavaHomeWithoutJavaIsTold() throws Exception {
    refused(
        run(checkout.resolve("pgkeeper"), List.of("demo"), directory),
        "JAVA_HOME is " + directory + ", but there is no bin/java in it");
  }

  @Test
  void withoutJavaItSaysWhatToInstall() throws Exception {
    Files.delete(tools.resolve("java"));
    refused(pgkeeper("demo"), "there is no java on the PATH; install a JDK 17 or newer");
  }

  @Test
  void anOldJavaIsTold() throws Exception {
    script(jdk.resolve("bin/java"), JAVA.formatted("11.0.2", jdk));
    refused(pgkeeper("demo"), tools.resolve("java") + " is Java 11, too old; install a JDK 17");
    script(jdk.resolve("bin/java"), JAVA.formatted("1.8.0_292", jdk));
    refused(pgkeeper("demo"), tools.resolve("java") + " is Java 8, too old");
  }

  @Test
  void aJavaWithoutACompilerIsTold() throws Exception {
    Files.delete(jdk.resolve("bin/javac"));
    refused(pgkeeper("demo"), tools.resolve("java") + " has no compiler beside it (a JRE?)");
  }

  @Test
  void withoutMavenItSaysWhatToInstall() throws Exception {
    Files.delete(tools.resolve("mvn"));
    refused(pgkeeper("demo"), "there is no mvn on the PATH; install Maven 3.8 or newer");
  }

  @Test
  void anOldMavenIsTold() throws Exception {
    script(tools.resolve("mvn"), MVN.formatted("3.6.3"));
    refused(pgkeeper("demo"), tools.resolve("mvn") + " is Maven 3.6, too old; install 3.8");
  }

  @Test
  void aBuildThatFailsIsToldAndTriedAgain() throws Exception {
    String good = MVN.formatted("3.9.11");
    script(
        tools.resolve("mvn"),
        good.replace("mkdir", "echo '[ERROR] no such symbol'; exit 1; mkdir"));
    Ran ran = pgkeeper("demo");
    assertThat(ran.err())
        .contains("[ERROR] no such symbol")
        .endsWith("pgkeeper: the build failed, for the reason above\n");
    assertThat(ran.status()).isEqualTo(1);
    script(tools.resolve("mvn"), good);
    assertThat(pgkeeper("demo").out()).contains("dev.pgkeeper.cli.Main demo");
  }

  private static void refused(Ran ran, String reason) {
    assertThat(ran.err()).startsWith("pgkeeper: " + reason).hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(1);
  }

  private Ran pgkeeper(String... arguments) throws Exception {
    return run(checkout.resolve("pgkeeper"), List.of(arguments), null);
  }

  private Ran run(Path launcher, List<String> arguments, Path javaHome) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(arguments);
    builder.directory(directory.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", tools.toString());
    if (javaHome != null) {
      builder.environment().put("JAVA_HOME", javaHome.toString());
    }
    return Ran.toItsEnd(builder);
  }

  private static void script(Path file, String text) throws IOException {
    Files.deleteIfExists(file);
    Files.writeString(file, "#!/bin/sh\n" + text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static Path which(String tool) {
    for (String folder : System.getenv("PATH").split(":")) {
      Path file = Path.of(folder, tool);
      if (Files.isExecutable(file)) {
        return file;
      }
    }
    throw new AssertionError("There is no " + tool);
  }
}
