package dev.pgkeeper.observe;

import dev.pgkeeper.Codec;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.KeeperOptions;
import dev.pgkeeper.Session;
import dev.pgkeeper.SessionState;
import dev.pgkeeper.cache.NodeCache;
import dev.pgkeeper.cache.PersistentNode;
import dev.pgkeeper.cache.Setting;
import dev.pgkeeper.cache.Settings;
import dev.pgkeeper.discovery.PartitionListener;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.job.Again;
import dev.pgkeeper.line.LineRequest;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.tree.CreateMode;
import dev.pgkeeper.tree.NewNode;
import dev.pgkeeper.tree.Op;
import dev.pgkeeper.tree.Read;
import dev.pgkeeper.tree.Scope;
import dev.pgkeeper.tree.WatchMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A process that uses everything with one payload, prints all that it gets as text, and logs
 * everything: the payload may be in neither.
 */
final class PayloadTour {
  static final String PAYLOAD = "a-very-secret-payload";
  private static final byte[] SECRET = PAYLOAD.getBytes(StandardCharsets.UTF_8);

  /** Text, and so are these bytes; but this codec does not know. */
  private static final Codec<String> NEVER_DECODES =
      new Codec<>() {
        @Override
        public byte[] encode(String value) {
          return value.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String decode(byte[] bytes) {
          throw new IllegalArgumentException("not such a value");
        }
      };

  private final Keeper keeper;
  private final PGSimpleDataSource source;

  private PayloadTour(PGSimpleDataSource source, Keeper keeper) {
    this.source = source;
    this.keeper = keeper;
  }

  public static void main(String[] arguments) throws Exception {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(arguments[0]);
    KeeperOptions options =
        KeeperOptions.defaults()
            .withSchema(arguments[1])
            .withMaxDataBytes(1000)
            .withSweep(Duration.ofMillis(200));
    try (Keeper keeper = Keeper.connect(source, options)) {
      PayloadTour tour = new PayloadTour(source, keeper);
      tour.tree();
      tour.locks();
      tour.copies();
      tour.groups();
      tour.values();
      tour.queues();
      tour.jobs();
      tour.breaks();
      tell(keeper, keeper.options(), keeper.health());
    }
    System.out.println("the tour is over");
  }

  private static void tell(Object... seen) {
    for (Object each : seen) {
      System.out.println("seen: " + each);
    }
  }

  /** What goes wrong tells what, and not with what. */
  private static void refused(AutoCloseable attempt) {
    try {
      attempt.close();
      throw new AssertionError("it was not refused");
    } catch (Exception e) {
      for (Throwable why = e; why != null; why = why.getCause()) {
        System.out.println("refused: " + why);
      }
    }
  }

  private static byte[] tooMuch() {
    return PAYLOAD.repeat(100).getBytes(StandardCharsets.UTF_8);
  }

  private void tree() throws Exception {
    keeper.tree().watch("/tree", WatchMode.PERSISTENT_RECURSIVE, event -> tell(event));
    NewNode fresh = NewNode.at("/tree/a/b").data(SECRET).withParents();
    tell(fresh, keeper.tree().create(fresh));
    tell(keeper.tree().get("/tree/a/b"), keeper.tree().set("/tree/a/b", SECRET));
    tell(keeper.tree().readAll(List.of(Read.node("/tree/a/b"))));
    tell(keeper.tree().nodePage(Scope.SUBTREE, "/tree", "", 10));
    List<Op> ops = List.of(Op.create("/tree/c", SECRET), Op.set("/tree/a/b", SECRET));
    tell(ops, keeper.tree().multi(ops));
    refused(() -> keeper.tree().create("/tree/c", SECRET));
    refused(() -> keeper.tree().set("/tree/c", SECRET, 77));
    refused(() -> keeper.tree().set("/tree/c", tooMuch()));
    refused(() -> keeper.tree().create("/tree/" + "n".repeat(3000), SECRET));
    keeper.tree().sync();
  }

  private void locks() throws Exception {
    try (Held held = keeper.lock("/locks/a").withData(SECRET).acquire()) {
      tell(held, keeper.lock("/locks/a"), keeper.lock("/locks/a").holder());
      tell(keeper.lock("/locks/a").withData(SECRET).tryAcquire(Duration.ofMillis(50)));
      refused(() -> keeper.lock("/locks/a").withData(SECRET).acquire(Duration.ofMillis(50)));
      refused(() -> keeper.semaphore("/locks/a", 3).withData(SECRET).acquire());
      keeper.fencedStore("store").write("key", held.token(), SECRET);
      tell(keeper.fencedStore("store"), keeper.fencedStore("store").read("key"));
      refused(() -> keeper.fencedStore("store").write("key", 1, SECRET));
      refused(() -> keeper.fencedStore("store").write("key", held.token(), tooMuch()));
    }
    var lost = keeper.lock("/locks/lost").withData(SECRET).acquire();
    keeper.tree().delete(lost.node());
    while (lost.isHeld()) {
      Thread.onSpinWait();
    }
    refused(lost::release);
    var permits = keeper.semaphore("/locks/s", 3).withData(SECRET).acquire(2);
    tell(permits, keeper.semaphore("/locks/s", 3), keeper.semaphore("/locks/s", 3).holders());
    tell(keeper.readWriteLock("/locks/rw").withData(SECRET).write().acquire());
    tell(keeper.readWriteLock("/locks/rw").holders());
    tell(keeper.multiLock(List.of("/locks/x", "/locks/y")).withData(SECRET).acquire());
    tell(keeper.reentrantLock("/locks/r").withData(SECRET).acquire());
    LineRequest request = LineRequest.of("1").data(SECRET);
    tell(request, keeper.line("/locks/line", "line", 1).join(request));
    tell(keeper.line("/locks/line", "line", 1).contenders());
    CountDownLatch led = new CountDownLatch(1);
    try (var candidacy =
        keeper
            .election("/election")
            .withIdentity("me")
            .withData(SECRET)
            .run(
                leadership -> {
                  tell(leadership);
                  led.countDown();
                })) {
      led.await();
      tell(candidacy, keeper.election("/election").candidates());
    }
  }

  private void copies() throws Exception {
    try (NodeCache cache = keeper.cache("/tree", Scope.SUBTREE);
        PersistentNode node = keeper.persistentNode("/kept", SECRET)) {
      cache.listen(event -> tell(event));
      cache.awaitInitialised(Await.LIMIT);
      node.awaitThere(Await.LIMIT);
      tell(cache, cache.get("/tree/c"), cache.stream().toList(), node, node.stat());
      keeper.tree().set("/tree/c", SECRET);
      cache.awaitCurrent(Await.LIMIT);
      keeper.tree().delete("/kept");
      node.setData(SECRET);
    }
    try (Settings settings = keeper.settings("/settings")) {
      Setting<String> setting = Setting.text("colour", "none");
      CountDownLatch changed = new CountDownLatch(1);
      settings.onChange(setting, value -> changed.countDown());
      settings.set(setting, PAYLOAD);
      changed.await();
      tell(settings, setting, settings.history(setting), settings.edit());
      keeper.tree().set("/settings/values/colour", new byte[] {(byte) 0xff});
      settings.awaitCurrent(Await.LIMIT);
    }
  }

  private void groups() throws Exception {
    try (var membership = keeper.group("/group").join("me", SECRET)) {
      membership.awaitThere(Await.LIMIT);
      tell(membership, keeper.group("/group").members());
      membership.update(SECRET);
    }
    ServiceInstance instance = ServiceInstance.at("here", 1).withMetadata("secret", PAYLOAD);
    try (var registration = keeper.services("/services").register("s", instance);
        var discovery = keeper.services("/services").discover("s")) {
      registration.awaitThere(Await.LIMIT);
      tell(registration, discovery, instance, keeper.services("/services").instances("s"));
      keeper.tree().create("/services/s/strange", SECRET, CreateMode.EPHEMERAL);
      tell(keeper.services("/services").instances("s"));
    }
    CountDownLatch owned = new CountDownLatch(2);
    PartitionListener listener =
        new PartitionListener() {
          @Override
          public void onAcquired(String element, Held held) {
            tell(element, held);
            owned.countDown();
          }

          @Override
          public void onRelease(String element) {
            tell(element);
          }
        };
    try (var participation =
        keeper.partitioner("/shards", List.of("a", "b")).join("me", listener)) {
      owned.await();
      tell(participation);
    }
  }

  private void values() {
    var value = keeper.sharedValue("/value", Codec.text(), "initial");
    tell(value.set(PAYLOAD), value, value.get(), value.update(before -> before + "!"));
    refused(() -> keeper.sharedValue("/value", NEVER_DECODES, "").get());
    keeper.tree().create("/counter", SECRET);
    refused(() -> keeper.counter("/counter").increment());
    keeper.tree().create("/ids", SECRET);
    refused(() -> keeper.idGenerator("/ids").next());
    keeper.tree().create("/latch", SECRET);
    refused(() -> keeper.latch("/latch", 2).countDown());
  }

  private void queues() throws Exception {
    MessageQueue<String> queue =
        keeper.queue(
            "q", Codec.text(), QueueOptions.defaults().withMostTries(1).withMostBytes(500));
    queue.enqueue(PAYLOAD);
    Outgoing<String> outgoing = Outgoing.of(PAYLOAD).key("k");
    tell(outgoing, queue.enqueue(outgoing), queue, queue.size(), queue.peek(10));
    refused(() -> queue.enqueue(PAYLOAD.repeat(100)));
    Delivery<String> delivery = queue.take().orElseThrow();
    tell(delivery, delivery.message());
    delivery.nack(new IllegalStateException("it failed"));
    CountDownLatch failed = new CountDownLatch(1);
    try (MessageConsumer consumer =
        queue.consume(
            ConsumeOptions.defaults(),
            message -> {
              tell(message);
              failed.countDown();
              throw new IllegalStateException("it failed again");
            })) {
      failed.await();
      tell(consumer);
    }
    tell(queue.deadLetters(), queue.deadLetters().list(10));
    MessageQueue<String> unreadable = keeper.queue("unreadable", NEVER_DECODES);
    unreadable.enqueue(PAYLOAD);
    refused(() -> unreadable.take().orElseThrow().message());
    var topic = keeper.topic("t", Codec.text());
    topic.subscribe("s").enqueue(PAYLOAD);
    tell(topic, topic.publish(PAYLOAD));
    var simple = keeper.simpleQueue("simple", Codec.text());
    simple.put(PAYLOAD);
    tell(simple);
    if (!simple.take().equals(PAYLOAD)) {
      throw new AssertionError("another payload");
    }
  }

  private void jobs() throws Exception {
    tell(keeper.jobs().once("job", "tick", connection -> tell(connection.isClosed())));
    refused(
        () ->
            keeper
                .jobs()
                .onceOutside(
                    "job",
                    "other",
                    Again.NEVER,
                    Await.LIMIT,
                    run -> {
                      tell(run);
                      throw new IllegalStateException("it failed");
                    }));
  }

  /** The client's own connection breaks, and then its session is ended. */
  private void breaks() throws Exception {
    CountDownLatch back = new CountDownLatch(1);
    keeper.onStateChange(
        state -> {
          if (state == SessionState.HELD) {
            back.countDown();
          }
        });
    CountDownLatch over = new CountDownLatch(1);
    keeper.onStateChange(
        state -> {
          if (state == SessionState.LOST) {
            over.countDown();
          }
        });
    String schema = keeper.options().schema();
    Session session = keeper.session();
    try (var connection = source.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          "SELECT pg_terminate_backend(backend) FROM "
              + schema
              + ".session WHERE id = "
              + session.id());
      back.await();
      statement.execute("SELECT " + schema + ".session_end(" + session.id() + ")");
      over.await();
    }
    refused(() -> session.tree().set("/tree/c", SECRET));
    tell(session, keeper.session());
  }
}
