import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.discovery.Participation;
import dev.pgkeeper.discovery.PartitionListener;
import java.util.List;

/**
 * Which of us works on which shard? Run it in several terminals, with the URL of a database and a
 * name each: every shard has one owner, all have about as many, and few change hands when somebody
 * comes or goes. Kill one with kill -9: the others have its shards about two seconds later. Enter
 * ends it in order.
 */
public class SharedShards {
  private static final List<String> SHARDS = List.of("s1", "s2", "s3", "s4", "s5", "s6");

  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource);
          Participation mine =
              keeper.partitioner("/shards", SHARDS).join(arguments[1], new Workers())) {
        System.in.read();
        System.out.println(arguments[1] + " ends with " + mine.owned().size());
      }
    }
  }

  private static class Workers implements PartitionListener {
    @Override
    public void onAcquired(String shard, Held held) {
      // What the worker does in the database, it does in held.inTransaction(...): that commits
      // only while the shard is owned, however long this process was paused meanwhile.
      System.out.println("begins " + shard);
    }

    @Override
    public void onRelease(String shard) {
      // The worker has ended when this returns; only then somebody else has the shard.
      System.out.println("ends " + shard);
    }
  }
}
