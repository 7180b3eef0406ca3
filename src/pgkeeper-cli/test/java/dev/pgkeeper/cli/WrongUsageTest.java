package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.cli.command.Context;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Whatever is not understood is told in one line, before anything is connected. */
class WrongUsageTest {
  private static final Map<String, String> NOWHERE =
      Map.of("PGKEEPER_URL", "jdbc:postgresql://127.0.0.1:1/nowhere");

  static Stream<String> commands() {
    Context context =
        new Context(Map.of(), InputStream.nullInputStream(), OutputStream.nullOutputStream(), null);
    List<String> names = new ArrayList<>();
    Commands.named(context)
        .forEach(
            (name, command) -> {
              CommandLine line = new CommandLine(command.get());
              names.add(name);
              line.getSubcommands().keySet().forEach(verb -> names.add(name + " " + verb));
            });
    return names.stream();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void anUnknownOptionIsNamedInOneLine(String command) {
    Ran ran = Ran.here(NOWHERE, (command + " --no-such-option").split(" "));
    assertThat(ran.err())
        .startsWith("pgkeeper " + command + ": ")
        .endsWith("; see pgkeeper " + command + " --help\n")
        .hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandSaysWhatItIsFor(String command) {
    Ran ran = Ran.here(Map.of(), (command + " --help").split(" "));
    assertThat(ran.out()).startsWith("Usage: pgkeeper " + command).contains("--help");
    assertThat(ran.status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ls",
        "ls a",
        "ls /a/",
        "tree --limit 0",
        "get",
        "get /a /b",
        "set /a",
        "set /a x --file y",
        "set /a x -v -1",
        "set /a x -v soon",
        "create",
        "create -e -c /a",
        "create -c -s /a",
        "create -t soon /a",
        "create -t 1s -e /a",
        "rm /",
        "rm -r -v 1 /a",
        "watch /a --count 0",
        "locks a",
        "locks --limit 0",
        "locks --session one",
        "queues --session 1",
        "health x",
        "held-at",
        "held-at /a --at yesterday",
        "session",
        "session end",
        "session end one --why x",
        "session end 1",
        "lock break /a",
        "lock break a --why x",
        "leader move /a --why x",
        "queue pause q",
        "queue push q",
        "queue push q x --priority 1001",
        "queue push q x --delay soon",
        "queue push q x --header novalue",
        "queue peek q --limit 0",
        "queue pop",
        "queue redrive q --id x --why y",
        "prune history",
        "keep-history --keep 7d",
        "keep-history --enabled perhaps --why x",
        "keep-history --enabled --why x",
        "top --every 10ms",
        "ls / --schema My",
        "ls / --embedded --url jdbc:postgresql://h/d",
        "ls / --url localhost",
        "shell x"
      })
  void whatIsWrongIsTold(String line) {
    Ran ran = Ran.here(NOWHERE, line.split(" "));
    assertThat(ran.err()).startsWith("pgkeeper ").contains("; see pgkeeper ").hasLineCount(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.status()).isEqualTo(2);
  }

  @Test
  void aBlankReasonIsRefused() {
    Ran ran = Ran.here(NOWHERE, "lock", "break", "/a", "--why", " ");
    assertThat(ran.err()).contains("--why is blank; say why this is done").hasLineCount(1);
    assertThat(ran.status()).isEqualTo(2);
  }

  @Test
  void completionKnowsEveryCommand() {
    Ran ran = Ran.here(Map.of(), "generate-completion");
    assertThat(ran.status()).isZero();
    assertThat(ran.out()).contains("in-flight", "held-at", "redrive", "--if-version", "break");
  }
}
