import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.shared.DoubleBarrier;
import java.time.Duration;

/**
 * Three workers on three machines load a third of the data each. None may begin before all are
 * there, and none may go on before all have finished. Run it in three terminals, with the URL of a
 * database and a name each. A worker that is killed while it loads has left, so that the others do
 * not wait for ever; the count of what was loaded tells them.
 */
public class BarrierOfThree {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  public static void main(String[] arguments) throws Exception {
    String name = arguments[1];
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        System.out.println(name + " is ready");
        DoubleBarrier together = keeper.doubleBarrier("/load/workers", 3);
        if (!together.enter(PATIENCE)) {
          System.out.println(name + " waited for the others in vain");
          return;
        }
        System.out.println(name + " loads");
        keeper.counter("/load/parts").increment();
        if (together.leave(PATIENCE)) {
          System.out.println(name + " goes on: " + keeper.counter("/load/parts").get() + " parts");
        }
      }
    }
  }
}
