import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.HoldState;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A process can be stopped at any moment, for any time: by a collection of garbage, a busy
 * hypervisor, a laptop's lid. A short stop costs it nothing, for its connection lives. After a long
 * one the lock is somebody else's, and the fence refuses what it had begun to write. The whole
 * story, with a process that is really stopped; the argument is the URL of a database.
 */
public class LongPause {
  private static final String LOCK = "/reports/monthly";
  private static final KeeperOptions OPTIONS =
      KeeperOptions.defaults().withTimeout(Duration.ofSeconds(6));

  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      createReports(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource, OPTIONS)) {
        if (arguments.length > 1) {
          writeWhenTold(keeper);
        } else {
          tell(keeper);
        }
      }
    }
  }

  private static void tell(Keeper keeper) throws Exception {
    Process ada = again("ada");
    try (BufferedReader adasWords = ada.inputReader()) {
      awaitWord(adasWords, "holds");

      step("Ada's process is stopped for three seconds");
      signal("STOP", ada);
      Thread.sleep(3000);
      signal("CONT", ada);
      step("Ada goes on, and the lock is still hers");
      say(ada, "write");
      awaitWord(adasWords, "is writing");
      say(ada, "commit");
      awaitWord(adasWords, "wrote");

      step("Ada writes once more, and is stopped in the middle of it, for long");
      say(ada, "write");
      awaitWord(adasWords, "is writing");
      signal("STOP", ada);
      step("Bob waits for the lock");
      try (Held held = keeper.lock(LOCK).acquire(Duration.ofMinutes(1))) {
        step("Bob has it, with the larger token " + held.token() + ", and writes");
        held.inTransaction(connection -> report(connection, "bob", held.token()));

        step("Ada goes on where she was, and knows of nothing");
        signal("CONT", ada);
        say(ada, "commit");
        awaitWord(adasWords, "was refused");
      }
      step("What is there: " + reports(keeper));
    } finally {
      ada.destroyForcibly();
    }
  }

  /** Ada. */
  private static void writeWhenTold(Keeper keeper) throws Exception {
    BufferedReader told = new BufferedReader(new InputStreamReader(System.in));
    Held held = keeper.lock(LOCK).acquire();
    System.out.println("holds the lock, token " + held.token());
    while (told.readLine() != null) {
      while (held.state() == HoldState.JEOPARDY) {
        Thread.sleep(
            20); // she was stopped, and the database has not confirmed yet that it is still hers
      }
      try {
        held.inTransaction(
            connection -> {
              report(connection, "ada", held.token());
              System.out.println("is writing");
              told.readLine();
            });
        System.out.println("wrote");
      } catch (KeeperException.NotHeld e) {
        System.out.println("was refused: " + e.getMessage());
      }
    }
  }

  private static void report(Connection connection, String by, long token) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO report VALUES ('" + by + "', " + token + ")");
    }
  }

  // What the story needs besides.

  private static void step(String what) {
    System.out.println("* " + what);
  }

  private static String reports(Keeper keeper) throws Exception {
    List<String> all = new ArrayList<>();
    try (Held held = keeper.lock(LOCK).acquire()) {
      held.inTransaction(
          connection -> {
            try (Statement statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT by FROM report ORDER BY token")) {
              while (rows.next()) {
                all.add(rows.getString(1));
              }
            }
          });
    }
    return String.join(", ", all);
  }

  private static void createReports(HikariDataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS report (by text, token bigint)");
    }
  }

  /** This program once more, from its class or from its source, with one argument more. */
  private static Process again(String argument) throws IOException {
    String launcher = "jdk.compiler/com.sun.tools.javac.launcher.Main ";
    String self = System.getProperty("sun.java.command").replace(launcher, "");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(self.split(" ")));
    command.add(argument);
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static void signal(String name, Process process) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  private static void say(Process process, String word) throws IOException {
    process.getOutputStream().write((word + "\n").getBytes());
    process.getOutputStream().flush();
  }

  private static void awaitWord(BufferedReader from, String word) throws IOException {
    String line = from.readLine();
    System.out.println("  ada " + line);
    if (line == null || !line.startsWith(word)) {
      throw new IllegalStateException("Ada should have said: " + word);
    }
  }
}
