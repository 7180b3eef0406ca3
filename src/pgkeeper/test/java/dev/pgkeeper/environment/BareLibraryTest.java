package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.job.Scheduler;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.TestDatabase;
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;

/** An application that has the library and nothing that the library does not bring along. */
class BareLibraryTest {
  /** The library, its tests, which have the application, and what it depends on. */
  private static final List<String> BROUGHT_ALONG =
      List.of(
          "pgkeeper-classes@",
          "pgkeeper-0",
          "pgkeeper-tests-test-classes@",
          "postgresql-",
          "slf4j-api-",
          "slf4j-simple-",
          "jspecify-",
          "checker-qual-");

  private TestDatabase database;

  @BeforeEach
  void open() {
    database = TestDatabase.unmigrated();
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** Runs it on a class path of its own. */
  private void run(Class<?> application, String... more) throws Exception {
    List<String> allowed = new ArrayList<>(BROUGHT_ALONG);
    allowed.addAll(List.of(more));
    List<URL> classPath = new ArrayList<>();
    for (String part : JavaProgram.classPath().split(File.pathSeparator)) {
      String name = Path.of(part).getFileName().toString();
      if (allowed.stream().anyMatch(name::startsWith)) {
        classPath.add(Path.of(part).toUri().toURL());
      }
    }
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (URLClassLoader loader =
        new URLClassLoader(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      thread.setContextClassLoader(loader);
      loader
          .loadClass(application.getName())
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[] {database.jdbcUrl(), database.schema()});
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private void assertItWorked() {
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.nodes WHERE path = '/made'"))
        .isEqualTo(1);
  }

  @Test
  void aPlainDataSourceIsEnough() throws Exception {
    run(Application.class);
    assertItWorked();
  }

  /** Flyway on its class path would come to life there, and fail on the application's database. */
  @Test
  void anApplicationOfSpringBootThatHasNoFlywayStarts() throws Exception {
    run(BootApplication.class, "spring-", "HikariCP-", "micrometer-");
    assertItWorked();
  }

  private static void use(DataSource source, String schema) {
    Keeper.migrate(source, schema);
    try (Keeper keeper = Keeper.connect(source, KeeperOptions.defaults().withSchema(schema));
        Held held = keeper.lock("/lock").acquire()) {
      Scheduler scheduler = keeper.jobs().scheduler();
      scheduler.job("often").every(Duration.ofMinutes(1)).run(connection -> {});
      try {
        scheduler.job("nightly").cron("0 3 * * *", ZoneOffset.UTC);
        throw new AssertionError("there is no library that reads it");
      } catch (IllegalStateException e) {
        if (!e.getMessage().contains("com.cronutils:cron-utils")) {
          throw e;
        }
      }
      held.inTransaction(connection -> {});
      keeper.tree().create("/made", new byte[0]);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Knows nothing of the tests, which have more. */
  public static final class Application {
    private Application() {}

    public static void main(String[] arguments) throws Exception {
      for (String absent :
          List.of(
              "com.zaxxer.hikari.HikariDataSource",
              "org.flywaydb.core.Flyway",
              "picocli.CommandLine",
              "io.micrometer.core.instrument.MeterRegistry")) {
        if (isThere(absent)) {
          throw new AssertionError(absent + " is on the class path");
        }
      }
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(arguments[0]);
      use(source, arguments[1]);
    }
  }

  private static boolean isThere(String name) {
    try {
      Class.forName(name, false, Application.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** Has the data source of Spring Boot's own making. */
  @EnableAutoConfiguration
  public static class BootApplication {
    public static void main(String[] arguments) {
      SpringApplication application = new SpringApplication(BootApplication.class);
      application.setWebApplicationType(WebApplicationType.NONE);
      application.setDefaultProperties(
          Map.of("spring.datasource.url", arguments[0], "spring.main.banner-mode", "off"));
      try (var context = application.run()) {
        use(context.getBean(DataSource.class), arguments[1]);
      }
    }
  }
}
