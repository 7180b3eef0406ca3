package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.JavaProgram;
import dev.pgkeeper.testing.TestDatabase;
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** An application need not have HikariCP. */
class WithoutHikariTest {

  @Test
  void aPlainDataSourceIsEnough() throws Exception {
    List<URL> classPath = new ArrayList<>();
    for (String part : JavaProgram.classPath().split(File.pathSeparator)) {
      if (!part.contains("HikariCP")) {
        classPath.add(Path.of(part).toUri().toURL());
      }
    }
    try (TestDatabase database = TestDatabase.unmigrated();
        URLClassLoader application =
            new URLClassLoader(
                classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      assertThatThrownBy(() -> application.loadClass("com.zaxxer.hikari.HikariDataSource"))
          .isInstanceOf(ClassNotFoundException.class);
      application
          .loadClass(Application.class.getName())
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[] {database.jdbcUrl(), database.schema()});
      assertThat(database.queryLong("SELECT count(*) FROM ${schema}.nodes WHERE path = '/made'"))
          .isEqualTo(1);
    }
  }

  /** Knows nothing of the tests, which have the pool. */
  public static final class Application {
    private Application() {}

    public static void main(String[] arguments) throws Exception {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(arguments[0]);
      Keeper.migrate(source, arguments[1]);
      try (Keeper keeper =
              Keeper.connect(source, KeeperOptions.defaults().withSchema(arguments[1]));
          Held held = keeper.lock("/lock").acquire()) {
        keeper.tree().create("/made", new byte[0]);
        held.inTransaction(connection -> {});
      }
    }
  }
}
