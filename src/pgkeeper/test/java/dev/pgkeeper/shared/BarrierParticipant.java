package dev.pgkeeper.shared;

import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.testing.ChildProcess;
import dev.pgkeeper.testing.TestDatabase;
import java.time.Duration;
import org.postgresql.ds.PGSimpleDataSource;

/** A participant of a double barrier in a process of its own, to be killed. */
final class BarrierParticipant {
  private BarrierParticipant() {}

  /** Says {@code entered} when it has, and stays inside. */
  static ChildProcess start(TestDatabase database, String path, int participants) {
    return ChildProcess.start(
        BarrierParticipant.class,
        database.jdbcUrl(),
        database.schema(),
        path,
        Integer.toString(participants));
  }

  public static void main(String[] arguments) throws Exception {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(arguments[0]);
    KeeperOptions options =
        KeeperOptions.defaults().withSchema(arguments[1]).withGrace(Duration.ofSeconds(2));
    Keeper keeper = Keeper.connect(dataSource, options);
    keeper.doubleBarrier(arguments[2], Integer.parseInt(arguments[3])).enter();
    System.out.println("entered");
    if (System.in.read() < 0) {
      keeper.close();
    }
  }
}
