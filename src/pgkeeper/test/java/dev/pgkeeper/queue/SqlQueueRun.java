package dev.pgkeeper.queue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.pgkeeper.queue.MessageBook.Taken;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;

/**
 * Many connections that do everything to two queues at once, one of them with keys, while backends
 * are terminated. What each is told it writes into a {@link MessageBook}.
 */
public final class SqlQueueRun {

  private static final int PRODUCERS = 3;
  private static final int CONSUMERS = 5;
  private static final int KEYS = 4; // of each producer
  private static final Duration GLANCE = Duration.ofMillis(20);

  /** Only what hangs takes this long without getting anything done. */
  private static final Duration HANG = Await.LIMIT;

  /** What a consumer takes under a lease is done with long before, on any machine. */
  private static final String LEASE = "2 min";

  private final TestDatabase database;
  private final long seed;
  private final MessageBook book;
  private final AtomicBoolean over = new AtomicBoolean();
  private final Set<Integer> backends = ConcurrentHashMap.newKeySet();
  private final AtomicLong terminated = new AtomicLong();
  private final AtomicLong acks = new AtomicLong();

  public SqlQueueRun(TestDatabase database, long seed) {
    this.database = database;
    this.seed = seed;
    this.book = MessageBook.open(database);
  }

  /** How many acks were answered. */
  public long acks() {
    return acks.get();
  }

  /**
   * Runs for this long, and on until there were so many acks and terminated backends, and drains;
   * returns what was wrong.
   */
  public List<String> run(Duration span, int leastAcks, int leastTerminated)
      throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    start(threads, PRODUCERS, Producer::new);
    start(threads, CONSUMERS, Consumer::new);
    start(threads, 1, Leaser::new);
    start(threads, 1, Keeping::new);
    Thread killer = new Thread(this::terminateBackends, "terminator");
    killer.start();
    long began = System.nanoTime();
    while (book.violations().isEmpty()
        && (System.nanoTime() - began < span.toNanos() || !isEnough(leastAcks, leastTerminated))) {
      if (System.nanoTime() - began > span.plus(HANG.multipliedBy(5)).toNanos()) {
        book.violate("too little happens: " + this);
      }
      Await.pause(GLANCE);
    }
    over.set(true);
    killer.join();
    for (Thread thread : threads) {
      thread.join(HANG.toMillis());
      if (thread.isAlive()) {
        book.violate(thread.getName() + " is stuck");
        return book.violations();
      }
    }
    book.compare();
    if (book.violations().isEmpty()) {
      drain();
    }
    return book.violations();
  }

  private boolean isEnough(int leastAcks, int leastTerminated) {
    return acks.get() >= leastAcks && terminated.get() >= leastTerminated;
  }

  private void start(List<Thread> threads, int number, IntFunction<Worker> kind) {
    for (int i = 0; i < number; i++) {
      Worker worker = kind.apply(i);
      Thread thread = new Thread(worker, worker.name);
      threads.add(thread);
      thread.start();
    }
  }

  private void terminateBackends() {
    Random random = new Random(seed);
    while (!over.get()) {
      Await.pause(Duration.ofMillis(50 + random.nextInt(200)));
      Integer[] all = backends.toArray(Integer[]::new);
      if (all.length > 0) {
        database.execute("SELECT pg_terminate_backend(" + all[random.nextInt(all.length)] + ")");
        terminated.incrementAndGet();
      }
    }
  }

  /** Takes and acks all there is; then every place is empty. */
  private void drain() {
    database.execute("SELECT ${schema}.session_end(id) FROM ${schema}.session");
    new Drain().run();
    book.compareWithNothing();
  }

  @Override
  public String toString() {
    return "seed %d: %s, %d backends terminated".formatted(seed, book, terminated.get());
  }

  /** The connection was terminated; nothing is known of the statement. */
  private static final class Broken extends Exception {
    private static final long serialVersionUID = 1;

    Broken(SQLException cause) {
      super(cause);
    }
  }

  private abstract class Worker implements Runnable {
    final String name;
    final Random random;
    Connection connection;
    long session;
    long request;
    private int pid;

    Worker(String name, int number) {
      this.name = name + number;
      this.random = new Random(seed * 31 + this.name.hashCode());
    }

    abstract void step() throws SQLException, Broken;

    @Override
    public void run() {
      try {
        while (!over.get()) {
          try {
            connect();
            step();
          } catch (Broken e) {
            disconnect();
          }
        }
      } catch (SQLException | RuntimeException e) {
        book.violate(name + ": " + e);
      } finally {
        disconnect();
      }
    }

    final void connect() throws SQLException, Broken {
      if (connection == null) {
        connection = database.connect();
        pid = (int) number("SELECT pg_backend_pid()");
        backends.add(pid);
      }
    }

    final void disconnect() {
      backends.remove(pid);
      try {
        if (connection != null) {
          connection.close();
        }
      } catch (SQLException e) {
        book.violate(name + ": " + e);
      }
      connection = null;
    }

    final List<String[]> ask(String sql, Object... arguments) throws SQLException, Broken {
      try {
        return SqlRows.of(connection, database, sql, arguments);
      } catch (SQLException e) {
        throw sorted(e);
      }
    }

    final long number(String sql, Object... arguments) throws SQLException, Broken {
      return Long.parseLong(ask(sql, arguments).get(0)[0]);
    }

    final SQLException sorted(SQLException e) throws Broken {
      String state = String.valueOf(e.getSQLState());
      if (state.startsWith("08") || state.startsWith("57P")) {
        throw new Broken(e);
      }
      return e;
    }

    final void commit() throws SQLException, Broken {
      try {
        connection.commit();
      } catch (SQLException e) {
        throw sorted(e);
      }
    }

    final void begin() throws SQLException, Broken {
      try {
        connection.setAutoCommit(false);
      } catch (SQLException e) {
        throw sorted(e);
      }
    }

    final void end() throws SQLException, Broken {
      try {
        connection.rollback();
        connection.setAutoCommit(true);
      } catch (SQLException e) {
        throw sorted(e);
      }
    }

    final void openSession() throws SQLException, Broken {
      if (session == 0) {
        session = number("SELECT ${schema}.session_open(600000, 60000, false, 'c', 'h', 1)");
        request = 0;
      }
    }
  }

  private final class Producer extends Worker {
    private int count;
    private final int[] ofKey = new int[KEYS];

    Producer(int number) {
      super("producer", number);
    }

    @Override
    void step() throws SQLException, Broken {
      openSession();
      if (database.queryLong("SELECT count(*) FROM ${schema}.message") > 2000) {
        Await.pause(Duration.ofMillis(50));
        return;
      }
      int size = random.nextInt(4) == 0 ? 1 + random.nextInt(20) : 1;
      List<String> payloads = new ArrayList<>();
      String[] keys = new String[size];
      Integer[] priorities = new Integer[size];
      Long[] delays = new Long[size];
      boolean keyed = random.nextBoolean();
      int priority = random.nextInt(3);
      for (int i = 0; i < size; i++) {
        String payload = name + "." + count++;
        if (keyed) {
          int key = random.nextInt(KEYS);
          keys[i] = name + "k" + key;
          payload += "|" + keys[i] + "|" + ofKey[key]++;
        } else if (random.nextInt(4) == 0) {
          delays[i] = (long) random.nextInt(60);
        }
        priorities[i] = priority;
        payloads.add(payload);
      }
      byte[][] bytes =
          payloads.stream().map(payload -> payload.getBytes(UTF_8)).toArray(byte[][]::new);
      String[] queues = new String[size];
      String queue = keyed || random.nextBoolean() ? MessageBook.KEYED : MessageBook.PLAIN;
      Arrays.fill(queues, queue);
      boolean kept = random.nextInt(5) > 0;
      try {
        switch (keyed ? 1 + random.nextInt(2) : random.nextInt(4)) {
          case 0 -> {
            ask(
                "SELECT watched FROM ${schema}.request_enqueue(?, 1, ?, ?, ?)",
                session,
                ++request,
                queue,
                array("bytea", bytes));
            book.enqueued(payloads);
          }
          case 1 -> {
            ask(
                "SELECT watched FROM ${schema}.request_enqueue_all(?, 1, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
                session,
                ++request,
                array("text", queues),
                array("bytea", bytes),
                array("integer", priorities),
                array("bigint", delays),
                array("text", keys));
            book.enqueued(payloads);
          }
          case 2 -> {
            begin();
            ask(
                "SELECT 1 FROM ${schema}.enqueue_all(?, ?, ?, ?, ?)",
                array("text", queues),
                array("bytea", bytes),
                array("integer", priorities),
                array("bigint", delays),
                array("text", keys));
            if (kept) {
              commit();
              book.enqueued(payloads);
            }
            end();
          }
          default -> {
            String dedup = "d" + random.nextInt(200);
            if (number(
                    "SELECT count(*) FROM unnest(${schema}.enqueue_all(ARRAY[?], ARRAY[?::bytea], NULL, NULL, NULL, NULL, NULL, ARRAY[?])) o"
                        + " WHERE o.code = 'ok'",
                    queue,
                    bytes[0],
                    dedup)
                == 1) {
              book.enqueued(payloads.subList(0, 1));
            }
          }
        }
      } catch (Broken e) {
        book.perhapsEnqueued(payloads);
        throw e;
      }
    }

    private java.sql.Array array(String type, Object[] elements) throws SQLException {
      return connection.createArrayOf(type, elements);
    }
  }

  /** Takes what a caller would work on, and says what it is told. */
  private abstract class Taker extends Worker {
    Taker(String name, int number) {
      super(name, number);
    }

    final void acknowledged(Taken taken) {
      book.acknowledged(taken);
      acks.incrementAndGet();
    }
  }

  private class Consumer extends Taker {
    private long claim;
    private final List<Taken> mine = new ArrayList<>();

    Consumer(int number) {
      super("consumer", number);
    }

    Consumer(String name) {
      super(name, 0);
    }

    @Override
    void step() throws SQLException, Broken {
      openSession();
      take();
      finish();
      if (random.nextInt(40) == 0) {
        endSession();
      }
    }

    /** Acks all that is left of the last claim, and takes more. */
    final void take() throws SQLException, Broken {
      List<Taken> done = new ArrayList<>(mine);
      mine.clear();
      done.forEach(book::ended);
      boolean whole = random.nextBoolean();
      boolean apart = random.nextInt(4) == 0;
      int count = 1 + random.nextInt(10);
      Long[] claims = done.stream().map(Taken::claim).toArray(Long[]::new);
      Long[] ids = done.stream().map(Taken::id).toArray(Long[]::new);
      long first = claim + 1;
      claim += count;
      List<String[]> rows = null;
      for (boolean again = false; rows == null; again = true) {
        try {
          connect();
          rows =
              ask(
                  "SELECT t.refused, m.id, convert_from(m.payload, 'UTF8')"
                      + " FROM ${schema}.take(?, ?, ?, ?, NULL, ?, ?, ?, ?, true, ?) t"
                      + " LEFT JOIN LATERAL unnest(t.messages) AS m ON true",
                  session,
                  first,
                  random.nextBoolean() ? MessageBook.KEYED : MessageBook.PLAIN,
                  count,
                  apart,
                  whole && claims.length > 0
                      ? connection.createArrayOf(
                          "bigint", Arrays.stream(claims).distinct().toArray())
                      : null,
                  !whole && claims.length > 0 ? connection.createArrayOf("bigint", claims) : null,
                  !whole && claims.length > 0 ? connection.createArrayOf("bigint", ids) : null,
                  again);
        } catch (Broken e) {
          disconnect();
        } catch (SQLException e) {
          if (!"23505".equals(e.getSQLState()) || !again) {
            throw e; // else the first call came all the same
          }
        }
      }
      if (!rows.isEmpty() && rows.get(0)[0] != null) {
        book.violate("refused: " + rows.get(0)[0] + " of " + done);
      }
      done.forEach(this::acknowledged);
      for (int i = 0; i < rows.size(); i++) {
        if (rows.get(i)[1] != null) {
          Taken taken =
              new Taken(apart ? first + i : first, Long.parseLong(rows.get(i)[1]), rows.get(i)[2]);
          book.begun(taken);
          mine.add(taken);
        }
      }
      if (mine.isEmpty()) {
        if (!done.isEmpty()) { // The empty claim proves the acks; the client has its reply.
          ask("SELECT ${schema}.claims_forget(?, '{}', ?)", session, claim + 1);
        }
        Await.pause(Duration.ofMillis(5));
      }
    }

    /** Gives some of what was taken back, and acks some in transactions. */
    private void finish() throws SQLException, Broken {
      for (Taken taken : List.copyOf(mine)) {
        switch (random.nextInt(12)) {
          case 0 -> give(taken, "retry", (long) random.nextInt(30));
          case 1 -> give(taken, "release", null);
          case 2 -> give(taken, "dead", null);
          case 3 -> ackInTransaction(taken);
          default -> {}
        }
      }
    }

    private void give(Taken taken, String how, Long delay) throws SQLException, Broken {
      book.outOfOrder(taken); // it may be dead now, and driven again
      book.ended(taken);
      mine.remove(taken);
      String outcome = null;
      while (outcome == null) {
        request++;
        try {
          connect();
          outcome =
              ask(
                      "SELECT (r.outcomes)[1].code FROM ${schema}.request_return(?, 1, ?, ARRAY[?], ARRAY[?], ARRAY[?], ARRAY[?::bigint],"
                          + " ARRAY['wrong']) r",
                      session,
                      request,
                      taken.claim(),
                      taken.id(),
                      how,
                      delay)
                  .get(0)[0];
        } catch (Broken e) {
          disconnect();
          outcome = settle();
        }
      }
      if (!outcome.equals("ok")) {
        book.violate("not given back: " + taken + " " + outcome);
      }
      if (random.nextInt(3) == 0) {
        assertStale(taken, session);
      }
    }

    private String settle() throws SQLException {
      while (true) {
        try {
          connect();
          List<String[]> noted =
              ask("SELECT code FROM ${schema}.settle(?, 1, ?)", session, request);
          return noted.isEmpty() ? null : noted.get(0)[0];
        } catch (Broken e) {
          disconnect();
        }
      }
    }

    private void assertStale(Taken taken, long of) throws SQLException, Broken {
      try {
        ask("SELECT ${schema}.ack(?, ?, ?)", taken.claim(), taken.id(), of);
        book.violate("a stale ack counted: " + taken);
      } catch (SQLException e) {
        if (!"PK003".equals(e.getSQLState())) {
          throw e;
        }
      }
    }

    private void ackInTransaction(Taken taken) throws SQLException, Broken {
      boolean keep = random.nextBoolean();
      begin();
      ask("SELECT ${schema}.ack(?, ?, ?)", taken.claim(), taken.id(), session);
      if (keep) {
        book.ended(taken);
        mine.remove(taken);
        book.perhapsAcked(taken);
        commit();
        book.surelyAckedOrNot(taken);
        acknowledged(taken);
      }
      end();
    }

    private void endSession() throws SQLException, Broken {
      mine.forEach(taken -> book.outOfOrder(taken));
      mine.forEach(book::ended);
      boolean answered = false;
      while (!answered) {
        try {
          connect();
          ask("SELECT ${schema}.session_end(?)", session);
          answered = true;
        } catch (Broken e) {
          disconnect(); // it may have ended all the same; ending it again does nothing
        }
      }
      List<Taken> stale = List.copyOf(mine);
      long gone = session;
      mine.clear();
      session = 0;
      if (!stale.isEmpty()) {
        assertStale(stale.get(0), gone);
      }
    }
  }

  /** Takes without a session, for leases that are sometimes too short. */
  private final class Leaser extends Taker {
    Leaser(int number) {
      super("leaser", number);
    }

    @Override
    void step() throws SQLException, Broken {
      boolean tooShort = random.nextInt(3) == 0;
      List<String[]> rows =
          ask(
              "SELECT claim, id, convert_from(payload, 'UTF8') FROM ${schema}.take_leased(?, 3, ?::interval)",
              random.nextBoolean() ? MessageBook.KEYED : MessageBook.PLAIN,
              tooShort ? "1 ms" : LEASE);
      for (String[] row : rows) {
        Taken taken = new Taken(Long.parseLong(row[0]), Long.parseLong(row[1]), row[2]);
        book.outOfOrder(taken);
        if (tooShort) {
          continue;
        }
        book.begun(taken);
        book.ended(taken);
        book.perhapsAcked(taken);
        if (random.nextInt(3) > 0) {
          ask("SELECT ${schema}.ack(?, ?)", taken.claim(), taken.id());
          acknowledged(taken);
        } else {
          ask("SELECT ${schema}.nack(?, ?, 'wrong', '5 ms')", taken.claim(), taken.id());
        }
        book.surelyAckedOrNot(taken);
      }
    }
  }

  /** What is done from time to time. */
  private final class Keeping extends Worker {
    Keeping(int number) {
      super("keeping", number);
    }

    @Override
    void step() throws SQLException, Broken {
      ask("SELECT 1 FROM ${schema}.queue_tidy(ARRAY[?, ?])", MessageBook.PLAIN, MessageBook.KEYED);
      if (random.nextInt(5) == 0) {
        ask(
            "SELECT ${schema}.redrive(?)",
            random.nextBoolean() ? MessageBook.KEYED : MessageBook.PLAIN);
      }
      Await.pause(Duration.ofMillis(random.nextInt(40)));
    }
  }

  /** The last consumer: takes until nothing is left anywhere. */
  private final class Drain extends Consumer {
    Drain() {
      super("drain");
    }

    @Override
    public void run() {
      long progress = System.nanoTime();
      long before = acks.get();
      try {
        connect();
        openSession();
        // What a worker left that was broken off is claimed until its lease is over.
        ask("UPDATE ${schema}.claim SET until = clock_timestamp() WHERE session = 0 RETURNING 1");
        book.endedAll();
        while (number(
                "SELECT (SELECT count(*) FROM ${schema}.message) + (SELECT count(*) FROM ${schema}.dead_letter)"
                    + " + (SELECT count(*) FROM ${schema}.claim)")
            > 0) {
          if (acks.get() > before) {
            before = acks.get();
            progress = System.nanoTime();
          } else if (System.nanoTime() - progress > HANG.toNanos()) {
            book.violate(
                "does not drain (ready, behind, delayed, retrying, claimed, dead): "
                    + ask("SELECT string_agg(concat_ws(' ', ready, behind, delayed, retrying, claimed, dead), '; ')"
                            + " FROM ${schema}.queues")
                        .get(0)[0]);
            return;
          }
          ask(
              "SELECT 1 FROM ${schema}.queue_tidy(ARRAY[?, ?])",
              MessageBook.PLAIN,
              MessageBook.KEYED);
          ask(
              "SELECT ${schema}.redrive(?), ${schema}.redrive(?)",
              MessageBook.PLAIN,
              MessageBook.KEYED);
          take();
        }
        ask("SELECT ${schema}.session_end(?)", session);
      } catch (SQLException | Broken e) {
        book.violate("drain: " + e);
      } finally {
        disconnect();
      }
    }
  }
}
