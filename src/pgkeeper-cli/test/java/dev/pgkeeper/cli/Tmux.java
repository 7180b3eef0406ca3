package dev.pgkeeper.cli;

import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.Installed;
import dev.pgkeeper.testing.JavaProgram;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A real terminal: a shell in a window of tmux, on a server of its own. */
final class Tmux implements AutoCloseable {

  private final Path directory;
  private final String socket;

  private Tmux(Path directory) {
    this.directory = directory;
    socket = directory.resolve("socket").toString();
  }

  /** Without tmux, the test is left out. */
  static Tmux open(Path directory, String url) throws Exception {
    Installed.need("tmux");
    Tmux tmux = new Tmux(directory);
    Path program = directory.resolve("pgkeeper");
    Files.writeString(
        program,
        "#!/bin/sh\necho $$ > pid\nexec '%s' %s \"$@\"\n"
            .formatted(String.join("' '", JavaProgram.command(List.of())), Main.class.getName()));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    tmux.run("new-session", "-d", "-x", "120", "-y", "40", "sh");
    tmux.type("PS1='ready> ' PGKEEPER_HISTORY=" + directory + "/history; cd " + directory);
    tmux.type("export PGKEEPER_HISTORY PGKEEPER_URL='" + url + "'; clear");
    tmux.await("ready>");
    return tmux;
  }

  /** Types a line and Enter. */
  void type(String line) throws Exception {
    run("send-keys", "-l", line);
    keys("Enter");
  }

  /** Presses keys by tmux's names for them. */
  void keys(String... keys) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("send-keys"));
    arguments.addAll(List.of(keys));
    run(arguments.toArray(String[]::new));
  }

  void resize(int columns, int rows) throws Exception {
    run("resize-window", "-x", "" + columns, "-y", "" + rows);
  }

  /** The process of the command that was begun last. */
  ProcessHandle command() throws IOException {
    String pid = Files.readString(directory.resolve("pid")).strip();
    return ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
  }

  /** Waits until all of these are on the screen, and returns the screen. */
  String await(String... texts) {
    Await.until(
        () -> String.join(", ", texts) + " on the screen:\n" + screen(),
        () -> List.of(texts).stream().allMatch(text -> screen().contains(text)));
    return screen();
  }

  /** The text on the screen. */
  String screen() {
    return asked("capture-pane", "-p");
  }

  /** The same, with escape sequences for colours. */
  String colouredScreen() {
    return asked("capture-pane", "-p", "-e");
  }

  private String asked(String... arguments) {
    try {
      return run(arguments);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private String run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("tmux", "-f", "/dev/null", "-S", socket));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().remove("TMUX");
    builder.environment().remove("NO_COLOR");
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(command + ": " + err);
    }
    return out;
  }

  @Override
  public void close() throws Exception {
    run("kill-server");
  }
}
