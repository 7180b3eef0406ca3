import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.discovery.Registration;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.discovery.ServiceRegistry;
import dev.pgkeeper.election.Candidacy;
import dev.pgkeeper.queue.SimpleQueue;
import dev.pgkeeper.shared.Counter;
import dev.pgkeeper.shared.DoubleBarrier;
import dev.pgkeeper.tree.Scope;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * What README.md beside this file sets against Curator's and kazoo's code, in one program. The
 * argument is the URL of a database.
 */
public class ComingFromCurator {
  public static void main(String[] arguments) throws Exception {
    String url = arguments[0];
    HikariDataSource dataSource = new HikariDataSource();
    dataSource.setJdbcUrl(url);
    Keeper.migrate(dataSource);
    Keeper keeper = Keeper.connect(dataSource);
    try (dataSource;
        keeper) {
      lock(keeper);
      leader(keeper);
      cache(keeper);
      stay(keeper);
      count(keeper);
      barrier(keeper);
      queue(keeper);
      discover(keeper);
      children(keeper);
    }
    System.out.println("all of it");
  }

  private static void lock(Keeper keeper) throws Exception {
    try (Held held = keeper.lock("/orders/17").acquire(Duration.ofSeconds(10))) {
      held.inTransaction(connection -> ship());
    }
  }

  private static void leader(Keeper keeper) throws InterruptedException {
    CountDownLatch led = new CountDownLatch(1);
    Candidacy candidacy =
        keeper
            .election("/mailer")
            .requeueing()
            .run(
                leadership -> {
                  sendMails();
                  led.countDown();
                });
    led.await();
    candidacy.close();
  }

  private static void cache(Keeper keeper) throws InterruptedException {
    try (NodeCache cache = keeper.cache("/settings", Scope.SUBTREE)) {
      cache.listen(change -> reload(change.path()));
      cache.awaitInitialised(Duration.ofSeconds(10));
      cache.get("/settings/limit").ifPresent(node -> use(node.data()));
    }
  }

  private static void stay(Keeper keeper) throws InterruptedException {
    try (PersistentNode node = keeper.persistentNode("/workers/ada", "busy".getBytes())) {
      node.awaitThere(Duration.ofSeconds(10));
    }
  }

  private static void count(Keeper keeper) {
    Counter orders = keeper.counter("/orders/count");
    orders.add(3);
    System.out.println("orders: " + orders.get());
  }

  private static void barrier(Keeper keeper) throws InterruptedException {
    DoubleBarrier barrier = keeper.doubleBarrier("/load", 1);
    if (barrier.enter(Duration.ofSeconds(10))) {
      load();
      barrier.leave();
    }
  }

  private static void queue(Keeper keeper) throws InterruptedException {
    SimpleQueue<String> tasks = keeper.simpleQueue("tasks", Codec.text());
    tasks.put("O005");
    System.out.println("task: " + tasks.take());
  }

  private static void discover(Keeper keeper) {
    ServiceRegistry services = keeper.services("/services");
    try (Registration registration =
        services.register("mail", ServiceInstance.at("localhost", 25))) {
      System.out.println("mail: " + services.instances("mail").get(0).port());
    }
  }

  /** As kazoo's ChildrenWatch. */
  private static void children(Keeper keeper) throws InterruptedException {
    try (NodeCache workers = keeper.cache("/workers", Scope.CHILDREN)) {
      workers.awaitInitialised(Duration.ofSeconds(10));
      System.out.println("workers: " + workers.children("/workers"));
    }
  }

  private static void ship() {}

  private static void sendMails() {}

  private static void reload(String path) {}

  private static void use(byte[] data) {}

  private static void load() {}
}
