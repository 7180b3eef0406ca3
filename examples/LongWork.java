import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Message;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Work that takes longer than anybody planned. A lock needs no renewal: it lasts as long as its
 * owner lives. A message that was taken with a lease has that extended while its handler runs, so
 * the lease can be as short as a failure may last. The argument is the URL of a database.
 */
public class LongWork {
  public static void main(String[] arguments) throws Exception {
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource);
          Keeper other = Keeper.connect(dataSource)) {
        lock(keeper, other);
        message(keeper, other);
      }
    }
  }

  private static void lock(Keeper keeper, Keeper other) throws Exception {
    try (Held held = keeper.lock("/index/rebuild").acquire()) {
      Thread.sleep(2000);
      boolean taken = other.lock("/index/rebuild").tryAcquire().isPresent();
      System.out.println("lock still held: " + held.isHeld() + ", taken by another: " + taken);
    }
  }

  private static void message(Keeper keeper, Keeper other) throws InterruptedException {
    ConsumeOptions options = ConsumeOptions.defaults().withLease(Duration.ofSeconds(1));
    CountDownLatch done = new CountDownLatch(1);
    MessageQueue<String> films = keeper.queue("films", Codec.text());
    try (MessageConsumer first = films.consume(options, message -> convert(message, done));
        MessageConsumer second =
            other
                .queue("films", Codec.text())
                .consume(options, message -> convert(message, done))) {
      films.enqueue("holidays.mp4");
      done.await();
    }
    System.out.println("films left: " + films.size().ready());
  }

  /** Three times as long as the lease. */
  private static void convert(Message<String> message, CountDownLatch done) throws Exception {
    System.out.println("converting " + message.body() + ", attempt " + message.attempt());
    Thread.sleep(3000);
    done.countDown();
  }
}
