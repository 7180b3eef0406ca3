package dev.pgkeeper.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.doctor.Doctor;
import dev.pgkeeper.doctor.DoctorOptions;
import dev.pgkeeper.internal.jdbc.DatabaseUrl;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A password in a URL that is mistyped, or belongs to another program, is told nowhere. */
class MistypedUrlTest {
  private static final KeeperOptions QUICK =
      KeeperOptions.defaults().withOperationTimeout(Duration.ofMillis(200));

  private static final String SECRET = "s3cr3t-w0rd";

  static final List<String> URLS =
      Stream.of(
              "ada:SECRET@localhost",
              "ada:SECRET@localhost:1/app",
              "ada:pass SECRET@localhost/app",
              "host=localhost port=1 user=ada password=SECRET",
              "host=localhost;password=SECRET",
              "postgres://ada:SECRET@localhost:1/app",
              "postgresql://ada:SECRET@localhost:1/app?sslmode=require",
              "postgresql://localhost:1/app?password=SECRET",
              "jdbc:postgres://ada:SECRET@localhost:1/app",
              "jdbc:postgresql//ada:SECRET@localhost:1/app",
              "jdbc:postgresql:/ada:SECRET@localhost/app",
              "jdbc:postgresql:ada:SECRET@localhost/app",
              "jdbc:postgresql://ada:SECRET@localhost/app",
              "jdbc:postgresql://ada:SECRET@localhost:1/app",
              "jdbc:postgresql://ada:SECRET@localhost:1,other:2/app",
              "jdbc:postgresql://ada/SECRET@localhost:1/app",
              "jdbc:postgresql://ada:SECRET/app",
              "jdbc:postgresql://localhost:SECRET/app",
              "jdbc:postgresql://localhost:1:SECRET/app",
              "jdbc:postgresql://localhost:port/app?password=SECRET",
              "jdbc:postgresql://localhost:1/app?password=SECRET%zz",
              "jdbc:postgresql://localhost:1/app;password=SECRET",
              "jdbc:postgresql://localhost:1/app&password=SECRET",
              "jdbc:postgresql://localhost:1/app password=SECRET",
              "jdbc:postgresql://localhost:1/password=SECRET",
              "jdbc:postgresql://localhost:1/app?user=ada?password=SECRET",
              "jdbc:postgresql://localhost:1/app?user=ada:SECRET",
              "jdbc:postgresql://localhost:1/app?user=ada password=SECRET",
              "jdbc:postgresql://localhost:1/app?sslmode=require;password=SECRET",
              "jdbc:postgresql://localhost:1/app?sslmode=require,password:SECRET",
              "jdbc:postgresql://localhost:1/app?loginTimeout=5;password=SECRET",
              "jdbc:postgresql://localhost:1/app?loginTimeout=5&amp;password=SECRET",
              "jdbc:postgresql://localhost:1/app?user:ada&password:SECRET",
              "jdbc:postgresql:host=localhost password=SECRET",
              "jdbc:postgresql://[ada:SECRET@::1]:1/app",
              "jdbc:mysql://ada:SECRET@localhost/app",
              " jdbc:postgresql://ada:SECRET@localhost:1/app",
              "\"jdbc:postgresql://ada:SECRET@localhost:1/app\"")
          .map(url -> url.replace("SECRET", SECRET))
          .toList();

  /** Each way in which commands come to their database. */
  private static final List<String> COMMANDS =
      List.of(
          "migrate",
          "lock /a -- true",
          "lead /a -- true",
          "guard job --tick 1 -- true",
          "ls /",
          "locks --json",
          "queue push q x",
          "lock break /a --why test",
          "top --once",
          "doctor",
          "ui --port 0",
          "shell",
          "example OrderLock");

  @ParameterizedTest
  @FieldSource("URLS")
  void noCommandTellsWhatIsInAUrlThatIsRefused(String url) {
    for (String command : COMMANDS) {
      List<String> arguments = new ArrayList<>(List.of(command.split(" ")));
      Ran variable = Ran.here(Map.of("PGKEEPER_URL", url), arguments.toArray(String[]::new));
      assertRefused(variable, command, "PGKEEPER_URL is not a URL of the PostgreSQL driver");
      arguments.addAll(
          command.matches("(queue|lock) (push|break).*") ? 2 : 1, List.of("--url", url));
      Ran option = Ran.here(Map.of(), arguments.toArray(String[]::new));
      assertRefused(option, command, "--url is not a URL of the PostgreSQL driver");
    }
  }

  private static void assertRefused(Ran ran, String command, String why) {
    assertThat(ran.out() + ran.err()).as(command).doesNotContain(SECRET);
    assertThat(ran.err())
        .as(command)
        .contains(why, "write jdbc:postgresql://host:5432/database", "PGPASSWORD")
        .hasLineCount(1);
    assertThat(ran.status()).as(command).isEqualTo(2);
  }

  /** With what the driver and the pool log, which a process of its own shows. */
  @ParameterizedTest
  @ValueSource(ints = {0, 13, 17, 31})
  void aProcessOfItsOwnTellsNothingEither(int index) throws Exception {
    Ran ran = Ran.toItsEnd(Ran.command(Map.of("PGKEEPER_URL", URLS.get(index)), "ls", "/"));
    assertThat(ran.out() + ran.err()).doesNotContain(SECRET);
    assertThat(ran.status()).isEqualTo(2);
  }

  /** The URL where something else is expected, which is quoted elsewhere. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "ls / URL",
        "ls URL",
        "ls / --ur=URL",
        "ls / --urlURL",
        "ls / -uURL",
        "URL",
        "ls / --limit URL",
        "locks --session URL",
        "migrate --schema URL",
        "lock URL -- true",
        "lead URL -- true",
        "create URL"
      })
  void aUrlInAnotherPlaceIsNotRepeated(String line) {
    for (String url : URLS) {
      String[] arguments = line.split(" ");
      for (int i = 0; i < arguments.length; i++) {
        arguments[i] = arguments[i].replace("URL", url);
      }
      Ran ran = Ran.here(Map.of("PGKEEPER_URL", "jdbc:postgresql://localhost:1/app"), arguments);
      assertThat(ran.out() + ran.err()).as(url).doesNotContain(SECRET);
      assertThat(ran.status()).as(url).isNotZero();
    }
  }

  @ParameterizedTest
  @FieldSource("URLS")
  void noExceptionOfTheLibraryTellsWhatIsInAUrl(String url) {
    try (HikariDataSource pool = new HikariDataSource()) {
      pool.setJdbcUrl(url);
      pool.setConnectionTimeout(1000);
      KeeperOptions options = KeeperOptions.defaults().withOperationTimeout(Duration.ofMillis(200));
      assertTellsNothing(catchThrowable(() -> Keeper.connect(pool, QUICK)));
      assertTellsNothing(catchThrowable(() -> Keeper.migrate(pool)));
      assertTellsNothing(catchThrowable(() -> Doctor.examine(pool, DoctorOptions.defaults())));
    }
    PGSimpleDataSource source = new PGSimpleDataSource();
    Throwable refused = catchThrowable(() -> source.setUrl(url));
    if (refused == null) {
      assertTellsNothing(catchThrowable(() -> Keeper.connect(source, QUICK)));
    }
  }

  private static void assertTellsNothing(Throwable thrown) {
    assertThat(thrown).isNotNull();
    StringWriter trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).doesNotContain(SECRET);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://localhost:1/app",
        "jdbc:postgresql:app",
        "jdbc:postgresql://localhost/",
        "jdbc:postgresql://a-b.c_d:1,[::1]:2,10.0.0.1/app?user=ada@server&password=p:=@;/x",
        "jdbc:postgresql://localhost:1/my%3Ddb?options=-c%20geqo=off&sslmode=disable",
        "jdbc:postgresql://localhost:1/app?options=-c geqo=off"
      })
  void whatTheDriverUnderstandsIsUnderstood(String url) {
    assertThat(DatabaseUrl.parse(url, null)).isNotEmpty();
  }
}
