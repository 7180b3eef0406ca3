package dev.pgkeeper.cli;

import dev.pgkeeper.cli.command.Context;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.RunDirectory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Model.CommandSpec;

/** A command that was run to its end: what it printed and its exit status. */
record Ran(int status, String out, String err) {
  /** The command line in this process. */
  static Ran here(Map<String, String> environment, String... arguments) {
    return here(environment, new byte[0], arguments);
  }

  /** The same, with something on its standard input. */
  static Ran here(Map<String, String> environment, byte[] in, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    Context context = new Context(environment, new ByteArrayInputStream(in), out, null);
    int status = Main.run(arguments, context, new PrintWriter(err));
    return new Ran(status, out.toString(StandardCharsets.UTF_8), err.toString());
  }

  /** A command in this process that fails by this. */
  static Ran failing(Exception e) {
    StringWriter err = new StringWriter();
    StringWriter out = new StringWriter();
    Callable<Integer> command =
        () -> {
          throw e;
        };
    int status =
        Main.line(
                Map.of("fails", () -> CommandSpec.wrapWithoutInspection(command)),
                new PrintWriter(out),
                new PrintWriter(err))
            .execute("fails");
    return new Ran(status, out.toString(), err.toString());
  }

  /** The command line in a process of its own, which holds only these variables beside PATH. */
  static ProcessBuilder command(Map<String, String> environment, String... arguments) {
    List<String> command = new ArrayList<>(JavaProgram.command(List.of()));
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().retainAll(List.of("PATH", "HOME", "LANG"));
    builder.environment().put("XDG_CACHE_HOME", RunDirectory.shared().toString());
    builder.environment().putAll(environment);
    return builder;
  }

  static Ran toItsEnd(ProcessBuilder builder) throws IOException, InterruptedException {
    File out = RunDirectory.newFile(".out");
    File err = RunDirectory.newFile(".err");
    try {
      Process process = builder.redirectOutput(out).redirectError(err).start();
      process.getOutputStream().close();
      if (!process.waitFor(Await.LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(
            builder.command() + " did not end within " + Await.LIMIT + "; it printed " + text(out));
      }
      return new Ran(process.exitValue(), text(out), text(err));
    } finally {
      Files.delete(out.toPath());
      Files.delete(err.toPath());
    }
  }

  private static String text(File file) throws IOException {
    return Files.readString(file.toPath(), StandardCharsets.UTF_8);
  }
}
