package dev.pgkeeper.environment;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.NewNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A process whose threads are interrupted while they use a keeper. Of a virtual thread the JDK
 * closes the connection then, in the midst of whatever is on its way. Each thread keeps what it was
 * answered, and in the end that is compared with what there is.
 */
public final class InterruptedRun {
  private static final int AT_ONCE = 16;
  private static final int LOCKS = 5;

  /** What a thread was told of a change. */
  private enum Told {
    DONE,
    NOT_DONE,
    UNKNOWN
  }

  private final Keeper keeper;
  private final MessageQueue<String> queue;
  private final Map<String, Told> created = new ConcurrentHashMap<>();
  private final Map<String, Told> enqueued = new ConcurrentHashMap<>();
  private final List<Thread> interruptible = new CopyOnWriteArrayList<>();
  private final List<String> violations = new CopyOnWriteArrayList<>();
  private final AtomicInteger locked = new AtomicInteger();
  private final Semaphore free = new Semaphore(AT_ONCE);

  private InterruptedRun(Keeper keeper) {
    this.keeper = keeper;
    this.queue = keeper.queue("interrupted", Codec.text());
  }

  /** URL, schema, seed, how many interrupts. */
  public static void main(String[] arguments) throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(arguments[0]);
    config.setMaximumPoolSize(8);
    config.setConnectionTimeout(Await.LIMIT.toMillis());
    try (HikariDataSource pool = new HikariDataSource(config);
        Keeper keeper =
            Keeper.connect(
                pool,
                KeeperOptions.defaults()
                    .withSchema(arguments[1])
                    .withTimeout(Duration.ofMinutes(10))
                    .withOperationTimeout(Await.LIMIT)
                    .withSweep(Duration.ofSeconds(1)))) {
      InterruptedRun run = new InterruptedRun(keeper);
      int interrupts =
          run.interrupt(new Random(Long.parseLong(arguments[2])), Integer.parseInt(arguments[3]));
      run.compare();
      run.violations.forEach(violation -> System.out.println("VIOLATED " + violation));
      System.out.printf(
          "done: %d interrupts, %d nodes, %d messages, %d locks%n",
          interrupts, run.created.size(), run.enqueued.size(), run.locked.get());
    }
  }

  private int interrupt(Random random, int most) throws Exception {
    keeper.tree().create(NewNode.at("/made").withParents());
    int interrupts = 0;
    for (int i = 0; interrupts < most; i++) {
      free.acquire();
      boolean mayBeInterrupted = random.nextInt(4) > 0;
      int number = i;
      Thread thread = virtual(() -> work(number, mayBeInterrupted));
      if (mayBeInterrupted) {
        interruptible.add(thread);
      }
      thread.start();
      TimeUnit.MICROSECONDS.sleep(random.nextInt(1500));
      if (!interruptible.isEmpty()) {
        interruptible.get(random.nextInt(interruptible.size())).interrupt();
        interrupts++;
      }
    }
    free.acquire(AT_ONCE);
    return interrupts;
  }

  /** A platform thread where there are no virtual ones yet. */
  private static Thread virtual(Runnable task) throws ReflectiveOperationException {
    if (Runtime.version().feature() < 21) {
      return new Thread(task);
    }
    Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
    return (Thread)
        Class.forName("java.lang.Thread$Builder")
            .getMethod("unstarted", Runnable.class)
            .invoke(builder, task);
  }

  private void work(int number, boolean mayBeInterrupted) {
    try {
      change(
          created,
          "n" + number,
          name -> keeper.tree().create("/made/" + name, new byte[0]),
          mayBeInterrupted);
      change(enqueued, "m" + number, queue::enqueue, mayBeInterrupted);
      try (Held held = keeper.lock("/locks/" + number % LOCKS).acquire()) {
        held.ensureHeld();
        locked.incrementAndGet();
      } catch (InterruptedException e) {
        if (!mayBeInterrupted) {
          violations.add("nobody interrupted " + number + ", and it was");
        }
      } catch (KeeperException e) {
        if (!mayBeInterrupted) {
          violations.add("nobody interrupted " + number + ", and its lock failed: " + e);
        }
      }
    } finally {
      interruptible.remove(Thread.currentThread());
      free.release();
    }
  }

  private interface Change {
    void of(String name);
  }

  private void change(
      Map<String, Told> told, String name, Change change, boolean mayBeInterrupted) {
    try {
      change.of(name);
      told.put(name, Told.DONE);
    } catch (KeeperException.OutcomeUnknown e) {
      told.put(name, Told.UNKNOWN);
      refuse(name, e, mayBeInterrupted);
    } catch (KeeperException e) {
      told.put(name, Told.NOT_DONE);
      refuse(name, e, mayBeInterrupted);
    }
  }

  private void refuse(String name, KeeperException e, boolean mayBeInterrupted) {
    if (!mayBeInterrupted) {
      violations.add("nobody interrupted " + name + ", and it failed: " + e);
    }
  }

  private void compare() throws Exception {
    Set<String> nodes = new HashSet<>(keeper.tree().children("/made"));
    compare("node", created, nodes);
    List<String> messages = new ArrayList<>();
    for (Optional<Delivery<String>> next = queue.take(); next.isPresent(); next = queue.take()) {
      messages.add(next.get().body());
      next.get().ack();
    }
    compare("message", enqueued, new HashSet<>(messages));
    if (messages.size() != new HashSet<>(messages).size()) {
      violations.add("a message is there twice");
    }
    Await.until(
        "no lock is held that nobody knows of",
        () -> {
          for (int i = 0; i < LOCKS; i++) {
            Optional<Held> held = keeper.lock("/locks/" + i).tryAcquire();
            if (held.isEmpty()) {
              return false;
            }
            held.get().close();
          }
          return true;
        });
  }

  private void compare(String kind, Map<String, Told> told, Set<String> there) {
    told.forEach(
        (name, answer) -> {
          if (answer == Told.DONE && !there.contains(name)) {
            violations.add(kind + " " + name + " was done and is not there");
          } else if (answer == Told.NOT_DONE && there.contains(name)) {
            violations.add(kind + " " + name + " was not done, it was said, and is there");
          }
        });
    there.forEach(
        name -> {
          if (!told.containsKey(name)) {
            violations.add(kind + " " + name + " was made by nobody");
          }
        });
  }
}
