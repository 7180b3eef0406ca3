package dev.pgkeeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.testing.JavaProgram;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a type is used, as its documentation shows it. */
class SnippetsTest {
  private static final Path SOURCES = Path.of("src/pgkeeper/main/java/dev/pgkeeper");
  private static final Pattern SNIPPET =
      Pattern.compile("<pre>\\{@code\n(.*?)\n *\\* }</pre>", Pattern.DOTALL);

  /** What a reader takes for given. */
  private static final String SURROUNDINGS =
      """
      import dev.pgkeeper.*;
      import dev.pgkeeper.cache.*;
      import dev.pgkeeper.discovery.*;
      import dev.pgkeeper.election.*;
      import dev.pgkeeper.job.*;
      import dev.pgkeeper.line.*;
      import dev.pgkeeper.lock.*;
      import dev.pgkeeper.queue.*;
      import dev.pgkeeper.shared.*;
      import dev.pgkeeper.tree.*;
      import java.sql.Connection;
      import java.time.*;
      import java.util.*;
      import javax.sql.DataSource;

      abstract class Snippet {
        Keeper keeper;
        DataSource dataSource;
        byte[] data;
        PartitionListener listener;

        abstract void apply(Object value);
        abstract void bill(Leadership leadership);
        abstract void call(ServiceInstance instance);
        abstract void callElsewhere(long token);
        abstract void change(Connection connection);
        abstract void greet(List<Member> members);
        abstract void lookAgain();
        abstract void play();
        abstract void report();
        abstract void send(String text);
        abstract void sendAll(Connection connection);
        abstract void serve();
        abstract void ship(Connection connection);
        abstract void stop();
        abstract void transfer(Connection connection);

      """;

  @TempDir private Path directory;

  /** By the types that show them. */
  private static Map<String, String> snippets() throws IOException {
    Map<String, String> snippets = new TreeMap<>();
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(SnippetsTest::isPublic).toList()) {
        Matcher shown = SNIPPET.matcher(Files.readString(file));
        while (shown.find()) {
          String type = file.getFileName().toString().replace(".java", "");
          snippets.merge(
              type, shown.group(1).replaceAll("(?m)^ *\\* ?", ""), (a, b) -> a + "\n" + b);
        }
      }
    }
    return snippets;
  }

  private static boolean isPublic(Path file) {
    return file.toString().endsWith(".java") && !file.startsWith(SOURCES.resolve("internal"));
  }

  @Test
  void eachTypeThatAKeeperGivesShowsHowItIsUsed() throws IOException {
    List<String> given =
        Arrays.stream(Keeper.class.getMethods())
            .map(Method::getReturnType)
            .filter(type -> type.getName().startsWith("dev.pgkeeper."))
            .filter(type -> !type.isRecord() && !type.isEnum() && type != Subscription.class)
            .map(Class::getSimpleName)
            .filter(name -> !name.equals("TreeOperations"))
            .toList();
    assertThat(given).hasSizeGreaterThan(20);
    assertThat(snippets()).containsKeys(given.toArray(String[]::new));
  }

  @Test
  void whatIsShownCompiles() throws IOException {
    StringBuilder source = new StringBuilder(SURROUNDINGS);
    snippets()
        .forEach(
            (type, code) ->
                source
                    .append("void show")
                    .append(type)
                    .append(code.contains("connection ->") ? "()" : "(Connection connection)")
                    .append(" throws Exception {\n")
                    .append(code)
                    .append("\n}\n\n"));
    source.append("}\n");
    StringWriter said = new StringWriter();
    assertThat(compile(source.toString(), said)).as("%s%n%s", said, source).isTrue();
  }

  private boolean compile(String source, StringWriter said) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<String> options =
        new ArrayList<>(
            List.of("-proc:none", "-cp", JavaProgram.classPath(), "-d", directory.toString()));
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("string:///Snippet.java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    return compiler.getTask(said, null, null, options, null, List.of(file)).call();
  }
}
