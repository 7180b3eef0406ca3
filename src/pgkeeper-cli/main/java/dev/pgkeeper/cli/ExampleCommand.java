package dev.pgkeeper.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.cli.command.JavaCommand;
import dev.pgkeeper.cli.command.PinnedSource;
import dev.pgkeeper.cli.command.ServerOptions;
import dev.pgkeeper.cli.command.VersionText;
import dev.pgkeeper.cli.embedded.EmbeddedServer;
import dev.pgkeeper.cli.output.Failure;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code pgkeeper example}: runs one of the programs in {@code examples/} from its source, so that
 * what runs is what a reader copies.
 */
@Command(
    name = "example",
    description = {
      "Runs one of the programs in examples/, or lists them.",
      "Without --url and PGKEEPER_URL it gets a PostgreSQL of its own, which is gone afterwards."
    },
    mixinStandardHelpOptions = true,
    versionProvider = VersionText.class,
    usageHelpAutoWidth = true)
final class ExampleCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final String SUFFIX = ".java";

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private final ServerOptions server;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "NAME",
      description = "Which one; none: lists them.")
  private @Nullable String name;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "ARGUMENT",
      description = "What the example takes besides the URL.")
  private List<String> arguments = List.of();

  ExampleCommand(Map<String, String> environment) {
    server = new ServerOptions(environment);
  }

  @Override
  public Integer call() throws Exception {
    if (name == null) {
      list(spec.commandLine().getOut());
      return 0;
    }
    Path program = programs().resolve(name + SUFFIX);
    if (name.contains("/") || !Files.exists(program)) {
      throw new ParameterException(
          spec.commandLine(), "there is no example \"" + name + "\"; there are " + names());
    }
    if (server.isGiven() && !server.isEmbedded()) {
      return run(program, server.dataSource());
    }
    try (EmbeddedServer own = EmbeddedServer.start()) {
      return run(program, own.dataSource());
    }
  }

  /** The password goes by a file, since other users of the machine can read arguments. */
  private int run(Path program, PGSimpleDataSource source) throws Exception {
    String password = source.getPassword();
    if (password == null) {
      return run(program, url(source), Map.of());
    }
    Path passwords = Files.createTempFile("pgkeeper-example", ".pgpass");
    try {
      Files.writeString(passwords, "*:*:*:*:" + password.replaceAll("[:\\\\]", "\\\\$0") + "\n");
      return run(program, url(source), Map.of("PGPASSFILE", passwords.toString()));
    } finally {
      Files.deleteIfExists(passwords);
    }
  }

  /** What the source connects to, and as whom, without the password. */
  private static String url(PGSimpleDataSource source) {
    PGSimpleDataSource bare = new PGSimpleDataSource();
    bare.setUrl(source.getUrl());
    bare.setPassword(null);
    if (source instanceof PinnedSource pinned) {
      bare.setOptions(pinned.ownOptions()); // what the program names is its own affair
    }
    String url = bare.getUrl();
    String user = source.getUser();
    return user == null
        ? url
        : url + (url.contains("?") ? "&" : "?") + "user=" + URLEncoder.encode(user, UTF_8);
  }

  private int run(Path program, String database, Map<String, String> variables)
      throws InterruptedException {
    List<String> command = JavaCommand.quick();
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(program.toString());
    command.add(database);
    command.addAll(arguments);
    try (ChildCommand child = new ChildCommand(command, PATIENCE, false)) {
      return child.run(variables, () -> true);
    }
  }

  private void list(PrintWriter out) {
    for (String each : names()) {
      out.println(each);
      out.println("    " + purpose(programs().resolve(each + SUFFIX)));
    }
  }

  private static List<String> names() {
    try (Stream<Path> files = Files.list(programs())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(SUFFIX))
          .map(file -> file.substring(0, file.length() - SUFFIX.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new Failure("the examples in " + programs() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The first sentence of its header. */
  private static String purpose(Path program) {
    try {
      String source = Files.readString(program);
      String header = source.substring(source.indexOf("/**") + 3, source.indexOf("*/"));
      String text = header.replaceAll("(?m)^\\s*\\*?\\s*", "").replaceAll("\\s+", " ").strip();
      return text.replaceFirst("(?<=[.:]) .*", "").replaceFirst(":$", ".");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The script {@code pgkeeper} says where they are; else, where the program was started. */
  private static Path programs() {
    return Path.of(System.getProperty("pgkeeper.examples", "examples"));
  }
}
