package dev.pgkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.job.JobRun;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.ChildProcess.Surroundings;
import dev.pgkeeper.testing.Installed;
import dev.pgkeeper.testing.SettableClock;
import dev.pgkeeper.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The clock that counts from the machine's start does not run while it is suspended; the other one
 * is found ahead afterwards.
 */
class SuspendedMachineTest {
  private static final Duration AT_MOST = Duration.ofMinutes(10);

  @Test
  void whatHasALimitIsOverWhenTheMachineWasSuspendedForLonger() throws Exception {
    SettableClock clock = SettableClock.right(Installed.need("faketime", SettableClock.library()));
    try (TestDatabase database = TestDatabase.fresh();
        ChildProcess process =
            ChildProcess.start(
                new Surroundings(List.of(), clock.environment()),
                List.of(),
                Holder.class,
                database.jdbcUrl(),
                database.schema())) {
      process.awaitLine("held");
      process.send("look");
      assertThat(process.awaitLine("lock ")).isEqualTo("true, run true");
      clock.set((int) AT_MOST.plusMinutes(1).toSeconds());
      // The session's own belief is renewed by its next ping; a limit is not.
      process.send("look once the session is held");
      assertThat(process.awaitLine("lock ")).isEqualTo("false, run false");
    }
  }

  /** Holds a lock and has a turn of a job, both with a limit, and says of them what it believes. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws Exception {
      PGSimpleDataSource source = new PGSimpleDataSource();
      source.setUrl(arguments[0]);
      KeeperOptions options = KeeperOptions.defaults().withSchema(arguments[1]);
      try (Keeper keeper = Keeper.connect(source, options);
          Held held = keeper.lock("/limited").atMost(AT_MOST).acquire()) {
        keeper
            .jobs()
            .exclusively("limited", AT_MOST, Duration.ZERO, run -> tell(keeper, held, run));
      }
    }

    private static void tell(Keeper keeper, Held held, JobRun run) throws Exception {
      System.out.println("held");
      var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        while (!keeper.session().isHeld()) {
          Thread.sleep(10);
        }
        System.out.println("lock " + held.isHeld() + ", run " + run.isHeld());
      }
    }
  }
}
