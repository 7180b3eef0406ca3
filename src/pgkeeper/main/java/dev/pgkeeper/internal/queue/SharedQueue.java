package dev.pgkeeper.internal.queue;

import dev.pgkeeper.Codec;
import dev.pgkeeper.KeeperException;
import dev.pgkeeper.internal.jdbc.CallersTransaction;
import dev.pgkeeper.internal.jdbc.Database;
import dev.pgkeeper.internal.jdbc.Outcome;
import dev.pgkeeper.internal.jdbc.SqlFunction;
import dev.pgkeeper.internal.queue.Administration.What;
import dev.pgkeeper.internal.queue.Claimed.State;
import dev.pgkeeper.internal.queue.QueueChannel.Answer;
import dev.pgkeeper.internal.queue.QueueChannel.Trip;
import dev.pgkeeper.queue.ConsumeOptions;
import dev.pgkeeper.queue.DeadLetters;
import dev.pgkeeper.queue.Delivery;
import dev.pgkeeper.queue.Enqueued;
import dev.pgkeeper.queue.Handler;
import dev.pgkeeper.queue.Message;
import dev.pgkeeper.queue.MessageConsumer;
import dev.pgkeeper.queue.MessageQueue;
import dev.pgkeeper.queue.Outgoing;
import dev.pgkeeper.queue.QueueOptions;
import dev.pgkeeper.queue.QueueSize;
import dev.pgkeeper.queue.TransactionHandler;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A queue as its users see it: what is in it is read and written by a codec. */
public final class SharedQueue<T> implements MessageQueue<T> {
  private static final Logger log = LoggerFactory.getLogger(SharedQueue.class);
  private static final int LONGEST_NAME = 500;
  private static final Duration LONGEST_WAIT = Duration.ofDays(36_500);

  private final PresentQueues queues;
  private final String name;
  private final Codec<T> codec;
  private final QueueOptions options;

  // Without a lock: each only saves a statement, and two who write them at once have seen the same.

  /** The settings that this was given are in the database, or there are none. Never taken back. */
  private volatile boolean settingsWritten;

  /**
   * The queue was there once. Until then a caller's transaction is kept from failing for its
   * absence, by a savepoint. Taken back by whoever finds that it is gone.
   */
  private volatile boolean seen;

  /**
   * A caller's transaction made it, and may not have committed: whether it is there is known only
   * to whoever looks in a transaction of its own, and takes this back.
   */
  private volatile boolean madeInTransaction;

  public SharedQueue(PresentQueues queues, String name, Codec<T> codec, QueueOptions options) {
    this.queues = queues;
    this.name = checkName("a queue's name", name);
    this.codec = Objects.requireNonNull(codec, "codec");
    this.options = Objects.requireNonNull(options, "options");
    this.settingsWritten = !options.creation() || !options.changesSettings();
  }

  static String checkName(String what, String name) {
    Objects.requireNonNull(name, what);
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > LONGEST_NAME) {
      throw new IllegalArgumentException(
          what + " has " + bytes + " bytes; use 1 to " + LONGEST_NAME);
    } else if (name.codePoints().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          what + " has a control character: \"" + name.replaceAll("\\p{Cntrl}", "?") + "\"");
    }
    return name;
  }

  @Override
  public String name() {
    return name;
  }

  private QueueChannel present() {
    return queues.now().named(name);
  }

  // Making it.

  private <R> R made(Function<QueueChannel, R> call) {
    QueueChannel queue = present();
    queue.session().ensureUsable();
    if (!settingsWritten) {
      create(queue);
    }
    R result;
    try {
      result = call.apply(queue);
    } catch (KeeperException.NoQueue e) {
      seen = false;
      if (!options.creation()) {
        throw queue.noQueue(e);
      }
      create(queue);
      result = call.apply(queue);
    }
    seen = true;
    madeInTransaction = false;
    return result;
  }

  private void create(QueueChannel queue) {
    queue.session().database().read(queue.session().calls().queueCreate(name, options));
    settingsWritten = true;
  }

  /** Calls inside the caller's transaction, which stays usable whatever comes of it. */
  private <R> R made(QueueChannel queue, Connection connection, SqlFunction<R> call) {
    Objects.requireNonNull(connection, "connection");
    QueueSession session = queue.session();
    session.ensureUsable();
    try {
      if (seen && settingsWritten) {
        return Database.on(connection, call);
      }
      R result = Database.undoing(connection, call);
      seen = !madeInTransaction;
      return result;
    } catch (KeeperException.NoQueue e) {
      if (!options.creation()) {
        throw queue.noQueue(e);
      } else if (seen) {
        seen = false; // somebody dropped it, and this transaction has failed; the next one makes it
        throw e;
      }
      madeInTransaction = true;
      Database.on(connection, session.calls().queueCreate(name, options));
      return Database.on(connection, call);
    }
  }

  // Enqueueing.

  @Override
  public long enqueue(T body) {
    byte[][] payloads = {Batch.encode(codec, body)};
    return made(queue -> queue.enqueue(payloads));
  }

  @Override
  public List<Long> enqueueAll(List<T> bodies) {
    byte[][] payloads = encode(bodies);
    return payloads.length == 0
        ? List.of()
        : numbers(made(queue -> queue.enqueue(payloads)), payloads.length);
  }

  private byte[][] encode(List<T> bodies) {
    checkNumber("messages", bodies.size(), 0);
    return bodies.stream().map(body -> Batch.encode(codec, body)).toArray(byte[][]::new);
  }

  private static void checkNumber(String what, int number, int least) {
    if (number < least || number > MOST_AT_ONCE) {
      throw new IllegalArgumentException(
          number + " " + what + " at once; use " + least + " to " + MOST_AT_ONCE);
    }
  }

  private static List<Long> numbers(long first, int count) {
    return LongStream.range(first, first + count).boxed().toList();
  }

  @Override
  public Enqueued enqueue(Outgoing<T> message) {
    return enqueue(List.of(message)).get(0);
  }

  @Override
  public List<Enqueued> enqueue(List<Outgoing<T>> messages) {
    checkNumber("messages", messages.size(), 0);
    if (messages.isEmpty()) {
      return List.of();
    }
    Batch batch = Batch.of(name, codec, messages);
    return made(queue -> queue.enqueue(batch));
  }

  @Override
  public long enqueue(Connection connection, T body) {
    return enqueueAll(connection, List.of(body)).get(0);
  }

  @Override
  public List<Long> enqueueAll(Connection connection, List<T> bodies) {
    byte[][] payloads = encode(bodies);
    return payloads.length == 0
        ? List.of()
        : enqueue(connection, Batch.plain(name, payloads)).stream().map(Enqueued::id).toList();
  }

  @Override
  public Enqueued enqueue(Connection connection, Outgoing<T> message) {
    return enqueue(connection, List.of(message)).get(0);
  }

  @Override
  public List<Enqueued> enqueue(Connection connection, List<Outgoing<T>> messages) {
    checkNumber("messages", messages.size(), 0);
    return messages.isEmpty() ? List.of() : enqueue(connection, Batch.of(name, codec, messages));
  }

  private List<Enqueued> enqueue(Connection connection, Batch batch) {
    QueueChannel queue = present();
    List<Outcome> outcomes = made(queue, connection, queue.session().calls().enqueueAll(batch));
    return queue.counted(batch.enqueued(outcomes));
  }

  // Taking.

  @Override
  public Optional<Delivery<T>> take() {
    try {
      return first(take(present(), List.of(), 1, Duration.ZERO, null));
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted without waiting", e);
    }
  }

  private static <D> Optional<D> first(List<D> deliveries) {
    return deliveries.stream().findFirst();
  }

  @Override
  public Optional<Delivery<T>> take(Duration timeout) throws InterruptedException {
    return first(take(1, timeout));
  }

  @Override
  public List<Delivery<T>> take(int most, Duration timeout) throws InterruptedException {
    checkNumber("messages", most, 1);
    return take(present(), List.of(), most, timeout, null);
  }

  @Override
  public List<Delivery<T>> take(int most, Duration timeout, Duration lease)
      throws InterruptedException {
    checkNumber("messages", most, 1);
    if (lease.toMillis() < 1 || lease.compareTo(LONGEST_WAIT) > 0) {
      throw new IllegalArgumentException(
          "lease is " + lease + "; use 1 millisecond to 36,500 days");
    }
    return take(present(), List.of(), most, timeout, lease);
  }

  @Override
  public List<Delivery<T>> ackAndTake(Collection<Delivery<T>> done, int most, Duration timeout)
      throws InterruptedException {
    checkNumber("messages", most, 0);
    QueueChannel queue = present();
    List<Claimed> acked = new ArrayList<>(done.size());
    for (Delivery<T> one : done) {
      if (!(one instanceof LocalDelivery<T> mine)) {
        throw new IllegalArgumentException(one + " is none of pgkeeper's: use what take returned");
      } else if (!mine.isOf(queue.session())) {
        if (mine.hasEnded()) {
          throw Claims.notHeld(name, mine.claimed(), null);
        }
        throw new IllegalArgumentException("this delivery is another keeper's; ack it there");
      }
      acked.add(mine.claimed());
    }
    return take(queue, acked, most, most == 0 ? Duration.ZERO : timeout, null);
  }

  private List<Delivery<T>> take(
      QueueChannel queue, List<Claimed> done, int most, Duration timeout, @Nullable Duration lease)
      throws InterruptedException {
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout is " + timeout + "; use 0 or more");
    }
    long deadline =
        System.nanoTime()
            + (timeout.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : timeout).toNanos();
    if (!timeout.isZero() && Thread.interrupted()) {
      throw new InterruptedException();
    }
    queue.beginToLeave(done);
    List<Claimed> leaving = done;
    while (true) {
      Answer answer;
      try {
        answer = look(queue, new Trip(most, lease, false, leaving, false), deadline);
      } catch (KeeperException.SessionExpired e) {
        throw sessionEnded(leaving, e);
      } finally {
        // Of what was not even asked for.
        leaving.stream()
            .filter(one -> one.state() == State.LEAVING)
            .forEach(one -> one.become(State.HELD));
      }
      leaving = List.of();
      List<Delivery<T>> deliveries = deliver(queue, answer.taken());
      if (!answer.refused().isEmpty()) {
        queue
            .parts()
            .returns()
            .giveBackForSure(answer.taken().stream().map(Return::release).toList());
        throw Claims.notHeld(name, answer.refused().get(0), null);
      } else if (!deliveries.isEmpty() || answer.taken().isEmpty()) {
        return deliveries;
      }
    }
  }

  /** What had not left is lost with it: to who has a message, that is the same as by its lease. */
  private RuntimeException sessionEnded(List<Claimed> leaving, KeeperException.SessionExpired e) {
    List<Claimed> lost =
        leaving.stream()
            .filter(one -> one.state() == State.HELD || one.state() == State.LEAVING)
            .toList();
    lost.forEach(one -> one.become(State.LOST));
    return lost.isEmpty() ? e : Claims.notHeld(name, lost.get(0), e);
  }

  private Answer look(QueueChannel queue, Trip trip, long deadline) throws InterruptedException {
    queue.session().ensureUsable();
    if (!settingsWritten) {
      create(queue);
    }
    try {
      return queue.take(trip, deadline);
    } catch (KeeperException.NoQueue e) {
      if (!options.creation()) {
        throw queue.noQueue(e);
      }
      create(queue);
      List<Claimed> leaving = trip.done().stream().filter(Claimed::beginToLeave).toList();
      return queue.take(new Trip(trip.most(), trip.lease(), false, leaving, false), deadline);
    }
  }

  /** What the codec cannot read goes under the dead letters, so that it blocks nobody. */
  private List<Delivery<T>> deliver(QueueChannel queue, List<Claimed> taken) {
    List<Delivery<T>> deliveries = new ArrayList<>(taken.size());
    List<Return> unreadable = new ArrayList<>();
    for (Claimed claimed : taken) {
      try {
        deliveries.add(new LocalDelivery<>(queue, claimed, read(claimed.message())));
      } catch (KeeperException.Unreadable e) {
        unreadable.add(unreadable(claimed, e));
      }
    }
    queue.parts().returns().giveBackForSure(unreadable);
    return deliveries;
  }

  private Return unreadable(Claimed claimed, KeeperException.Unreadable e) {
    log.warn("{}; it is under the dead letters now", e.getMessage());
    return Return.dead(claimed, why(e));
  }

  static String why(KeeperException.Unreadable e) {
    return "the codec cannot read it: " + Return.text(Objects.requireNonNull(e.getCause()));
  }

  Message<T> read(StoredMessage stored) {
    T body;
    try {
      body = Objects.requireNonNull(codec.decode(stored.payload()), "what the codec read");
    } catch (Exception | Error e) {
      throw new KeeperException.Unreadable(
          "the codec cannot read message " + stored.id() + " of the queue " + name, e);
    }
    return new Message<>(
        stored.id(),
        body,
        stored.headers(),
        stored.tries() + 1,
        stored.key(),
        stored.priority(),
        stored.enqueued(),
        stored.expires());
  }

  @Override
  public Optional<Message<T>> take(Connection connection) {
    return first(take(connection, 1));
  }

  @Override
  public List<Message<T>> take(Connection connection, int most) {
    checkNumber("messages", most, 1);
    CallersTransaction.ensure(
        connection, "the queue " + name, "what is taken would be gone at once");
    QueueChannel queue = present();
    QueueCalls calls = queue.session().calls();
    while (true) {
      List<StoredMessage> taken = made(queue, connection, calls.takeNow(name, most));
      queue.counter.taken(taken.size());
      List<Message<T>> messages = new ArrayList<>(taken.size());
      for (StoredMessage stored : taken) {
        try {
          messages.add(read(stored));
        } catch (KeeperException.Unreadable e) {
          Database.on(connection, calls.bury(name, stored, why(e)));
        }
      }
      queue.counter.acked(messages.size());
      queue.counter.died(taken.size() - messages.size());
      if (!messages.isEmpty() || taken.isEmpty()) {
        return messages;
      }
    }
  }

  // Working.

  @Override
  public MessageConsumer consume(ConsumeOptions how, Handler<T> handler) {
    Objects.requireNonNull(handler, "handler");
    return consume(
        how,
        false,
        (claimed, message) -> {
          handler.handle(message);
          return false;
        });
  }

  @Override
  public MessageConsumer consumeInTransactions(ConsumeOptions how, TransactionHandler<T> handler) {
    Objects.requireNonNull(handler, "handler");
    return consume(
        how,
        true,
        (claimed, message) -> {
          QueueSession session = claimed.queue().session();
          session
              .database()
              .transaction(
                  connection -> {
                    handler.handle(connection, message);
                    Database.on(
                        connection,
                        session.calls().ack(session.id(), claimed.claim().number, claimed.id()));
                  });
          claimed.queue().parts().claims().committed(claimed);
          claimed.queue().counter.acked(1);
          return true;
        });
  }

  private MessageConsumer consume(ConsumeOptions how, boolean apart, QueueConsumer.Work<T> work) {
    isPaused(); // makes it, or says that it is not there
    return new StandingConsumer<T>(
        name,
        queues,
        now -> {
          QueueChannel queue = now.named(name);
          return new QueueConsumer<>(
              queue, how, apart, this::readForConsumer, work, () -> restore(queue));
        });
  }

  private Message<T> readForConsumer(Claimed claimed) {
    return read(claimed.message());
  }

  /** Makes a queue that is gone once more. Returns false if that is not wanted. */
  private boolean restore(QueueChannel queue) {
    if (options.creation()) {
      create(queue);
    }
    return options.creation();
  }

  // Looking after it.

  @Override
  public List<Message<T>> peek(int most) {
    checkNumber("messages", most, 1);
    ensureThere();
    QueueSession session = queues.now().session();
    return session.database().read(session.calls().peek(name, most)).stream()
        .map(this::read)
        .toList();
  }

  @Override
  public QueueSize size() {
    return made(
        queue ->
            queue
                .session()
                .database()
                .read(queue.session().calls().queueSize(name))
                .orElseThrow(() -> queue.noQueue(null)));
  }

  @Override
  public boolean isPaused() {
    return made(
        queue -> {
          QueueSession session = queue.session();
          Boolean paused = session.database().read(session.calls().isPaused(name));
          if (paused == null) {
            throw queue.noQueue(null);
          }
          return paused;
        });
  }

  private void ensureThere() {
    if (!seen) {
      isPaused();
    }
  }

  @Override
  public long purge() {
    ensureThere();
    return Administration.carryOutAll(
        queues.now().session(), () -> Administration.of(What.PURGE, name));
  }

  @Override
  public boolean pause() {
    return !isPaused() && administer(What.PAUSE);
  }

  @Override
  public boolean resume() {
    return isPaused() && administer(What.RESUME);
  }

  private boolean administer(What what) {
    return Administration.of(what, name).carryOut(queues.now().session()) > 0;
  }

  @Override
  public DeadLetters deadLetters() {
    ensureThere();
    return new SharedDeadLetters(queues, name);
  }

  @Override
  public String toString() {
    return "MessageQueue[" + name + "]";
  }
}
