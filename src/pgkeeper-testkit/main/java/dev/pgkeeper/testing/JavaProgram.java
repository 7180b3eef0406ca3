package dev.pgkeeper.testing;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.cli.Main;
import dev.pgkeeper.cli.command.JavaCommand;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Tree;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import org.jspecify.annotations.Nullable;

/**
 * How processes of the tests' own are started. Hundreds of them are, so the first one leaves an
 * archive of the classes that it loaded, from which the others start in little more than half the
 * time. Archives know classes from jars only, so directories of the class path are packed before.
 */
public final class JavaProgram {
  /** Where Surefire tells the class path that it put into a jar's manifest. */
  private static final String SUREFIRE = "surefire.test.class.path";

  private static @Nullable String classPath;
  private static @Nullable Path archive;

  private JavaProgram() {}

  /** The class path of the tests, as jars. */
  public static synchronized String classPath() {
    if (classPath == null) {
      classPath =
          Pattern.compile(File.pathSeparator, Pattern.LITERAL)
              .splitAsStream(givenClassPath())
              .map(Path::of)
              .filter(Files::exists)
              .map(JavaProgram::packed)
              .map(Path::toString)
              .collect(Collectors.joining(File.pathSeparator));
    }
    return classPath;
  }

  /** The class path of the tests, as it is. */
  static String givenClassPath() {
    return System.getProperty(SUREFIRE, System.getProperty("java.class.path"));
  }

  /** The command without the class that follows it. */
  public static List<String> command(List<String> options) {
    List<String> command = withoutArchive();
    if (archived() != null) {
      command.add("-XX:SharedArchiveFile=" + archived());
    }
    command.addAll(options);
    command.addAll(List.of("-cp", classPath()));
    return command;
  }

  private static List<String> withoutArchive() {
    List<String> command = JavaCommand.quick();
    command.addAll(
        List.of(
            "-Xmx256m",
            // A third of its time was the compiler's.
            "-XX:CompileThresholdScaling=5",
            // A page of memory that is touched first can cost 10 us. Only Linux has the option.
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-XX:+UseTransparentHugePages",
            // Else it says on its output where an archive does not fit.
            "-Xlog:disable",
            "-Djava.io.tmpdir=" + RunDirectory.get()));
    return command;
  }

  /** With its module, of which each has the same two. */
  private static String nameOf(Path part) {
    Path module = part.toAbsolutePath().getParent();
    return module.getFileName() + "-" + part.getFileName();
  }

  private static Path packed(Path part) {
    if (!Files.isDirectory(part)) {
      return part;
    }
    try {
      StringBuilder content = new StringBuilder();
      List<Path> files = filesBelow(part);
      for (Path file : files) {
        content.append(file).append(Files.size(file)).append(Files.getLastModifiedTime(file));
      }
      return Prepared.get(
          nameOf(part),
          content.toString(),
          ".jar",
          jar -> {
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
              out.setLevel(Deflater.NO_COMPRESSION);
              for (Path file : files) {
                out.putNextEntry(new JarEntry(part.relativize(file).toString().replace('\\', '/')));
                Files.copy(file, out);
                out.closeEntry();
              }
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> filesBelow(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static synchronized @Nullable Path archived() {
    if (archive == null && isTheSuite()) {
      archive =
          Prepared.get(
              "loaded-classes",
              classPath() + System.getProperty("java.home") + Runtime.version(),
              ".jsa",
              JavaProgram::archive);
    }
    return archive;
  }

  private static void archive(Path path) throws IOException {
    List<String> command = withoutArchive();
    command.addAll(List.of("-XX:ArchiveClassesAtExit=" + path, "-cp", classPath()));
    try (TestDatabase database = TestDatabase.fresh()) {
      command.addAll(List.of(LoadsClasses.class.getName(), database.jdbcUrl(), database.schema()));
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (process.waitFor() != 0) {
        throw new IllegalStateException("No archive of classes was made: " + command);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while an archive of classes was made", e);
    }
  }

  /** Others do not start as many, or measure what they do. */
  private static boolean isTheSuite() {
    return System.getProperty(SUREFIRE) != null;
  }

  /** Does what most of these processes do. */
  static final class LoadsClasses {
    public static void main(String[] arguments) throws Exception {
      String url = arguments[0];
      String schema = arguments[1];
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(url);
      try (HikariDataSource pool = new HikariDataSource(config);
          Keeper keeper = Keeper.connect(pool, KeeperOptions.defaults().withSchema(schema));
          Held held = keeper.lock("/lock").acquire()) {
        held.inTransaction(connection -> {});
        Tree tree = keeper.tree();
        CountDownLatch changed = new CountDownLatch(1);
        tree.create(NewNode.at("/a/b").data(new byte[1]).withParents());
        tree.get("/a/b", event -> changed.countDown());
        tree.set("/a/b", new byte[2], 0);
        changed.await();
        tree.children("/a");
        try (Connection connection = pool.getConnection()) {
          keeper.tree(connection).create("/c", new byte[0]);
        }
        tree.deleteRecursive("/a");
      }
      Main.main(new String[] {"ls", "/", "--url", url, "--schema", schema});
    }
  }
}
