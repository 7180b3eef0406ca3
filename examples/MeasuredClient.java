import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.metrics.KeeperMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;

/**
 * What an operator is shown: meters for a registry of Micrometer's, here one that keeps them in
 * memory, and whether the process is ready for work.
 */
public class MeasuredClient {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      try (Keeper keeper = Keeper.connect(dataSource)) {
        new KeeperMetrics(keeper).bindTo(registry); // in dev.pgkeeper:pgkeeper-micrometer
        boolean ready = keeper.health(Duration.ofMillis(500)).isReady(); // for a readiness probe
        System.out.println("ready: " + ready);

        try (Held report = keeper.lock("/reports/daily").acquire()) {
          System.out.println("holds " + report.path());
        }
        System.out.println("grants: " + registry.get("pgkeeper.grants").counter().count());
      }
    }
  }
}
