package dev.pgkeeper.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run that was cut off left servers running, and their directories, unpacked programs and
 * browsers' profiles among the temporary files.
 */
class RunDirectoryTest {
  @Test
  void directoriesOfJUnitLieInIt(@TempDir Path directory) {
    assertThat(directory).startsWith(RunDirectory.get());
  }

  @Test
  void nothingOfAProcessThatIsKilledIsLeft(@TempDir Path directory) throws Exception {
    Path undone = directory.resolve("undone");
    try (ChildProcess owner = ChildProcess.start(StartsMuch.class, undone.toString())) {
      Path run = Path.of(owner.awaitLine("run ", Await.LIMIT));
      ProcessHandle server = handle(owner.awaitLine("server ", Await.LIMIT));
      ProcessHandle frozen = handle(owner.awaitLine("frozen ", Await.LIMIT));
      ProcessHandle child = handle(owner.awaitLine("child ", Await.LIMIT));
      List<ProcessHandle> all =
          Stream.of(server, frozen, child)
              .flatMap(each -> Stream.concat(Stream.of(each), each.descendants()))
              .toList();
      owner.kill9();
      Await.until(
          "the servers, their processes and the stopped child end",
          () -> all.stream().noneMatch(ProcessHandle::isAlive));
      Await.until("its directory is removed", () -> Files.notExists(run));
      assertThat(undone).exists();
    }
  }

  private static ProcessHandle handle(String pid) {
    return ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
  }

  /** Run as a process of its own. */
  static final class StartsMuch {
    public static void main(String[] arguments) throws InterruptedException {
      RunDirectory.undo("touch " + arguments[0]);
      System.out.println("run " + RunDirectory.get());
      System.out.println("server " + PrivateServer.startFromScratch(Map.of()).pid());
      PrivateServer frozen = PrivateServer.startFromScratch(Map.of());
      frozen.freeze();
      System.out.println("frozen " + frozen.pid());
      ChildProcess child = ChildProcess.start(PrivateServerTest.Echo.class);
      child.stop();
      System.out.println("child " + child.pid());
      Thread.currentThread().join();
    }
  }

  @Test
  void theDirectoryOfARunThatWasKilledWithItsGuardIsRemovedByTheNextRun() throws Exception {
    Path abandoned = Files.createDirectory(RunDirectory.get().resolve("pgkeeper-test-abandoned"));
    Files.createFile(abandoned.resolve("lock"));
    try (ChildProcess next = ChildProcess.start(Runs.class)) {
      Path run = Path.of(next.awaitLine("run ", Await.LIMIT));
      assertThat(run).exists().hasParentRaw(RunDirectory.get());
      assertThat(abandoned).doesNotExist();
      try (ChildProcess second = ChildProcess.start(Runs.class)) {
        second.awaitLine("run ", Await.LIMIT);
        assertThat(run).as("the directory of a run that goes on").exists();
      }
    }
  }

  @Test
  void theDirectoryOfAnotherUserStays() throws Exception {
    assumeThat(System.getProperty("user.name")).as("who gives a directory away").isEqualTo("root");
    Path planted = Files.createDirectory(RunDirectory.get().resolve("pgkeeper-test-planted"));
    Files.createFile(planted.resolve("lock"));
    Files.setAttribute(planted, "unix:uid", 65534);
    try (ChildProcess next = ChildProcess.start(Runs.class)) {
      next.awaitLine("run ");
      assertThat(planted).exists();
    }
  }

  @Test
  void nothingIsUnpackedWhereAnotherUserCouldPutPrograms(@TempDir Path open) throws Exception {
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    try (ChildProcess next = ChildProcess.start(List.of("-Djava.io.tmpdir=" + open), Runs.class)) {
      assertThat(next.awaitExit()).isEqualTo(1);
      assertThat(open).isEmptyDirectory();
    }
  }

  /** Run as a process of its own. */
  static final class Runs {
    public static void main(String[] arguments) throws InterruptedException {
      System.out.println("run " + RunDirectory.get());
      Thread.currentThread().join();
    }
  }
}
