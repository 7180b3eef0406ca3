package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.pgkeeper.testing.PrivateServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What README and guides say to type is typed, what they link to is there. */
class GuideTest {
  private static final Pattern BLOCK =
      Pattern.compile("```(sql|console)\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CODE = Pattern.compile("```.*?```|`[^`\n]*`", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
  private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)");
  private static final Pattern RESULT =
      Pattern.compile("(?m)^\\| `([a-z0-9.-]+)` \\| ([^|]+) \\| ([^|]+) \\| ([0-9.]+) \\|");

  private static PrivateServer server;

  @BeforeAll
  static void start() {
    server = PrivateServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  static List<Path> guides() throws IOException {
    List<Path> guides = new ArrayList<>(List.of(Path.of("README.md")));
    try (Stream<Path> files = Files.list(Path.of("docs"))) {
      files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(guides::add);
    }
    return guides;
  }

  static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>(guides());
    try (Stream<Path> files = Files.list(Path.of("."))) {
      files
          .map(Path::normalize)
          .filter(file -> file.toString().endsWith(".md") && !documents.contains(file))
          .sorted()
          .forEach(documents::add);
    }
    try (Stream<Path> designs = Files.list(Path.of("docs/design"))) {
      designs.sorted().forEach(documents::add);
    }
    documents.addAll(List.of(Path.of("bench/README.md"), Path.of("examples/README.md")));
    return documents;
  }

  @ParameterizedTest
  @MethodSource("guides")
  void whatAGuideSaysToTypeDoesWhatItShould(Path guide) throws Exception {
    Matcher block = BLOCK.matcher(Files.readString(guide));
    if (!block.find()) {
      return;
    }
    try (GuideState state = new GuideState(server);
        Connection connection = state.connect();
        Statement statement = connection.createStatement()) {
      do {
        if (block.group(1).equals("sql")) {
          runSql(statement, block.group(2));
        } else {
          for (String line : block.group(2).lines().toList()) {
            runCommand(state.url(), line);
          }
        }
      } while (block.find());
    }
  }

  private static void runSql(Statement statement, String sql) {
    try {
      boolean isRows = statement.execute(sql);
      while (isRows || statement.getUpdateCount() >= 0) {
        if (isRows) {
          checkCodes(statement.getResultSet(), sql);
        }
        isRows = statement.getMoreResults();
      }
    } catch (SQLException e) {
      fail(sql, e);
    }
  }

  /** Functions answer a broken rule with a code, not with an error. */
  private static void checkCodes(ResultSet rows, String sql) throws SQLException {
    ResultSetMetaData columns = rows.getMetaData();
    while (rows.next()) {
      for (int i = 1; i <= columns.getColumnCount(); i++) {
        if (columns.getColumnName(i).equals("code")) {
          assertThat(rows.getString(i)).as(sql).isEqualTo("ok");
        }
      }
    }
  }

  private static void runCommand(String url, String line) {
    List<String> words = words(line);
    if (words.isEmpty() || !words.get(0).equals("./pgkeeper")) {
      return;
    }
    String[] arguments = words.subList(1, words.size()).toArray(String[]::new);
    Ran ran = Ran.here(Map.of("PGKEEPER_URL", url), arguments);
    assertThat(ran.err()).as(line).isEmpty();
    assertThat(ran.status()).as(line).isZero();
    assertThat(ran.out()).as(line).doesNotStartWith("no ");
  }

  /** As a shell would see them, without a comment and without where its output goes. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(line);
    while (word.find()) {
      String plain = word.group(3);
      if (plain != null && (plain.startsWith("#") || plain.startsWith(">"))) {
        break;
      }
      words.add(plain != null ? plain : word.group(1) != null ? word.group(1) : word.group(2));
    }
    return words;
  }

  @ParameterizedTest
  @MethodSource("documents")
  void whatADocumentLinksToIsThere(Path document) throws IOException {
    Matcher link = LINK.matcher(CODE.matcher(Files.readString(document)).replaceAll("code"));
    while (link.find()) {
      String target = link.group(1);
      if (target.startsWith("https://") || target.startsWith("http://")) {
        continue;
      }
      String[] parts = target.split("#", 2);
      Path file = parts[0].isEmpty() ? document : document.resolveSibling(parts[0]).normalize();
      assertThat(file).as("%s links to %s", document, target).exists();
      if (parts.length == 2) {
        assertThat(anchors(file)).as("%s links to %s", document, target).contains(parts[1]);
      }
    }
  }

  /** As GitHub makes them of headings. */
  private static Set<String> anchors(Path file) throws IOException {
    return HEADING
        .matcher(Files.readString(file))
        .results()
        .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
        .map(text -> text.replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'))
        .collect(Collectors.toSet());
  }

  /** A line of the comparison: | `case` | threads | compared with | ratio |. */
  @ParameterizedTest
  @MethodSource("guides")
  void whatAGuideSaysWasMeasuredIsInTheResults(Path guide) throws IOException {
    Matcher told = RESULT.matcher(Files.readString(guide));
    while (told.find()) {
      String suite = told.group(1).replaceFirst("\\..*", "");
      assertThat(measured(Path.of("bench/results", suite + ".md")))
          .as(guide.toString())
          .contains(
              String.join(
                  " ",
                  told.group(1),
                  told.group(2),
                  told.group(3).toLowerCase(Locale.ROOT),
                  told.group(4)));
    }
  }

  /** Case, threads, compared with, and ratio of each line of a result. */
  private static List<String> measured(Path results) throws IOException {
    return Files.readAllLines(results).stream()
        .map(line -> line.split(" *\\| *"))
        .filter(cells -> cells.length > 5)
        .map(cells -> String.join(" ", cells[1], cells[2], cells[4], cells[5]))
        .toList();
  }
}
